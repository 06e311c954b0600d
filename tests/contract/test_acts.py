"""Acts of people: hold, release, cancel, try now; each within a scope, each on the timeline."""

from datetime import datetime, timedelta

import pytest

from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    accept_leased,
    assert_balanced,
    defer,
    hold,
    paths,
    recipients,
)
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import (
    DestinationChange,
    EventKind,
    Gate,
    Outcome,
    RecipientId,
    Scope,
    Status,
    Trigger,
)
from tracker.model.settlement import Settlement

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ROOT = "root@example.com"


async def change(
    ledger: Ledger, to: Status, scope: Scope = EVERYTHING, now: datetime = START
) -> int:
    """Change every recipient on record, if it may be."""
    ids = [recipient.id for recipient in await recipients(ledger)]
    return await ledger.change_status(
        ids, to, scope=scope, actor=ROOT, reason="on request", now=now
    )


async def kinds(ledger: Ledger) -> list[EventKind]:
    """Return what the timeline of the only message tells."""
    (recipient,) = await recipients(ledger)
    timeline = await ledger.timeline(recipient.message_id, EVERYTHING)
    assert timeline is not None
    acts = [event for event in timeline.events if event.kind is not EventKind.ACCEPTED]
    assert {event.actor for event in acts} <= {ROOT}
    assert {event.recipient_id for event in acts} <= {recipient.id}
    return [event.kind for event in acts]


async def settle_as(ledger: Ledger, outcome: Outcome) -> None:
    (job,) = await ledger.claim(await hold(ledger), START, 1)
    await ledger.settle(make_settlement(job, outcome, wait=MINUTE))


async def test_held_mail_is_not_due(ledger: Ledger) -> None:
    await ledger.accept(make_submission(), START, None)
    assert await change(ledger, Status.HELD) == 1
    (recipient,) = await recipients(ledger)
    assert (recipient.status, recipient.gate) == (Status.HELD, Gate.HOLD)
    assert (recipient.gate_detail, recipient.next_attempt_at) == ("on request", None)
    assert await ledger.claim(await hold(ledger), START + HOUR, 10) == []
    assert await ledger.next_due() is None
    assert await kinds(ledger) == [EventKind.HELD]
    assert await change(ledger, Status.HELD) == 0
    await assert_balanced(ledger)


@pytest.mark.parametrize("tried", [False, True], ids=["untried", "tried"])
async def test_released_mail_goes_back_to_where_it_was(ledger: Ledger, tried: bool) -> None:
    await ledger.accept(make_submission(), START, None)
    if tried:
        await settle_as(ledger, Outcome.DEFERRED)
    before = (await recipients(ledger))[0].status
    await change(ledger, Status.HELD)
    assert await change(ledger, Status.QUEUED, now=START + MINUTE) == 1
    (recipient,) = await recipients(ledger)
    assert recipient.status is before
    assert (recipient.gate, recipient.next_attempt_at) == (Gate.NONE, START + MINUTE)
    (job,) = await ledger.claim(await hold(ledger), START + MINUTE, 10)
    assert job.trigger is Trigger.RETRY_NOW
    assert await kinds(ledger) == [EventKind.HELD, EventKind.RELEASED]


@pytest.mark.parametrize("held", [False, True], ids=["waiting", "held"])
async def test_cancelled_mail_is_final(ledger: Ledger, held: bool) -> None:
    submission = make_submission()
    await ledger.accept(submission, START, None)
    if held:
        await change(ledger, Status.HELD)
    assert await change(ledger, Status.CANCELLED) == 1
    (recipient,) = await recipients(ledger)
    assert (recipient.status, recipient.next_attempt_at) == (Status.CANCELLED, None)
    assert await ledger.claim(await hold(ledger), START + HOUR, 10) == []
    with pytest.raises(KeyError):
        await anext(aiter(ledger.content(submission.id)))
    assert [await change(ledger, to) for to in (Status.HELD, Status.QUEUED)] == [0, 0]
    (balance,) = await assert_balanced(ledger)
    assert balance.cancelled == 1


@pytest.mark.parametrize("to", [Status.HELD, Status.QUEUED, Status.CANCELLED])
async def test_final_and_leased_mail_stays_as_it_is(ledger: Ledger, to: Status) -> None:
    await ledger.accept(make_submission("done@one.example"), START, None)
    await settle_as(ledger, Outcome.DELIVERED)
    (job,) = await accept_leased(ledger, make_submission("tried@two.example"))
    before = await recipients(ledger)
    assert await change(ledger, to) == 0
    assert await recipients(ledger) == before
    await ledger.settle(make_settlement(job))


async def test_only_held_mail_can_be_released(ledger: Ledger) -> None:
    await ledger.accept(make_submission(), START, None)
    assert await change(ledger, Status.QUEUED) == 0


@pytest.mark.parametrize("to", sorted(set(Status) - {Status.HELD, Status.QUEUED, Status.CANCELLED}))
async def test_nobody_can_declare_an_outcome(ledger: Ledger, to: Status) -> None:
    await ledger.accept(make_submission(), START, None)
    with pytest.raises(ValueError, match=to):
        await change(ledger, to)
    assert (await recipients(ledger))[0].status is Status.QUEUED


SCOPES = {
    "account": (Scope(account="alice@example.com"), 1),
    "another account": (Scope(account="carol@example.com"), 0),
    "account in other letters": (Scope(account="ALICE@example.com"), 0),
    "domain": (Scope(domain="example.com"), 1),
    "another domain": (Scope(domain="example.net"), 0),
    "part of the domain": (Scope(domain="ample.com"), 0),
    "wildcard": (Scope(domain="%"), 0),
    "both must hold": (Scope(account="alice@example.com", domain="example.net"), 0),
    "nobody's mail": (Scope(account=""), 0),
}


@pytest.mark.parametrize(("scope", "seen"), SCOPES.values(), ids=SCOPES.keys())
async def test_acts_stay_within_their_scope(ledger: Ledger, scope: Scope, seen: int) -> None:
    await ledger.accept(make_submission(account="alice@example.com"), START, None)
    await ledger.accept(make_submission(account=None), START, None)
    ids = [recipient.id for recipient in await recipients(ledger)]
    retried = await ledger.retry_now(ids, scope=scope, actor=ROOT, now=START)
    assert (retried, await change(ledger, Status.HELD, scope)) == (seen, seen)
    held = [each for each in await recipients(ledger) if each.status is Status.HELD]
    assert len(held) == seen


async def test_unknown_recipients_are_ignored(ledger: Ledger) -> None:
    odd = [RecipientId("nobody"), RecipientId("' OR 1=1 --")]
    await ledger.accept(make_submission(), START, None)
    assert await ledger.retry_now(odd, scope=EVERYTHING, actor=ROOT, now=START) == 0
    assert (await recipients(ledger))[0].trigger is Trigger.ACCEPTED


async def test_retry_now_ends_the_back_off(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await defer(ledger, job, START, wait=4 * HOUR)
    ids = [job.recipients[0].id]
    assert await ledger.retry_now(ids, scope=EVERYTHING, actor=ROOT, now=START + HOUR) == 1
    assert await ledger.next_due() == START + HOUR
    (again,) = await ledger.claim(await hold(ledger), START + HOUR, 10)
    assert again.trigger is Trigger.RETRY_NOW
    assert again.recipients[0].attempts == 1
    assert await kinds(ledger) == [EventKind.RETRY_REQUESTED]


@pytest.mark.parametrize("state", ["leased", "held", "delivered"])
async def test_retry_now_is_for_waiting_mail(ledger: Ledger, state: str) -> None:
    await ledger.accept(make_submission(), START, None)
    if state == "held":
        await change(ledger, Status.HELD)
    elif state == "delivered":
        await settle_as(ledger, Outcome.DELIVERED)
    else:
        await ledger.claim(await hold(ledger), START, 1)
    before = await recipients(ledger)
    ids = [recipient.id for recipient in before]
    assert await ledger.retry_now(ids, scope=EVERYTHING, actor=ROOT, now=START) == 0
    assert await recipients(ledger) == before


async def test_retry_now_probes_a_dead_destination(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger, make_submission("u@dead.example"))
    settlement = make_settlement(job, Outcome.DEFERRED, wait=HOUR)
    await ledger.settle(
        Settlement(
            lease=settlement.lease,
            message_id=settlement.message_id,
            attempts=settlement.attempts,
            changes=settlement.changes,
            destination=DestinationChange(
                destination="dead.example",
                at=START,
                reachable=False,
                failures=1,
                next_probe_at=START + 12 * HOUR,
            ),
        )
    )
    lease = await hold(ledger)
    assert await ledger.claim(lease, START + 2 * HOUR, 10) == []
    ids = [job.recipients[0].id]
    now = START + 3 * HOUR
    assert await ledger.retry_now(ids, scope=EVERYTHING, actor=ROOT, now=now) == 1
    assert paths(await ledger.claim(lease, now, 10)) == ["u@dead.example"]


async def test_held_mail_is_given_up_at_its_deadline(ledger: Ledger) -> None:
    for n, hours in enumerate((1, 2, 3)):
        submission = make_submission(f"u{n}@one.example", lifetime=hours * HOUR)
        await ledger.accept(submission, START, None)
    await change(ledger, Status.HELD)
    assert await ledger.give_up_held(START + HOUR - MINUTE, 10) == 0
    now = START + 2 * HOUR
    assert [await ledger.give_up_held(now, 1) for _ in range(3)] == [1, 1, 0]
    jobs = await ledger.claim(await hold(ledger), now, 10)
    assert sorted(paths(jobs)) == ["u0@one.example", "u1@one.example"]
    for job in jobs:
        assert job.trigger is Trigger.DEADLINE
        assert (job.recipients[0].status, job.recipients[0].gate) == (Status.QUEUED, Gate.NONE)
        assert job.recipients[0].status_since == now
        timeline = await ledger.timeline(job.message.id, EVERYTHING)
        assert timeline is not None
        assert timeline.events[-1].kind is EventKind.RELEASED
        assert (timeline.events[-1].actor, timeline.events[-1].at) == ("", now)
        await ledger.settle(make_settlement(job, Outcome.FAILED, now=now, status=Status.EXPIRED))
    assert [each.status for each in await recipients(ledger)].count(Status.HELD) == 1
    await assert_balanced(ledger)


async def test_only_held_mail_is_given_up(ledger: Ledger) -> None:
    await ledger.accept(make_submission(lifetime=HOUR), START, None)
    await accept_leased(ledger, make_submission(lifetime=HOUR))
    assert await ledger.give_up_held(START + 2 * HOUR, 10) == 0
