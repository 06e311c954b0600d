"""Refusals as people paste them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.explain.pasted import LONGEST, Pasted, read_pasted
from tracker.model import Phase, Reply

UNKNOWN = Reply(code=550, lines=("5.1.1 No such user",))


@pytest.mark.parametrize(
    ("text", "reply", "phase", "host"),
    [
        ("550 5.1.1 No such user", UNKNOWN, None, ""),
        ("  550 5.1.1 No such user\r\n", UNKNOWN, None, ""),
        (
            "550-5.1.1 The account\n550-5.1.1 does not\n550 5.1.1 exist",
            Reply(code=550, lines=("5.1.1 The account", "5.1.1 does not", "5.1.1 exist")),
            None,
            "",
        ),
        (
            "550-5.1.1 The account 550-5.1.1 does not 550 5.1.1 exist",
            Reply(code=550, lines=("5.1.1 The account", "5.1.1 does not 550 5.1.1 exist")),
            None,
            "",
        ),
        (
            "host mx.example.org[192.0.2.7] said: 550 5.1.1 No such user "
            "(in reply to RCPT TO command)",
            UNKNOWN,
            Phase.RCPT,
            "mx.example.org",
        ),
        (
            "status=deferred (host mx.example.org[2001:db8::7] refused to talk to me: "
            "421 4.7.0 Too busy)",
            Reply(code=421, lines=("4.7.0 Too busy)",)),
            None,
            "mx.example.org",
        ),
        (
            "said: 554 no (in reply to end of DATA command)",
            Reply(code=554, lines=("no",)),
            Phase.FINAL_DOT,
            "",
        ),
        (
            "192.0.2.7 does not like recipient. Remote host said: 550 5.1.1 No such user",
            UNKNOWN,
            None,
            "",
        ),
        (
            "Remote host said: 550 5.1.1 No such user\n"
            "I'm not going to try again; this message has been in the queue too long.",
            UNKNOWN,
            None,
            "",
        ),
        (
            "551 5.1.1 Not known: host 127.0.0.1[127.0.0.1] said: 554 5.7.1 lookup failed",
            Reply(
                code=551,
                lines=("5.1.1 Not known: host 127.0.0.1[127.0.0.1] said: 554 5.7.1 lookup failed",),
            ),
            None,
            "",
        ),
        ("Diagnostic-Code: smtp; 550 5.1.1 No such user", UNKNOWN, None, ""),
        ("smtp;550 5.1.1 No such user", UNKNOWN, None, ""),
        ("smtp;450 no", Reply(code=450, lines=("no",)), None, ""),
        ("452", Reply(code=452, lines=("",)), None, ""),
        ("5.1.1 No such user", UNKNOWN, None, ""),
        ("no room (#4.2.2)", Reply(code=450, lines=("no room (#4.2.2)",)), None, ""),
    ],
)
def test_what_is_read(text: str, reply: Reply, phase: Phase | None, host: str) -> None:
    assert read_pasted(text) == Pasted(reply, phase, host)


@pytest.mark.parametrize("text", ["", "hello", "250 2.0.0 OK", "the 12550 users of 1.2.3.4", "55"])
def test_what_is_no_refusal(text: str) -> None:
    assert read_pasted(text) is None


@given(st.text(max_size=300))
def test_anything_can_be_pasted(text: str) -> None:
    for given_text in (text, f"550 {text}", f"host {text} said: 450 {text}"):
        pasted = read_pasted(given_text)
        assert pasted is None or 400 <= pasted.reply.code < 600


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", ["host ", "said: ", "550-5.1.1 ", "5.1.1", " ", "\n", "(in reply to "]
)
def test_long_texts_are_read_at_once_and_cut(unit: str) -> None:
    pasted = read_pasted("550 no\n" + unit * 20_000)
    assert pasted is not None
    assert sum(len(line) for line in pasted.reply.lines) <= LONGEST
