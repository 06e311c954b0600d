"""A version changes with everything that a page would show, and with nothing else."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.contract.ledger import EVERYTHING, Ledger, accept_leased, defer, hold, recipients
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission, mint
from tracker.model import DestinationChange, Gate, MessageId, Outcome, Postponement, Status
from tracker.model.settlement import Settlement
from tracker.store import Version

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


async def version(ledger: Ledger, message_id: MessageId) -> Version:
    found = await ledger.versions([message_id])
    assert set(found) == {message_id}
    return found[message_id]


async def test_nothing_is_known_of_what_does_not_exist(ledger: Ledger) -> None:
    await ledger.accept(make_submission(), START, None)
    assert await ledger.versions([]) == {}
    assert await ledger.versions([MessageId(mint()), MessageId("nope"), MessageId("\0")]) == {}


async def test_many_messages_are_one_look(ledger: Ledger) -> None:
    submissions = [make_submission("a@one.example", f"{n}@two.example") for n in range(5)]
    for submission in submissions:
        await ledger.accept(submission, START, None)
    found = await ledger.versions([one.id for one in submissions])
    assert set(found) == {one.id for one in submissions}
    assert not any(one.is_final for one in found.values())


async def test_a_version_stays_while_nothing_happens(ledger: Ledger) -> None:
    submission = make_submission()
    await ledger.accept(submission, START, None)
    before = await version(ledger, submission.id)
    await ledger.accept(make_submission("else@other.example"), START, None)
    assert await version(ledger, submission.id) == before


async def claimed(ledger: Ledger) -> None:
    assert await ledger.claim(await hold(ledger, START + HOUR), START + HOUR, 10)


async def deferred_again(ledger: Ledger) -> None:
    (job,) = await ledger.claim(await hold(ledger, START + HOUR), START + HOUR, 10)
    await defer(ledger, job, START + HOUR, MINUTE)


async def retried(ledger: Ledger) -> None:
    ids = [one.id for one in await recipients(ledger)]
    assert await ledger.retry_now(ids, scope=EVERYTHING, actor="root", now=START)


async def held(ledger: Ledger) -> None:
    ids = [one.id for one in await recipients(ledger)]
    assert await ledger.change_status(
        ids, Status.HELD, scope=EVERYTHING, actor="root", reason="", now=START
    )


async def postponed(ledger: Ledger) -> None:
    lease = await hold(ledger, START + HOUR)
    (job,) = await ledger.claim(lease, START + HOUR, 10)
    why = Postponement(gate=Gate.DNS, until=START + 2 * HOUR, detail="no resolver")
    await ledger.postpone(lease, [one.id for one in job.recipients], why)


async def unreachable(ledger: Ledger) -> None:
    """Because of another message: the same recipient now waits for the probe."""
    (job,) = await accept_leased(ledger, make_submission("else@example.org"))
    deferred = make_settlement(job, Outcome.DEFERRED, wait=MINUTE)
    dead = DestinationChange(
        destination="example.org",
        at=START,
        reachable=False,
        failures=1,
        next_probe_at=START + HOUR,
        detail="Connection refused",
    )
    await ledger.settle(with_destination(deferred, dead))


def with_destination(settlement: Settlement, change: DestinationChange) -> Settlement:
    return Settlement(
        lease=settlement.lease,
        message_id=settlement.message_id,
        attempts=settlement.attempts,
        changes=settlement.changes,
        destination=change,
    )


@pytest.mark.parametrize(
    "happen",
    [claimed, deferred_again, retried, held, postponed, unreachable],
    ids=lambda happen: happen.__name__,
)
async def test_a_version_changes_with_what_is_shown(
    ledger: Ledger, happen: Callable[[Ledger], Awaitable[None]]
) -> None:
    (job,) = await accept_leased(ledger)
    await defer(ledger, job, START, 5 * MINUTE)
    before = await version(ledger, job.message.id)
    await happen(ledger)
    after = await version(ledger, job.message.id)
    assert after.text != before.text
    assert not after.is_final


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.FAILED])
async def test_a_message_is_final_with_its_last_recipient(ledger: Ledger, outcome: Outcome) -> None:
    one, two = await accept_leased(ledger, make_submission("a@one.example", "b@two.example"))
    first = await version(ledger, one.message.id)
    await ledger.settle(make_settlement(one, outcome))
    second = await version(ledger, one.message.id)
    await ledger.settle(make_settlement(two, outcome))
    third = await version(ledger, one.message.id)
    assert len({first.text, second.text, third.text}) == 3
    assert [each.is_final for each in (first, second, third)] == [False, False, True]
