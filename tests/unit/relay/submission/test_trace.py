"""The fields that we add."""

from datetime import UTC, datetime

import msgspec
import pytest

from relay.submission.header import read_header
from relay.submission.trace import (
    FOLD_AT,
    Passage,
    complete_facts,
    compose_added_fields,
    with_keyword,
)
from tracker.model import MessageId

PASSAGE = Passage(
    id=MessageId("01KJPWD6M0E00852JP9MHFQ3HR"),
    hostname="relay.example.org",
    address="192.0.2.7",
    helo="client.example.net",
    protocol="ESMTPSA",
    tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
    only_recipient="b@example.net",
    at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
)


def added(content: bytes, **changes: object) -> str:
    passage = msgspec.structs.replace(PASSAGE, **changes)
    return compose_added_fields(passage, read_header(content, len(content))).decode()


def unfold(text: str) -> str:
    return text.replace("\r\n\t", " ")


def test_received() -> None:
    text = added(b"Date: x\r\nMessage-ID: <x>\r\n\r\n")
    assert unfold(text) == (
        "Received: from client.example.net ([192.0.2.7]) by relay.example.org with ESMTPSA"
        " id 01KJPWD6M0E00852JP9MHFQ3HR (TLSv1.3 TLS_AES_256_GCM_SHA384)"
        " for <b@example.net>; Mon, 02 Mar 2026 09:00:00 +0000\r\n"
    )
    assert max(map(len, text.split("\r\n"))) <= FOLD_AT


def test_several_recipients_are_not_named() -> None:
    assert " for " not in added(b"", only_recipient=None)


@pytest.mark.parametrize(
    ("helo", "named"),
    [
        pytest.param("host", "host", id="one label"),
        pytest.param("[192.0.2.9]", "[192.0.2.9]", id="literal"),
        pytest.param("a b", "[192.0.2.7]", id="space"),
        pytest.param("x(comment", "[192.0.2.7]", id="open comment"),
        pytest.param("x\r\nBcc: y", "[192.0.2.7]", id="line end"),
        pytest.param("müller.de", "[192.0.2.7]", id="not ASCII"),
        pytest.param("", "[192.0.2.7]", id="nothing"),
    ],
)
def test_helo_is_named_only_where_it_is_a_name(helo: str, named: str) -> None:
    assert added(b"", helo=helo).startswith(f"Received: from {named} ([192.0.2.7])")


def test_ipv6_client() -> None:
    text = unfold(added(b"", address="2001:db8::1", helo="?"))
    assert "from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])" in text


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        pytest.param(b"Subject: x\r\n\r\n", ["Received", "Date", "Message-ID"], id="lacks both"),
        pytest.param(b"date: x\r\n\r\n", ["Received", "Message-ID"], id="has a date"),
        pytest.param(b"MESSAGE-ID: x\r\n\r\n", ["Received", "Date"], id="has an id"),
    ],
)
def test_what_is_missing_is_added(content: bytes, fields: list[str]) -> None:
    lines = unfold(added(content)).split("\r\n")
    assert [line.partition(":")[0] for line in lines[:-1]] == fields


@pytest.mark.parametrize("content", [b"hello\r\n", b"\r\nhello\r\n", b""])
def test_without_a_header_the_content_stays_the_body(content: bytes) -> None:
    text = added(content)
    expected = "\r\n" if content.startswith(b"\r\n") else "\r\n\r\n"
    assert text.endswith(expected)
    assert (text + content.decode()).count("\r\n\r\n") == 1
    assert "Date:" not in text


def test_facts_name_what_was_added() -> None:
    content = b"Subject: x\r\n\r\n"
    facts = complete_facts(PASSAGE, read_header(content, len(content)))
    assert facts.message_id == "01KJPWD6M0E00852JP9MHFQ3HR@relay.example.org"
    assert facts.date == "Mon, 02 Mar 2026 09:00:00 +0000"
    nothing = complete_facts(PASSAGE, read_header(b"", 0))
    assert (nothing.message_id, nothing.date) == ("", "")


@pytest.mark.parametrize(
    ("extended", "tls", "authenticated", "smtputf8", "keyword"),
    [
        (False, False, False, False, "SMTP"),
        (True, False, False, False, "ESMTP"),
        (True, False, True, False, "ESMTPA"),
        (True, True, False, False, "ESMTPS"),
        (True, True, True, False, "ESMTPSA"),
        (True, False, False, True, "UTF8SMTP"),
        (True, True, True, True, "UTF8SMTPSA"),
    ],
)
def test_with_keyword(
    extended: bool, tls: bool, authenticated: bool, smtputf8: bool, keyword: str
) -> None:
    assert keyword == with_keyword(
        extended=extended, tls=tls, authenticated=authenticated, smtputf8=smtputf8
    )
