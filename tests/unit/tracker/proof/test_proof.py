"""What a handover certificate says, that nobody can alter it, and how it looks on paper."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdf
import pytest
from msgspec.structs import replace

from tests.support.jobs import make_message, make_recipient
from tests.support.mail import make_attempt
from tracker.model import Attempt, Outcome, Recipient, Reply, Status
from tracker.proof import (
    NoHandover,
    NotACertificate,
    Seal,
    SealUnfit,
    Statement,
    document,
    fingerprint,
    open_seal,
    print_certificate,
    state,
    verify,
)
from tracker.proof.paper import printable
from tracker.views import Timeline

NOW = datetime(2026, 3, 2, 14, 47, 3, 123456, tzinfo=UTC)
MESSAGE = make_message(accepted_at=NOW - timedelta(hours=1))
REPLY = Reply(code=250, lines=("2.0.0 Ok: queued as 4T1x", "тест 例 \x1b[31m <b>#evil[]$x$</b>"))


def timeline_of(*attempts: Attempt, recipient: Recipient) -> Timeline:
    return Timeline(
        message=MESSAGE,
        recipients=(recipient,),
        attempts=attempts,
        events=(),
    )


@pytest.fixture
def recipient() -> Recipient:
    return replace(make_recipient(MESSAGE), status=Status.DELIVERED)


@pytest.fixture
def delivered(recipient: Recipient) -> Timeline:
    first = make_attempt(recipient, Outcome.DEFERRED, now=NOW - timedelta(hours=1))
    second = make_attempt(replace(recipient, attempts=1), now=NOW, reply=REPLY)
    passed_over = replace(second.tries[0], skipped=True, source_address="203.0.113.1")
    second = replace(second, tries=(*second.tries, passed_over))
    return timeline_of(first, second, recipient=recipient)


@pytest.fixture
def statement(delivered: Timeline, recipient: Recipient) -> Statement:
    return state(
        delivered, recipient, issued_by="mail.example.com", software="Sendtrace 1", now=NOW
    )


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return open_seal(tmp_path / "handover.key")


def test_a_statement_says_who_took_it(statement: Statement) -> None:
    assert statement.recipient.forward_path == "bob@example.org"
    assert statement.attempt.number == 2
    assert statement.attempt.started_at == "2026-03-02T14:47:03.123456Z"
    assert statement.server.host == "mx1.example.org"
    assert statement.server.address == "198.51.100.25"
    assert statement.server.source_address == "203.0.113.9"
    assert statement.server.tls is not None
    assert statement.server.tls.verified_by == "verified by DANE"
    assert statement.reply.code == 250
    assert statement.reply.enhanced_status_code == "2.0.0"
    assert statement.reply.text == REPLY.text


@pytest.mark.parametrize("outcome", [Outcome.DEFERRED, Outcome.FAILED, Outcome.UNCERTAIN])
def test_without_a_handover_there_is_nothing_to_certify(outcome: Outcome) -> None:
    waiting = replace(make_recipient(MESSAGE), status=Status.DEFERRED, next_attempt_at=NOW)
    timeline = timeline_of(make_attempt(waiting, outcome, now=NOW), recipient=waiting)
    with pytest.raises(NoHandover, match=r"bob@example\.org.*deferred"):
        state(timeline, waiting, issued_by="a", software="b", now=NOW)


def test_the_handover_of_somebody_else_does_not_count(delivered: Timeline) -> None:
    other = replace(make_recipient(MESSAGE, "eve@example.org"), status=Status.BOUNCED)
    with pytest.raises(NoHandover):
        state(delivered, other, issued_by="a", software="b", now=NOW)


def test_a_certificate_is_genuine(statement: Statement, seal: Seal) -> None:
    found = verify(document(statement, seal))
    assert found.genuine
    assert found.statement == statement
    assert found.public_key == seal.public_key
    assert found.fingerprint == fingerprint(seal.public_key)


def rename(data: dict[str, object]) -> None:
    data["statement"]["recipient"]["forward_path"] = "eve@example.org"  # type: ignore[index]


def add(data: dict[str, object]) -> None:
    data["statement"]["remark"] = "and she read it"  # type: ignore[index]


def postdate(data: dict[str, object]) -> None:
    data["statement"]["attempt"]["ended_at"] = "2026-03-01T00:00:00.000000Z"  # type: ignore[index]


def change_key(data: dict[str, object]) -> None:
    data["signature"]["public_key"] = "A" * 43 + "="  # type: ignore[index]


def change_value(data: dict[str, object]) -> None:
    data["signature"]["value"] = "A" * 86 + "=="  # type: ignore[index]


@pytest.mark.parametrize("alter", [rename, add, postdate, change_key, change_value])
def test_whatever_is_altered_shows(
    alter: Callable[[dict[str, object]], None], statement: Statement, seal: Seal
) -> None:
    data = json.loads(document(statement, seal))
    alter(data)
    assert not verify(json.dumps(data).encode()).genuine


def test_layout_and_order_do_not_matter(statement: Statement, seal: Seal) -> None:
    data = json.loads(document(statement, seal))
    turned = {key: dict(reversed(value.items())) for key, value in reversed(data.items())}
    assert verify(json.dumps(turned, ensure_ascii=True).encode()).genuine


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "no handover certificate"),
        (b"{}", "no handover certificate: .* missing required field `statement`"),
        (b"[" * 100_000, "no handover certificate"),
        (b'{"statement": 1, "signature": 2}', "no handover certificate"),
        (b"\xff\xfe", "no handover certificate"),
        (b" " * 300_000, "too large"),
        (b"%PDF-1.7", "handover.json that is attached"),
    ],
)
def test_what_is_no_certificate_is_told(octets: bytes, words: str) -> None:
    with pytest.raises(NotACertificate, match=words):
        verify(octets)


@pytest.mark.parametrize("field", ["public_key", "value"])
@pytest.mark.parametrize("written", ["ü", "a", "===="])
def test_a_damaged_signature_is_told(
    statement: Statement, seal: Seal, field: str, written: str
) -> None:
    data = json.loads(document(statement, seal))
    data["signature"][field] = written
    with pytest.raises(NotACertificate, match="signature is damaged"):
        verify(json.dumps(data).encode())


def test_a_later_format_is_told(statement: Statement, seal: Seal) -> None:
    data = json.loads(document(statement, seal))
    data["statement"]["format"] = "sendtrace-handover-9"
    with pytest.raises(NotACertificate, match="sendtrace-handover-9"):
        verify(json.dumps(data).encode())


def test_the_key_is_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "handover.key"
    first, second = open_seal(path), open_seal(path)
    assert first.public_key == second.public_key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["handover.key"]


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_key_that_cannot_be_used_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "handover.key"
    path.write_bytes(content)
    with pytest.raises(SealUnfit, match=r"handover\.key"):
        open_seal(path)
    assert path.read_bytes() == content


def test_on_paper_it_reads_the_same(statement: Statement, seal: Seal) -> None:
    signed = document(statement, seal)
    reader = pypdf.PdfReader(io.BytesIO(print_certificate(statement, signed, seal.public_key)))
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for words in (
        "bob@example.org",
        "mx1.example.org [198.51.100.25]",
        "2026-03-02 14:47:03.123456 UTC",
        "2.0.0 Ok: queued as 4T1x",
        "тест [U+4F8B]",
        "verified by DANE",
        fingerprint(seal.public_key),
    ):
        assert words in text, text
    assert "<b>#evil[]$x$</b>" in text  # text from the network is never markup
    assert reader.attachments["handover.json"] == [signed]
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, Ωμέγα, мир", "Grüße, Ωμέγα, мир"),
        ("例え", "[U+4F8B][U+3048]"),
        ("a\x1b[0m\x00", "a[U+001B][0m[U+0000]"),
        ("مرحبا"[:1], "[U+0645]"),
        ("🙂", "[U+1F642]"),
        ("a\u0301", "a[U+0301]"),
        ("“two\nlines” – €", "“two\nlines” – €"),
    ],
)
def test_what_cannot_be_printed_is_named(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_every_character_that_is_printed_has_a_glyph(statement: Statement, seal: Seal) -> None:
    """The typesetter refuses a page with a character that none of its fonts has."""
    every = "".join(chr(code) for code in range(0x20, 0x0560)) + "‐‑–—‘’‚“”„†•…‰‹›€™"
    reply = replace(statement.reply, text=every)
    told = replace(
        statement,
        reply=reply,
        issued_by=every,
        recipient=replace(statement.recipient, forward_path=every),
    )
    assert print_certificate(told, document(told, seal), seal.public_key).startswith(b"%PDF")
