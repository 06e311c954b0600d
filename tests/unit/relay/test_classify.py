"""Reply and phase decide the outcome; silence decides it too."""

from itertools import product

import pytest
from msgspec.structs import replace

from relay.classify import classify_reply, classify_silence, is_too_many_recipients, status_of
from tests.support.jobs import make_message, make_recipient
from tests.support.mail import make_attempt
from tracker.model import Origin, Outcome, Phase, Reply

D, T, F, U = Outcome.DELIVERED, Outcome.DEFERRED, Outcome.FAILED, Outcome.UNCERTAIN


@pytest.mark.parametrize(
    ("phase", "code", "outcome", "origin"),
    [
        pytest.param(Phase.FINAL_DOT, 250, D, Origin.REMOTE, id="250 after the dot"),
        pytest.param(Phase.FINAL_DOT, 251, D, Origin.REMOTE, id="any 2yz after the dot"),
        pytest.param(Phase.FINAL_DOT, 200, D, Origin.REMOTE, id="200 after the dot"),
        pytest.param(Phase.FINAL_DOT, 421, T, Origin.REMOTE, id="421 after the dot"),
        pytest.param(Phase.FINAL_DOT, 451, T, Origin.REMOTE, id="451 after the dot"),
        pytest.param(Phase.FINAL_DOT, 554, F, Origin.REMOTE, id="554 after the dot"),
        pytest.param(Phase.FINAL_DOT, 354, U, Origin.REMOTE, id="354 after the dot"),
        pytest.param(Phase.FINAL_DOT, 150, U, Origin.REMOTE, id="1yz after the dot"),
        pytest.param(Phase.FINAL_DOT, 0, U, Origin.REMOTE, id="000 after the dot"),
        pytest.param(Phase.FINAL_DOT, 600, U, Origin.REMOTE, id="600 after the dot"),
        pytest.param(Phase.RCPT, 550, F, Origin.REMOTE, id="no such user"),
        pytest.param(Phase.RCPT, 450, T, Origin.REMOTE, id="greylisted"),
        pytest.param(Phase.RCPT, 354, T, Origin.REMOTE, id="3yz to RCPT"),
        pytest.param(Phase.MAIL, 553, F, Origin.REMOTE, id="sender refused"),
        pytest.param(Phase.MAIL, 452, T, Origin.REMOTE, id="no space"),
        pytest.param(Phase.DATA, 554, F, Origin.REMOTE, id="DATA refused"),
        pytest.param(Phase.DATA, 250, T, Origin.REMOTE, id="250 to DATA is no delivery"),
        pytest.param(Phase.CONTENT, 552, F, Origin.REMOTE, id="too large, in the middle"),
        pytest.param(Phase.EHLO, 550, F, Origin.REMOTE, id="EHLO refused"),
        pytest.param(Phase.EHLO, 421, T, Origin.REMOTE, id="421 to EHLO"),
        pytest.param(Phase.GREETING, 554, T, Origin.REMOTE, id="554 greeting may pass"),
        pytest.param(Phase.GREETING, 550, T, Origin.REMOTE, id="550 greeting may pass"),
        pytest.param(Phase.GREETING, 421, T, Origin.REMOTE, id="421 greeting"),
        pytest.param(Phase.GREETING, 521, F, Origin.REMOTE, id="521 never takes mail"),
        pytest.param(Phase.GREETING, 556, F, Origin.REMOTE, id="556 never takes mail"),
        pytest.param(Phase.AUTH, 535, T, Origin.LOCAL, id="our password is wrong"),
        pytest.param(Phase.AUTH, 454, T, Origin.LOCAL, id="authentication fails for now"),
        pytest.param(Phase.STARTTLS, 554, T, Origin.POLICY, id="demanded TLS refused"),
    ],
)
def test_reply(phase: Phase, code: int, outcome: Outcome, origin: Origin) -> None:
    assert classify_reply(Reply(code=code), phase) == (outcome, origin)


def test_only_the_final_dot_delivers() -> None:
    for phase, code in product(Phase, range(1000)):
        delivered = classify_reply(Reply(code=code), phase).outcome is Outcome.DELIVERED
        assert delivered == (phase is Phase.FINAL_DOT and 200 <= code < 300)


def test_only_5yz_fails() -> None:
    for phase, code in product(Phase, range(1000)):
        failed = classify_reply(Reply(code=code), phase).outcome is Outcome.FAILED
        assert not failed or 500 <= code < 600


@pytest.mark.parametrize("phase", list(Phase))
def test_silence_never_fails_and_never_delivers(phase: Phase) -> None:
    outcome = classify_silence(phase, Origin.NETWORK).outcome
    assert outcome is (Outcome.UNCERTAIN if phase is Phase.FINAL_DOT else Outcome.DEFERRED)


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        pytest.param(452, "too many recipients", True, id="452"),
        pytest.param(452, "4.5.3 Error: too many recipients", True, id="452 4.5.3"),
        pytest.param(452, "4.3.1 out of space", True, id="452 for any reason but one"),
        pytest.param(452, "4.2.2 over quota", False, id="452 of a full mailbox"),
        pytest.param(451, "4.5.3 slow down", True, id="4.5.3 with another code"),
        pytest.param(550, "5.5.3 too many recipients", True, id="5.5.3"),
        pytest.param(552, "too many recipients", True, id="552 of old servers"),
        pytest.param(552, "5.2.2 mailbox full", False, id="552 of a full mailbox"),
        pytest.param(450, "4.2.0 greylisted", False, id="450"),
        pytest.param(550, "5.1.1 no such user", False, id="550"),
    ],
)
def test_too_many_recipients(code: int, text: str, expected: bool) -> None:
    assert is_too_many_recipients(Reply(code=code, lines=(text,))) is expected


@pytest.mark.parametrize(
    ("outcome", "phase", "reply", "detail", "status"),
    [
        pytest.param(F, Phase.RCPT, Reply(code=550, lines=("5.1.1 no",)), "", "5.1.1", id="theirs"),
        pytest.param(F, Phase.RCPT, Reply(code=550, lines=("no",)), "", "5.0.0", id="bare 550"),
        pytest.param(T, Phase.GREETING, Reply(code=554), "", "4.0.0", id="554 that waits"),
        pytest.param(D, Phase.FINAL_DOT, Reply(code=250), "", "2.0.0", id="bare 250"),
        pytest.param(F, Phase.DNS, None, "5.1.10 null MX", "5.1.10", id="ours"),
        pytest.param(T, Phase.CONNECT, None, "Connection refused", "4.4.1", id="no answer"),
        pytest.param(T, Phase.DNS, None, "SERVFAIL", "4.4.3", id="DNS"),
        pytest.param(T, Phase.DATA, None, "The connection was lost", "4.4.2", id="lost"),
        pytest.param(T, Phase.STARTTLS, None, "Not verified", "4.7.5", id="TLS"),
        pytest.param(U, Phase.FINAL_DOT, None, "No reply", "4.4.2", id="uncertain"),
    ],
)
def test_status(
    outcome: Outcome, phase: Phase, reply: Reply | None, detail: str, status: str
) -> None:
    attempt = make_attempt(make_recipient(make_message()))
    attempt = replace(attempt, outcome=outcome, phase=phase, reply=reply, detail=detail)
    assert status_of(attempt) == status
