"""Attempts in plain words: whose doing it is, what to do, and one classic sentence."""

from typing import Any

import msgspec
import pytest

from tests.support.jobs import make_message, make_recipient
from tests.support.mail import make_attempt
from tracker.explain import Category, Side, explain, headline, why_not_dialled
from tracker.model import Attempt, Origin, Outcome, Phase, Reply, Target, TargetTry


def attempt_with(outcome: Outcome = Outcome.FAILED, **fields: Any) -> Attempt:
    attempt = make_attempt(make_recipient(make_message()), outcome)
    return msgspec.structs.replace(attempt, **({"phase": Phase.RCPT, "tries": ()} | fields))


# --- attempts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "origin", "detail", "category", "side"),
    [
        (
            Phase.DNS,
            Origin.REMOTE,
            "5.1.10 example.org accepts no mail (null MX)",
            Category.DOMAIN_NO_MAIL,
            Side.RECIPIENT,
        ),
        (
            Phase.DNS,
            Origin.REMOTE,
            "5.1.2 There is no example.invalid",
            Category.DOMAIN_UNKNOWN,
            Side.SENDER,
        ),
        (
            Phase.DNS,
            Origin.REMOTE,
            "5.4.4 example.org has neither an MX nor an address record",
            Category.DOMAIN_UNROUTABLE,
            Side.RECIPIENT,
        ),
        (
            Phase.DNS,
            Origin.NETWORK,
            "4.4.3 The MX look-up failed: SERVFAIL",
            Category.DNS_FAILURE,
            Side.NETWORK,
        ),
        (Phase.DNS, Origin.NETWORK, "No answer", Category.DNS_FAILURE, Side.NETWORK),
        (
            Phase.ROUTING,
            Origin.POLICY,
            "5.4.6 Mail for example.org loops back",
            Category.ROUTING_LOOP,
            Side.RECIPIENT,
        ),
        (
            Phase.CONNECT,
            Origin.NETWORK,
            "Connection refused",
            Category.CONNECT_FAILED,
            Side.NETWORK,
        ),
        (Phase.CONNECT, Origin.LOCAL, "Too many open files", Category.LOCAL_FAULT, Side.OPERATOR),
        (
            Phase.GREETING,
            Origin.NETWORK,
            "No reply within 300 s",
            Category.CONNECT_FAILED,
            Side.NETWORK,
        ),
        (
            Phase.STARTTLS,
            Origin.POLICY,
            "4.7.5 TLS is demanded and the server does not offer it",
            Category.TLS_FAILED,
            Side.RECIPIENT,
        ),
        (
            Phase.STARTTLS,
            Origin.NETWORK,
            "The TLS handshake failed",
            Category.TLS_FAILED,
            Side.RECIPIENT,
        ),
        (
            Phase.AUTH,
            Origin.LOCAL,
            "4.7.8 The password is not sent",
            Category.LOGIN_REFUSED,
            Side.OPERATOR,
        ),
        (
            Phase.MAIL,
            Origin.REMOTE,
            "5.6.7 The server does not take SMTPUTF8",
            Category.SMTPUTF8_UNSUPPORTED,
            Side.RECIPIENT,
        ),
        (
            Phase.MAIL,
            Origin.REMOTE,
            "5.3.4 The message has 9 octets, the server takes 8",
            Category.SIZE_LIMIT,
            Side.SENDER,
        ),
        (
            Phase.RCPT,
            Origin.NETWORK,
            "The connection was lost",
            Category.CONNECTION_LOST,
            Side.NETWORK,
        ),
        (
            Phase.CONTENT,
            Origin.LOCAL,
            "5.6.0 The content has a NUL",
            Category.CONTENT_FORMAT,
            Side.SENDER,
        ),
        (
            Phase.CONTENT,
            Origin.LOCAL,
            "4.3.0 The content cannot be read",
            Category.LOCAL_FAULT,
            Side.OPERATOR,
        ),
        (
            Phase.ROUTING,
            Origin.LOCAL,
            "4.4.4 The next hop has no address",
            Category.LOCAL_FAULT,
            Side.OPERATOR,
        ),
        (
            Phase.ROUTING,
            Origin.POLICY,
            "The mail may not go there",
            Category.DOMAIN_UNROUTABLE,
            Side.RECIPIENT,
        ),
        (
            Phase.ROUTING,
            Origin.POLICY,
            "5.7.0 Cancelled before it was delivered: sent by mistake",
            Category.STOPPED_HERE,
            Side.SENDER,
        ),
        (
            Phase.ROUTING,
            Origin.POLICY,
            "Not dialled: it was held until its deadline",
            Category.STOPPED_HERE,
            Side.SENDER,
        ),
        (
            Phase.GREETING,
            Origin.REMOTE,
            'The server does not speak SMTP: "HTTP/1.1 400 Bad Request"',
            Category.REMOTE_ERROR,
            Side.RECIPIENT,
        ),
        (
            Phase.RCPT,
            Origin.REMOTE,
            "The reply has more than 1000 lines",
            Category.REMOTE_ERROR,
            Side.RECIPIENT,
        ),
    ],
)
def test_what_no_server_said(
    phase: Phase, origin: Origin, detail: str, category: Category, side: Side
) -> None:
    attempt = attempt_with(Outcome.DEFERRED, reply=None, phase=phase, origin=origin, detail=detail)
    explanation = explain(attempt)
    assert (explanation.category, explanation.side) == (category, side)


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_an_explanation_and_a_headline(phase: Phase) -> None:
    for reply in (None, Reply(code=454, lines=("xyzzy",))):
        attempt = attempt_with(Outcome.DEFERRED, reply=reply, phase=phase, detail="Something")
        assert explain(attempt).category is not Category.ACCEPTED
        assert "\n" not in headline(attempt)
        said = f"{headline(attempt)} {why_not_dialled(attempt)}"
        assert ("xyzzy" if reply else "Something") in said


def test_the_phase_goes_before_the_words() -> None:
    reply = Reply(code=454, lines=("4.7.0 spam spam spam",))
    for phase, category in (
        (Phase.STARTTLS, Category.TLS_FAILED),
        (Phase.AUTH, Category.LOGIN_REFUSED),
        (Phase.RCPT, Category.CONTENT_SPAM),
    ):
        attempt = attempt_with(Outcome.DEFERRED, reply=reply, phase=phase)
        assert explain(attempt).category is category


def test_advice_depends_on_whether_we_keep_trying() -> None:
    reply = Reply(code=452, lines=("4.2.2 Mailbox full",))
    attempt = attempt_with(Outcome.DEFERRED, reply=reply)
    waiting, gone = explain(attempt), explain(attempt, given_up=True)
    assert waiting.what_happened == gone.what_happened == "The recipient's mailbox is full."
    assert "We keep trying" in waiting.what_you_can_do
    assert "We keep trying" not in gone.what_you_can_do


def test_accepted_promises_no_inbox() -> None:
    explanation = explain(attempt_with(Outcome.DELIVERED, phase=Phase.FINAL_DOT))
    assert explanation.category is Category.ACCEPTED
    assert "only that server knows" in explanation.what_happened


def test_uncertain_says_that_there_may_be_two() -> None:
    explanation = explain(attempt_with(Outcome.UNCERTAIN))
    assert explanation.category is Category.UNCERTAIN
    assert "two copies" in explanation.what_you_can_do


def test_our_own_fault_is_said_to_be_ours() -> None:
    reply = Reply(code=554, lines=("5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",))
    explanation = explain(attempt_with(reply=reply))
    assert explanation.side is Side.OPERATOR
    assert explanation.who_can_fix.startswith("We,")
    assert explanation.rule == "text:address-on-list"


def test_no_reason_is_said_plainly() -> None:
    explanation = explain(attempt_with(reply=Reply(code=550, lines=("No.",))))
    assert explanation.rule == "none"
    assert explanation.what_happened == "The recipient's server gave no usable reason."


# --- headlines --------------------------------------------------------------------------------

GOOD = Reply(code=250, lines=("2.0.0 OK 1717430401 abc - gsmtp",))
TWO_LINES = Reply(code=550, lines=("5.1.1 The account does", "5.1.1 not exist"))
BUSY = Reply(code=451, lines=("4.3.0 busy",))


@pytest.mark.parametrize(
    ("outcome", "phase", "reply", "detail", "words"),
    [
        (
            Outcome.DELIVERED,
            Phase.FINAL_DOT,
            GOOD,
            "",
            "198.51.100.25 accepted message. Remote host said: 250 2.0.0 OK 1717430401 abc - gsmtp",
        ),
        (
            Outcome.FAILED,
            Phase.RCPT,
            TWO_LINES,
            "",
            "198.51.100.25 does not like recipient. Remote host said: "
            "550-5.1.1 The account does 550 5.1.1 not exist",
        ),
        (
            Outcome.DEFERRED,
            Phase.MAIL,
            BUSY,
            "",
            "198.51.100.25 does not like sender. Remote host said: 451 4.3.0 busy",
        ),
        (
            Outcome.DEFERRED,
            Phase.GREETING,
            BUSY,
            "",
            "Connected to 198.51.100.25 but it does not want to talk. Remote host said: "
            "451 4.3.0 busy",
        ),
        (
            Outcome.DEFERRED,
            Phase.FINAL_DOT,
            BUSY,
            "",
            "198.51.100.25 did not take the message after it was sent. Remote host said: "
            "451 4.3.0 busy",
        ),
        (
            Outcome.DEFERRED,
            Phase.CONNECT,
            None,
            "Connection refused",
            "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)",
        ),
        (
            Outcome.FAILED,
            Phase.DNS,
            None,
            "5.1.10 example.org accepts no mail",
            "Sorry, I do not know a way to example.org. example.org accepts no mail. (#5.1.10)",
        ),
        (
            Outcome.DEFERRED,
            Phase.RCPT,
            None,
            "The connection was lost",
            "Connected to 198.51.100.25 but connection died. The connection was lost. (#4.4.2)",
        ),
        (
            Outcome.UNCERTAIN,
            Phase.FINAL_DOT,
            None,
            "",
            "Connected to 198.51.100.25 but connection died after the message was sent. "
            "Possible duplicate! (#4.4.2)",
        ),
    ],
)
def test_headlines(
    outcome: Outcome, phase: Phase, reply: Reply | None, detail: str, words: str
) -> None:
    origin = Origin.NETWORK if reply is None else Origin.REMOTE
    attempt = attempt_with(outcome, origin=origin, phase=phase, reply=reply, detail=detail)
    assert headline(attempt) == words


STRANGE = Reply(code=999, lines=("hello",))
CLOSING = Reply(code=421, lines=("4.3.2 closing",))


@pytest.mark.parametrize(
    ("phase", "origin", "reply", "detail", "words"),
    [
        (
            Phase.MAIL,
            Origin.REMOTE,
            None,
            "5.3.4 The message has 376 octets, the server takes 100",
            "Connected to 198.51.100.25 but did not send the message. The message has 376 octets, "
            "the server takes 100. (#5.3.4)",
        ),
        (
            Phase.CONTENT,
            Origin.LOCAL,
            None,
            "4.3.0 The content cannot be read",
            "Connected to 198.51.100.25 but did not send the message. The content cannot be read. "
            "(#4.3.0)",
        ),
        (
            Phase.RCPT,
            Origin.REMOTE,
            None,
            'The server does not speak SMTP: "{0}"',
            "Connected to 198.51.100.25 but it does not keep to SMTP. The server does not speak "
            'SMTP: "{0}". (#4.4.2)',
        ),
        (
            Phase.DATA,
            Origin.REMOTE,
            Reply(code=250, lines=("fine",)),
            "The server answered DATA with 250 where 354 is due",
            "Connected to 198.51.100.25 but it does not keep to SMTP. The server answered DATA "
            "with 250 where 354 is due. Remote host said: 250 fine",
        ),
        (
            Phase.RCPT,
            Origin.REMOTE,
            CLOSING,
            "The server broke off at another recipient, {0}",
            "Connected to 198.51.100.25 but it broke off. The server broke off at another "
            "recipient, {0}. Remote host said: 421 4.3.2 closing",
        ),
        (
            Phase.ROUTING,
            Origin.POLICY,
            None,
            "5.7.0 Cancelled before it was delivered: a mistake",
            "Sorry, I did not try example.org. Cancelled before it was delivered: a mistake. "
            "(#5.7.0)",
        ),
        (
            Phase.ROUTING,
            Origin.POLICY,
            None,
            "5.4.6 Mail for example.org loops back",
            "Sorry, I do not know a way to example.org. Mail for example.org loops back. (#5.4.6)",
        ),
    ],
)
def test_a_connection_that_did_not_die_is_not_said_to_have_died(
    phase: Phase, origin: Origin, reply: Reply | None, detail: str, words: str
) -> None:
    attempt = attempt_with(Outcome.DEFERRED, origin=origin, phase=phase, reply=reply, detail=detail)
    assert headline(attempt) == words


def test_an_answer_that_is_none_is_shown_all_the_same() -> None:
    attempt = attempt_with(
        Outcome.UNCERTAIN,
        phase=Phase.FINAL_DOT,
        reply=STRANGE,
        detail="The reply code 999 does not exist (RFC 5321 4.2.1)",
    )
    assert headline(attempt) == (
        "198.51.100.25 said neither yes nor no after the message was sent. Possible duplicate! "
        "Remote host said: 999 hello"
    )


def test_a_headline_without_an_address_names_what_it_has() -> None:
    nowhere = attempt_with(reply=None, phase=Phase.EHLO, target=None)
    assert "example.org" in headline(nowhere)
    literal = attempt_with(target=Target(host="[192.0.2.1]", address="", port=25))
    assert headline(literal).startswith("[192.0.2.1] does not like recipient")


def test_hosts_that_were_tried_tell_their_reasons_themselves() -> None:
    alone = attempt_with(
        Outcome.DEFERRED, phase=Phase.CONNECT, reply=None, detail="Connection refused"
    )
    dialled = msgspec.structs.replace(
        alone,
        tries=(
            TargetTry(
                target=Target(host="mx.example.org", address="198.51.100.25", port=25),
                phase=Phase.CONNECT,
                detail="Connection refused",
                started_at=alone.started_at,
            ),
        ),
    )
    assert headline(dialled) == "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)"
    assert headline(alone) == headline(dialled)
    assert why_not_dialled(dialled) == ""
    assert why_not_dialled(alone) == "Connection refused"
