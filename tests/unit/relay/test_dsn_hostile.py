"""DSNs about hostile servers, from hostile clients: nothing they sent adds a field or a part."""

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import RetrySettings
from relay.decide import decide, weigh
from relay.dsn import compose_dsn
from relay.dsn.report import WORDS_LIMIT
from tests.support.clock import START
from tests.support.dsns import blocks_of, make_report, parts_of, prose_of, read, text_of
from tests.support.mail import make_attempt, mint
from tests.support.outward import make_job, make_message, make_recipient
from tracker.model import Outcome, Phase, Reply, Target

# --- much of it ---------------------------------------------------------------------------------


def report_on(recipients: int, reply: Reply) -> bytes:
    """Return the DSN on a message that a server has refused for each of its recipients."""
    message = make_message()
    to = [make_recipient(f"user{n}@mx.test", message) for n in range(recipients)]
    attempts = [make_attempt(each, Outcome.FAILED, reply=reply) for each in to]
    weighed = weigh(
        make_job(message=message, recipients=to),
        attempts,
        retry=RetrySettings(),
        now=START,
        jitter=0.5,
    )
    (dsn,) = decide(
        weighed, reporting_mta="relay.test", mint=mint, destination_of=str, original=b""
    ).reports
    return b"".join(dsn.content.chunks())


def test_a_server_that_has_much_to_say_of_each_of_many_is_cut_short() -> None:
    reply = Reply(code=550, lines=("5.1.1 Go away", *["no " * 26] * 100))
    octets = report_on(500, reply)
    assert len(octets) < 4 * WORDS_LIMIT
    assert octets.count(b"\r\nFinal-Recipient: ") == 500
    assert octets.count(b"\r\nDiagnostic-Code: smtp; 550-5.1.1 Go away") == 500
    assert b"The reply was longer; this is its beginning." in octets


def test_what_a_server_says_of_a_few_is_there_word_for_word() -> None:
    lines = ("5.1.1 Go away", *[f"line {n} " + "no " * 20 for n in range(100)])
    octets = report_on(20, Reply(code=550, lines=lines))
    assert octets.count(b"line 99 no") == 2 * 20  # in what people read, and in what programs do


# --- hostile servers --------------------------------------------------------------------------

HOSTILE = {
    "bare CR and LF": ("5.1.1 a\rb", "5.1.1 \nAction: delivered\n\nFinal-Recipient: rfc822; eve"),
    "CRLF": ("5.1.1 a\r\nAction: delivered", "5.1.1 \r\n\r\nFinal-Recipient: rfc822; eve@x"),
    "NUL": ("5.1.1 a\x00b",),
    "ESC": ("5.1.1 \x1b[2J\x1b]0;owned\x07",),
    "end of data": ("5.1.1 \r\n.\r\n", "."),
    "boundary": ("--=_", "--=_01KJPWD6M0E00BN9A1XKDWH9RE--", "Content-Type: text/html"),
    "fields": ("Final-Recipient: rfc822; eve@example.net", "Action: delivered", "Status: 2.0.0"),
    "header": ("Subject: hi", "", "Bcc: eve@example.net"),
    "8 KiB in one line": ("5.1.1 " + "x" * 8192,),
    "8 KiB in words": ("5.1.1 " + "no way " * 1170,),
    "many lines": tuple(f"5.1.1 line {number}" for number in range(700)),
    "not UTF-8": ("5.1.1 caf\udce9 \udcff\udcfe",),
    "right to left": ("5.1.1 \u202egpj.exe\u202c \u2066x\u2069",),
    "line separators": ("5.1.1 a\u2028Action: delivered\u2029b\x85c\x0bd\x0ce",),
    "other scripts": ("5.1.1 ユーザーが見つかりません", "5.1.1 пользователь не найден"),
    "zero width": ("5.1.1 a\u200bb\ufeffc",),
    "encoded-word": ("5.1.1 =?utf-8?q?=0D=0ABcc:_eve?=",),
    "equals signs": ("5.1.1 =0D=0A =3D " + "=" * 200,),
    "nothing": (),
    "empty lines": ("", "", ""),
    "spaces": ("   ", "\t"),
    "unbalanced": ('5.1.1 ((( "',),
}


hostile_replies = pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(code=550, lines=lines, truncated=True), id=name)
        for name, lines in HOSTILE.items()
    ],
)


def check_one_block(message: EmailMessage) -> None:
    assert len(parts_of(message)) == 3
    blocks = blocks_of(message)
    assert len(blocks) == 2
    assert blocks[1].get_all("Final-Recipient") == ["rfc822; bob@example.org"]
    assert blocks[1].get_all("Action") == ["failed"]
    assert len(blocks[1].get_all("Status", [])) == 1
    assert len(blocks[1].get_all("Diagnostic-Code", [])) == 1
    assert message["Bcc"] is None


@hostile_replies
def test_a_hostile_reply_forges_nothing(reply: Reply) -> None:
    dsn = compose_dsn(make_report(reply=reply))
    message = read(dsn)
    check_one_block(message)
    text = text_of(message)
    assert all(c.isprintable() for c in text if c not in "\r\n")
    assert b"\r\n.\r\n" not in dsn.octets


@hostile_replies
def test_a_hostile_sentence_or_name_forges_nothing(reply: Reply) -> None:
    words = "\n".join(reply.lines)
    target = Target(host=words, address=words, port=25)
    fields = {"reply": None, "detail": words, "target": target, "phase": Phase.CONNECT}
    check_one_block(read(compose_dsn(make_report(attempt_fields=fields))))
    fields = {"target": target}
    check_one_block(read(compose_dsn(make_report(attempt_fields=fields))))


@given(lines=st.lists(st.text(max_size=120), max_size=8), code=st.integers(500, 599))
def test_no_reply_forges_anything(lines: list[str], code: int) -> None:
    message = read(compose_dsn(make_report(reply=Reply(code=code, lines=tuple(lines)))))
    check_one_block(message)


@given(
    subject=st.text(max_size=300),
    message_id=st.text(max_size=60),
    envid=st.text(max_size=60),
    orcpt=st.text(st.characters(max_codepoint=127), max_size=60),
)
def test_no_client_forges_anything(subject: str, message_id: str, envid: str, orcpt: str) -> None:
    report = make_report(subject=subject, message_id=message_id, envid=envid, orcpt=orcpt)
    check_one_block(read(compose_dsn(report)))


def test_the_words_are_kept_exactly() -> None:
    lines = ("5.1.1 first  line", "5.1.1 second " + "y" * 1200, "5.1.1 café")
    text = text_of(read(compose_dsn(make_report(reply=Reply(code=550, lines=lines)))))
    for expected in (f"550-{lines[0]}", f"550-{lines[1]}", f"550 {lines[2]}"):
        assert f"\n    {expected}\n" in text.replace("\r\n", "\n")


def test_a_reply_that_was_cut_says_so() -> None:
    whole = make_report(reply=Reply(code=550, lines=("5.1.1 no",)))
    cut = make_report(reply=Reply(code=550, lines=("5.1.1 no",), truncated=True))
    assert "this is its beginning" in prose_of(cut)
    assert "this is its beginning" not in prose_of(whole)
