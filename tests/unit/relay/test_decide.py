"""What follows from a delivery: statuses, next tries, DSNs."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from config.settings import RetrySettings
from relay.decide import Reach, decide, weigh
from tests.support.clock import START
from tests.support.jobs import make_job, make_message, make_recipient
from tests.support.mail import CONTENT, make_attempt, mint
from tracker.model import (
    Attempt,
    DestinationChange,
    EventKind,
    Gate,
    Job,
    Message,
    MessageKind,
    Notify,
    Origin,
    Outcome,
    Phase,
    Recipient,
    Reply,
    Ret,
    Settlement,
    Status,
    Submission,
)
from tracker.states import check

RETRY = RetrySettings()
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
REFUSED = Reply(code=550, lines=("5.1.1 No such user",))
SUCCESS = frozenset({Notify.SUCCESS})
NEVER = frozenset({Notify.NEVER})
NOTHING_LEARNT = Reach()


def settle(
    job: Job,
    attempts: Sequence[Attempt],
    *,
    after: timedelta = timedelta(0),
    retry: RetrySettings = RETRY,
    reach: Reach = NOTHING_LEARNT,
    **more: Any,
) -> Settlement:
    return decide(
        weigh(job, attempts, retry=retry, now=START + after, jitter=0.5, reach=reach),
        reporting_mta="mail.example.com",
        mint=mint,
        destination_of=lambda domain: f"route-of-{domain}",
        **more,
    )


def settle_one(
    outcome: Outcome, *, after: timedelta = timedelta(0), **more: Any
) -> tuple[Settlement, Message, Recipient]:
    fields = ("notify", "orcpt", "attempts", "delay_dsn_at")
    mine: Mapping[str, Any] = {key: more.pop(key) for key in fields if key in more}
    kept = ("reverse_path", "kind", "ret")
    message = make_message(**{key: more.pop(key) for key in kept if key in more})
    recipient = make_recipient(message, **mine)
    attempt = make_attempt(recipient, outcome, now=START + after, reply=more.pop("reply", None))
    return settle(make_job(message, recipient), [attempt], after=after, **more), message, recipient


def action_of(dsn: Submission) -> list[str]:
    octets = b"".join(dsn.content.chunks())
    return [action.decode() for action in re.findall(rb"^Action: (\w+)\r$", octets, re.MULTILINE)]


@pytest.mark.parametrize(
    ("outcome", "after", "status", "wait"),
    [
        (Outcome.DELIVERED, timedelta(0), Status.DELIVERED, None),
        (Outcome.FAILED, timedelta(0), Status.BOUNCED, None),
        (Outcome.DEFERRED, timedelta(0), Status.DEFERRED, timedelta(minutes=5)),
        (Outcome.UNCERTAIN, timedelta(0), Status.DEFERRED, timedelta(minutes=5)),
        (Outcome.DEFERRED, WEEK - timedelta(minutes=1), Status.DEFERRED, timedelta(minutes=1)),
        (Outcome.DEFERRED, WEEK, Status.EXPIRED, None),
        (Outcome.UNCERTAIN, WEEK, Status.EXPIRED, None),
        (Outcome.DELIVERED, WEEK, Status.DELIVERED, None),
        (Outcome.FAILED, WEEK, Status.BOUNCED, None),
    ],
)
def test_an_outcome_becomes_a_status(
    outcome: Outcome, after: timedelta, status: Status, wait: timedelta | None
) -> None:
    settlement, _, recipient = settle_one(outcome, after=after)
    [change] = settlement.changes
    check(recipient.status, change.status)
    assert change.status is status
    assert change.attempts == 1
    assert change.next_attempt_at == (None if wait is None else START + after + wait)


def test_a_deferral_says_why_it_waits() -> None:
    settlement, _, _ = settle_one(Outcome.DEFERRED)
    [change] = settlement.changes
    assert change.gate is Gate.BACK_OFF
    assert change.gate_detail == "451-4.7.1 Greylisted, 451 4.7.1 come back later"


def test_a_deferral_without_a_reply_says_what_we_saw() -> None:
    settlement, _, _ = settle_one(Outcome.UNCERTAIN)
    assert settlement.changes[0].gate_detail == "Connection lost after the final dot"


def test_of_a_long_reply_the_queue_keeps_the_beginning() -> None:
    reply = Reply(code=451, lines=("4.3.0 " + "x" * 800,))
    settlement, _, _ = settle_one(Outcome.DEFERRED, reply=reply)
    assert settlement.changes[0].gate_detail == f"451 4.3.0 {'x' * 490}"
    assert settlement.attempts[0].reply == reply


@pytest.mark.parametrize(
    ("code", "is_honoured"),
    [(399, False), (400, True), (421, True), (499, True), (500, False), (554, False)],
)
def test_a_wait_is_stated_by_a_reply_that_asks_to_come_again(code: int, is_honoured: bool) -> None:
    reply = Reply(code=code, lines=("Try again in 20 minutes",))
    settlement, _, _ = settle_one(Outcome.DEFERRED, reply=reply)
    found = settlement.changes[0].next_attempt_at
    assert found is not None
    assert (found - START >= timedelta(minutes=20)) is is_honoured


def test_a_stated_wait_is_honoured() -> None:
    reply = Reply(code=450, lines=("4.2.0 Greylisted, try again in 20 minutes",))
    settlement, _, _ = settle_one(Outcome.DEFERRED, reply=reply)
    found = settlement.changes[0].next_attempt_at
    assert found is not None
    assert timedelta(minutes=20) <= found - START <= timedelta(minutes=22)


def test_an_uncertain_recipient_is_held_when_so_set() -> None:
    retry = RetrySettings(uncertain="hold")
    settlement, _, recipient = settle_one(Outcome.UNCERTAIN, retry=retry)
    [change] = settlement.changes
    check(recipient.status, change.status)
    assert (change.status, change.gate, change.next_attempt_at) == (Status.HELD, Gate.HOLD, None)
    assert settlement.reports == ()


def test_whoever_surely_has_no_copy_is_not_held() -> None:
    settlement, _, _ = settle_one(Outcome.DEFERRED, retry=RetrySettings(uncertain="hold"))
    assert settlement.changes[0].status is Status.DEFERRED


def test_recipients_are_judged_one_by_one() -> None:
    message = make_message()
    outcomes = [Outcome.DELIVERED, Outcome.FAILED, Outcome.DEFERRED]
    recipients = [make_recipient(message, f"user{number}@example.org") for number in range(4)]
    attempts = [make_attempt(r, o) for r, o in zip(recipients, outcomes, strict=False)]
    settlement = settle(make_job(message, *recipients), attempts)
    statuses = {change.recipient_id: change.status for change in settlement.changes}
    assert statuses == {
        recipients[0].id: Status.DELIVERED,
        recipients[1].id: Status.BOUNCED,
        recipients[2].id: Status.DEFERRED,
    }
    assert settlement.attempts == tuple(attempts)


# --- the destination --------------------------------------------------------------------------


def test_an_unreachable_destination_gets_a_probe_and_its_recipients_keep_their_schedule() -> None:
    reach = Reach(reachable=False, detail="Connection refused")
    settlement, _, _ = settle_one(Outcome.DEFERRED, reach=reach, failures=2)
    assert settlement.destination == DestinationChange(
        destination="example.org",
        at=START,
        reachable=False,
        failures=3,
        next_probe_at=START + timedelta(minutes=5),
        detail="Connection refused",
    )
    [change] = settlement.changes
    assert change.gate is Gate.DESTINATION
    assert change.next_attempt_at == START + timedelta(minutes=5)


def test_a_destination_that_answers_is_reachable_again() -> None:
    settlement, _, _ = settle_one(Outcome.DEFERRED, reach=Reach(reachable=True), failures=7)
    assert settlement.destination == DestinationChange(
        destination="example.org", at=START, reachable=True, place="example.org"
    )
    assert settlement.changes[0].gate is Gate.BACK_OFF


@pytest.mark.parametrize(
    ("outcome", "accepted"), [(Outcome.DELIVERED, True), (Outcome.FAILED, False)]
)
def test_a_destination_is_told_from_one_that_accepts(outcome: Outcome, accepted: bool) -> None:
    settlement, _, _ = settle_one(outcome, reach=Reach(reachable=True))
    assert settlement.destination is not None
    assert settlement.destination.accepted is accepted


def test_a_destination_accepts_that_has_taken_one_of_several() -> None:
    message = make_message()
    recipients = [make_recipient(message, f"user{number}@example.org") for number in range(3)]
    outcomes = [Outcome.FAILED, Outcome.DELIVERED, Outcome.DEFERRED]
    attempts = [make_attempt(*pair) for pair in zip(recipients, outcomes, strict=True)]
    settlement = settle(make_job(message, *recipients), attempts, reach=Reach(reachable=True))
    assert settlement.destination is not None
    assert settlement.destination.accepted


def test_whose_servers_they_are_is_learnt_from_a_host_alone() -> None:
    message = make_message()
    recipient = make_recipient(message)
    nowhere = msgspec.structs.replace(make_attempt(recipient, Outcome.DEFERRED), target=None)
    for attempts in ([], [nowhere]):
        settlement = settle(
            make_job(message, recipient), attempts, reach=Reach(reachable=True, detail="")
        )
        assert settlement.destination is not None
        assert settlement.destination.place == ""


def test_nothing_learnt_changes_nothing() -> None:
    settlement, _, _ = settle_one(Outcome.DEFERRED)
    assert settlement.destination is None


# --- failure DSNs -----------------------------------------------------------------------------


def test_a_bounce_is_reported_to_the_reverse_path() -> None:
    settlement, message, recipient = settle_one(Outcome.FAILED, after=HOUR)
    [dsn] = settlement.reports
    [to] = dsn.envelope.recipients
    assert dsn.kind is MessageKind.DSN
    assert dsn.envelope.reverse_path == ""
    assert (to.forward_path, to.domain) == ("alice@example.com", "example.com")
    assert to.notify == frozenset({Notify.NEVER})
    assert dsn.destinations == ("route-of-example.com",)
    assert dsn.expires_at == START + HOUR + timedelta(days=1)
    assert (dsn.account, dsn.reports_on) == (message.account, message.id)
    assert dsn.header.subject == "Undelivered mail: Quarterly figures"
    assert dsn.content.size == len(b"".join(dsn.content.chunks()))
    [event] = settlement.events
    assert (event.kind, event.recipient_id) == (EventKind.DSN_SENT, recipient.id)
    assert event.related_message_id == dsn.id


def test_one_dsn_reports_all_that_failed() -> None:
    message = make_message()
    recipients = [make_recipient(message, f"user{number}@example.org") for number in range(3)]
    attempts = [make_attempt(r, Outcome.FAILED, reply=REFUSED) for r in recipients]
    settlement = settle(make_job(message, *recipients), attempts)
    [dsn] = settlement.reports
    assert action_of(dsn) == ["failed"] * 3
    assert len(settlement.events) == 3


def test_a_bounce_and_an_expiry_share_a_dsn_and_a_delay_gets_another() -> None:
    message = make_message()
    bounced = make_recipient(message, "a@example.org")
    expired = make_recipient(message, "b@example.org", lifetime=5 * HOUR)
    delayed = make_recipient(message, "c@example.org")
    now = START + 5 * HOUR
    attempts = [
        make_attempt(bounced, Outcome.FAILED, now=now),
        make_attempt(expired, Outcome.DEFERRED, now=now),
        make_attempt(delayed, Outcome.DEFERRED, now=now),
    ]
    job = make_job(message, bounced, expired, delayed)
    settlement = settle(job, attempts, after=5 * HOUR)
    assert [action_of(dsn) for dsn in settlement.reports] == [["failed", "failed"], ["delayed"]]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        pytest.param({"reverse_path": ""}, "reverse-path is null", id="null reverse-path"),
        pytest.param({"kind": MessageKind.DSN}, "DSN itself", id="a dsn"),
        pytest.param({"notify": NEVER}, "NOTIFY=NEVER", id="never"),
        pytest.param({"notify": SUCCESS}, "NOTIFY=SUCCESS", id="success only"),
        pytest.param({"reverse_path": "no mailbox"}, "no mailbox", id="unreadable"),
    ],
)
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.DEFERRED], ids=["bounce", "expiry"])
def test_a_withheld_dsn_is_on_record(outcome: Outcome, more: dict[str, Any], why: str) -> None:
    settlement, _, recipient = settle_one(outcome, after=WEEK, **more)
    assert settlement.reports == ()
    [event] = settlement.events
    assert (event.kind, event.recipient_id) == (EventKind.DSN_WITHHELD, recipient.id)
    assert why in event.detail


def test_a_dsn_names_only_those_who_asked() -> None:
    message = make_message()
    silent = make_recipient(message, "silent@example.org", notify=NEVER)
    told = make_recipient(message, "told@example.org", notify=frozenset({Notify.FAILURE}))
    attempts = [make_attempt(r, Outcome.FAILED) for r in (silent, told)]
    settlement = settle(make_job(message, silent, told), attempts)
    [dsn] = settlement.reports
    octets = b"".join(dsn.content.chunks())
    assert b"told@example.org" in octets
    assert b"silent@example.org" not in octets
    kinds = {event.recipient_id: event.kind for event in settlement.events}
    assert kinds == {silent.id: EventKind.DSN_WITHHELD, told.id: EventKind.DSN_SENT}


@pytest.mark.parametrize(
    "before",
    [pytest.param(True, id="an earlier attempt"), pytest.param(False, id="the last attempt")],
)
def test_a_failure_after_an_uncertain_attempt_says_that_a_copy_may_exist(before: bool) -> None:
    message = make_message()
    recipient = make_recipient(message)
    outcome = Outcome.FAILED if before else Outcome.UNCERTAIN
    attempt = make_attempt(recipient, outcome, now=START + WEEK)
    settlement = settle(
        make_job(message, recipient),
        [attempt],
        after=WEEK,
        uncertain_before={recipient.id} if before else (),
    )
    text = b"".join(settlement.reports[0].content.chunks()).replace(b"\r\n   ", b"")
    assert b"may have a copy" in text


# --- delay and success DSNs -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "after", "sent"),
    [
        pytest.param({}, 4 * HOUR, True, id="after four hours"),
        pytest.param({}, 3 * HOUR, False, id="not before"),
        pytest.param({}, -1 * HOUR, False, id="clock jumped back"),
        pytest.param({}, 3.7 * HOUR, True, id="jitter came just before"),
        pytest.param({"notify": frozenset({Notify.DELAY})}, 5 * HOUR, True, id="asked for"),
        pytest.param({"notify": frozenset({Notify.FAILURE})}, 5 * HOUR, False, id="not asked"),
        pytest.param({"notify": NEVER}, 5 * HOUR, False, id="never"),
        pytest.param({"reverse_path": ""}, 5 * HOUR, False, id="null reverse-path"),
        pytest.param({"delay_dsn_at": START + HOUR}, 9 * HOUR, False, id="told already"),
        pytest.param({"retry": RetrySettings(delay_dsn=None)}, 9 * HOUR, False, id="off"),
    ],
)
def test_a_delay_is_reported_once(more: dict[str, Any], after: timedelta, sent: bool) -> None:
    settlement, _, recipient = settle_one(Outcome.DEFERRED, after=after, **more)
    assert [action_of(dsn) for dsn in settlement.reports] == ([["delayed"]] if sent else [])
    told_at: datetime | None = START + after if sent else recipient.delay_dsn_at
    assert settlement.changes[0].delay_dsn_at == told_at
    assert [event.kind for event in settlement.events] == [EventKind.DSN_SENT] * sent


@pytest.mark.parametrize(
    ("notify", "handed_on", "actions"),
    [
        pytest.param(SUCCESS, False, [["relayed"]], id="we report"),
        pytest.param(SUCCESS, True, [], id="the receiver reports"),
        pytest.param(None, False, [], id="nobody asked"),
        pytest.param(frozenset({Notify.FAILURE}), False, [], id="failures only"),
    ],
)
def test_success(
    notify: frozenset[Notify] | None, handed_on: bool, actions: list[list[str]]
) -> None:
    message = make_message()
    recipient = make_recipient(message, notify=notify)
    attempt = msgspec.structs.replace(make_attempt(recipient), dsn_handed_on=handed_on)
    settlement = settle(make_job(message, recipient), [attempt])
    assert [action_of(dsn) for dsn in settlement.reports] == actions


# --- content ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "more", "size", "needed"),
    [
        pytest.param(Outcome.DELIVERED, {}, 100, "none", id="delivered"),
        pytest.param(Outcome.DEFERRED, {}, 100, "none", id="deferred"),
        pytest.param(Outcome.FAILED, {}, 100, "headers", id="failed"),
        pytest.param(Outcome.FAILED, {"ret": Ret.HEADERS}, 100, "headers", id="RET=HDRS"),
        pytest.param(Outcome.FAILED, {"ret": Ret.FULL}, 100, "full", id="RET=FULL"),
        pytest.param(Outcome.FAILED, {"ret": Ret.FULL}, 2_000_000, "headers", id="too large"),
        pytest.param(Outcome.FAILED, {"reverse_path": ""}, 100, "none", id="withheld"),
    ],
)
def test_content_is_read_only_when_needed(
    outcome: Outcome, more: dict[str, Any], size: int, needed: str
) -> None:
    message = make_message(size=size, **more)
    recipient = make_recipient(message)
    job = make_job(message, recipient)
    attempt = make_attempt(recipient, outcome)
    assert weigh(job, [attempt], retry=RETRY, now=START, jitter=0.5).original == needed


def test_a_delay_returns_the_header_alone() -> None:
    message = make_message(ret=Ret.FULL)
    recipient = make_recipient(message)
    job = make_job(message, recipient)
    attempt = make_attempt(recipient, Outcome.DEFERRED)
    now = START + 5 * HOUR
    assert weigh(job, [attempt], retry=RETRY, now=now, jitter=0.5).original == "headers"
    settlement = settle(job, [attempt], after=5 * HOUR, original=CONTENT)
    octets = b"".join(settlement.reports[0].content.chunks())
    assert b"Message-ID: <one@client.example.com>" in octets
    assert b"\r\n\r\nhello\r\n" not in octets


def test_a_connection_failure_expires_without_blaming_the_address() -> None:
    message = make_message()
    recipient = make_recipient(message, attempts=47)
    attempt = msgspec.structs.replace(
        make_attempt(recipient, Outcome.DEFERRED, now=START + WEEK),
        reply=None,
        origin=Origin.NETWORK,
        phase=Phase.CONNECT,
        target=None,
        detail="Connection refused",
    )
    settlement = settle(make_job(message, recipient), [attempt], after=WEEK)
    assert settlement.changes[0].status is Status.EXPIRED
    octets = b"".join(settlement.reports[0].content.chunks())
    assert b"Status: 5.4.7" in octets
    assert b"Diagnostic-Code: X-Sendtrace; Connection refused" in octets
    assert b"gave up after 7 days; last reason: Connection refused" in octets
    assert b"Tried 48 times" in octets
