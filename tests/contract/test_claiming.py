"""Claim: whose turn it is, what a dead destination costs, what a deadline is worth there."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.contract.conftest import Opener
from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    accept_leased,
    defer,
    hold,
    paths,
    recipients,
)
from tests.contract.test_many_at_once import add_anna, cancel_and_tell
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import DestinationChange, Gate, Job, Outcome, Postponement, Trigger

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DEAD = "dead.example"


async def accept_due(ledger: Ledger, *forward_paths: str, now: datetime = START) -> None:
    for path in forward_paths:
        await ledger.accept(make_submission(path, now=now), now, None)


async def kill(ledger: Ledger, probe_at: datetime, now: datetime = START, **more: str) -> Job:
    """Let an attempt find DEAD unreachable until `probe_at`; return the job that found it."""
    lease = await hold(ledger, now)
    accepted = await ledger.accept(make_submission(f"first@{DEAD}", now=now), now, lease)
    change = DestinationChange(
        destination=DEAD,
        at=now,
        reachable=False,
        failures=3,
        next_probe_at=probe_at,
        detail=more.get("detail", "Connection refused"),
    )
    settlement = make_settlement(accepted.jobs[0], Outcome.DEFERRED, now=now, wait=MINUTE)
    await ledger.settle(replace(settlement, destination=change))
    return accepted.jobs[0]


def revive(now: datetime) -> DestinationChange:
    return DestinationChange(destination=DEAD, at=now, reachable=True)


# --- fairness --------------------------------------------------------------------------------


async def test_every_destination_gets_its_share(ledger: Ledger) -> None:
    await accept_due(ledger, *(f"big{n}@big.example" for n in range(50)))
    await accept_due(ledger, *(f"a{n}@a.example" for n in range(5)), "b@b.example")
    jobs = await ledger.claim(await hold(ledger), START, 12)
    shares = Counter(job.destination for job in jobs)
    # What a.example and b.example do not need is not wasted.
    assert shares == {"big.example": 6, "a.example": 5, "b.example": 1}


async def test_destinations_take_turns_while_the_clock_stands(ledger: Ledger) -> None:
    names = [f"{letter}.example" for letter in "abcde"]
    await accept_due(ledger, *(f"u{n}@{name}" for n in range(6) for name in names))
    lease = await hold(ledger)
    seen = [job.destination for _ in range(15) for job in await ledger.claim(lease, START, 2)]
    assert len(seen) == 30
    for start in range(0, 30, 5):
        assert sorted(seen[start : start + 5]) == names


async def test_an_older_backlog_does_not_keep_its_place_at_the_head(ledger: Ledger) -> None:
    await accept_due(ledger, *(f"old{n}@old.example" for n in range(4)))
    await accept_due(ledger, *(f"new{n}@new.example" for n in range(4)), now=START + MINUTE)
    lease = await hold(ledger)
    now = START + HOUR
    seen = [job.destination for _ in range(8) for job in await ledger.claim(lease, now, 1)]
    assert seen[0] == "old.example"
    for start in range(0, 8, 2):
        assert sorted(seen[start : start + 2]) == ["new.example", "old.example"]


async def test_a_flood_does_not_delay_a_small_destination(ledger: Ledger) -> None:
    await accept_due(ledger, *(f"big{n}@big.example" for n in range(40)))
    lease = await hold(ledger)
    await ledger.claim(lease, START, 10)
    await accept_due(ledger, "late@small.example", now=START + MINUTE)
    claimed = paths(await ledger.claim(lease, START + MINUTE, 2))
    assert "late@small.example" in claimed


async def test_the_oldest_come_first(ledger: Ledger) -> None:
    for minutes in (3, 1, 2):
        now = START + minutes * MINUTE
        await accept_due(ledger, f"u{minutes}@one.example", now=now)
    lease = await hold(ledger)
    claimed = [paths(await ledger.claim(lease, START + HOUR, 1)) for _ in range(3)]
    assert claimed == [["u1@one.example"], ["u2@one.example"], ["u3@one.example"]]


async def test_recipients_of_one_message_make_one_job(ledger: Ledger) -> None:
    names = [f"u{n}@one.example" for n in range(7)]
    await ledger.accept(make_submission(*names), START, None)
    await accept_due(ledger, "other@one.example")
    jobs = await ledger.claim(await hold(ledger), START, 100)
    assert sorted(len(job.recipients) for job in jobs) == [1, 7]
    (job,) = (job for job in jobs if len(job.recipients) == 7)
    assert paths([job]) == names


async def test_what_is_due_for_different_reasons_makes_different_jobs(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger, make_submission("a@one.example", "b@one.example"))
    await defer(ledger, job, START, wait=MINUTE)
    await ledger.retry_now(
        [job.recipients[0].id], scope=EVERYTHING, actor="root@example.com", now=START
    )
    jobs = await ledger.claim(await hold(ledger), START + MINUTE, 10)
    triggers = {job.trigger: paths([job]) for job in jobs}
    assert triggers == {
        Trigger.RETRY_NOW: ["a@one.example"],
        Trigger.SCHEDULE: ["b@one.example"],
    }


async def test_busy_destinations_are_passed_over_but_not_forgotten(ledger: Ledger) -> None:
    await accept_due(ledger, "a@busy.example", "b@idle.example")
    lease = await hold(ledger)
    first = await ledger.claim(lease, START, 10, busy=["busy.example"])
    assert paths(first) == ["b@idle.example"]
    assert await ledger.claim(lease, START, 10, busy=["busy.example"]) == []
    assert paths(await ledger.claim(lease, START, 10)) == ["a@busy.example"]


async def test_more_busy_destinations_than_the_limit_hide_nobody(ledger: Ledger) -> None:
    busy = [f"busy{n}.example" for n in range(20)]
    await accept_due(ledger, *(f"u@{name}" for name in busy))
    await accept_due(ledger, "u@idle.example", now=START + MINUTE)
    jobs = await ledger.claim(await hold(ledger), START + MINUTE, 2, busy=busy)
    assert paths(jobs) == ["u@idle.example"]


async def test_next_due_is_the_earliest_of_all(ledger: Ledger) -> None:
    assert await ledger.next_due() is None
    for minutes in (30, 10, 20):
        (job,) = await accept_leased(ledger, make_submission(f"u@m{minutes}.example"))
        await defer(ledger, job, START, wait=minutes * MINUTE)
    assert await ledger.next_due() == START + 10 * MINUTE


async def test_a_claimed_recipient_waits_for_nothing(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    why = Postponement(gate=Gate.CONCURRENCY, until=START, detail="5 of 5 connections in use")
    await ledger.postpone(job.lease, [job.recipients[0].id], why)
    (shown,) = await recipients(ledger)
    assert (shown.gate, shown.gate_detail) == (Gate.CONCURRENCY, "5 of 5 connections in use")
    (again,) = await ledger.claim(await hold(ledger), START, 1)
    assert (again.recipients[0].gate, again.recipients[0].gate_detail) == (Gate.NONE, "")


# --- dead destinations -----------------------------------------------------------------------


async def test_a_dead_destination_rests_until_its_probe(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + HOUR)
    await accept_due(ledger, f"u@{DEAD}", now=START + MINUTE)
    lease = await hold(ledger)
    assert await ledger.claim(lease, START + 59 * MINUTE, 10) == []
    assert await ledger.next_due() == START + HOUR


async def test_a_probe_is_one_job_and_only_one(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + HOUR)
    names = [f"u{n}@{DEAD}" for n in range(3)]
    await accept_due(ledger, *names, now=START + 2 * MINUTE)
    lease = await hold(ledger)
    probe = await ledger.claim(lease, START + HOUR, 10)
    assert paths(probe) == [f"first@{DEAD}"]
    assert await ledger.claim(lease, START + HOUR, 10) == []
    # Had its worker forgotten it, another probe would go out soon.
    next_due = await ledger.next_due()
    assert next_due is not None
    assert START + HOUR < next_due <= START + HOUR + 5 * MINUTE
    assert len(await ledger.claim(lease, next_due, 10)) == 1


async def test_a_probe_takes_the_whole_job(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + HOUR)
    submission = make_submission(f"a@{DEAD}", f"b@{DEAD}", now=START)
    await ledger.accept(submission, START, None)
    (probe,) = await ledger.claim(await hold(ledger), START + HOUR, 10)
    assert paths([probe]) == [f"a@{DEAD}", f"b@{DEAD}"]


async def test_a_probe_that_succeeds_lets_all_through(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + HOUR)
    await accept_due(ledger, f"a@{DEAD}", f"b@{DEAD}", now=START + 2 * MINUTE)
    lease = await hold(ledger)
    (probe,) = await ledger.claim(lease, START + HOUR, 10)
    settlement = make_settlement(probe, now=START + HOUR)
    await ledger.settle(replace(settlement, destination=revive(START + HOUR)))
    assert await ledger.next_due() == START + 2 * MINUTE
    assert sorted(paths(await ledger.claim(lease, START + HOUR, 10))) == [f"a@{DEAD}", f"b@{DEAD}"]
    state = await ledger.destination(DEAD)
    assert state is not None
    assert (state.reachable, state.since, state.failures) == (True, START + HOUR, 0)
    assert (state.last_success_at, state.last_failure_at) == (START + HOUR, START)


async def test_a_probe_that_fails_sets_the_next_one(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + HOUR)
    await accept_due(ledger, f"a@{DEAD}", now=START + 2 * MINUTE)
    lease = await hold(ledger)
    (probe,) = await ledger.claim(lease, START + HOUR, 10)
    change = DestinationChange(
        destination=DEAD,
        at=START + HOUR,
        reachable=False,
        failures=4,
        next_probe_at=START + 3 * HOUR,
        detail="No route to host",
    )
    settlement = make_settlement(probe, Outcome.DEFERRED, now=START + HOUR, wait=MINUTE)
    await ledger.settle(replace(settlement, destination=change))
    assert await ledger.claim(lease, START + 2 * HOUR, 10) == []
    assert await ledger.next_due() == START + 3 * HOUR
    state = await ledger.destination(DEAD)
    assert state is not None
    assert (state.reachable, state.since, state.failures) == (False, START, 4)
    assert (state.detail, state.next_probe_at) == ("No route to host", START + 3 * HOUR)


async def test_a_probe_that_comes_sooner_than_thought_is_not_overslept(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + HOUR)
    await accept_due(ledger, f"a@{DEAD}", now=START + 2 * MINUTE)
    lease = await hold(ledger)
    (probe,) = await ledger.claim(lease, START + HOUR, 10)
    soon = START + HOUR + timedelta(seconds=1)
    change = DestinationChange(destination=DEAD, at=START, reachable=False, next_probe_at=soon)
    settlement = make_settlement(probe, Outcome.DEFERRED, now=START + HOUR, wait=HOUR)
    await ledger.settle(replace(settlement, destination=change))
    assert await ledger.next_due() == soon
    assert paths(await ledger.claim(lease, soon, 10)) == [f"a@{DEAD}"]


async def test_deadlines_hold_at_a_dead_destination(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + 12 * HOUR)
    short = make_submission(f"short@{DEAD}", lifetime=2 * HOUR)
    await ledger.accept(short, START, None)
    await accept_due(ledger, f"long@{DEAD}")
    lease = await hold(ledger)
    assert await ledger.claim(lease, START + HOUR, 10) == []
    assert await ledger.next_due() == START + 2 * HOUR
    assert paths(await ledger.claim(lease, START + 2 * HOUR, 10)) == [f"short@{DEAD}"]
    assert await ledger.claim(lease, START + 2 * HOUR, 10) == []
    assert await ledger.next_due() == START + 12 * HOUR


async def test_the_notice_of_delay_is_due_once_at_a_dead_destination(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + 12 * HOUR)
    submission = replace(make_submission(f"u@{DEAD}"), notice_at=START + 4 * HOUR)
    await ledger.accept(submission, START, None)
    lease = await hold(ledger)
    assert await ledger.claim(lease, START + HOUR, 10) == []
    assert await ledger.next_due() == START + 4 * HOUR
    (job,) = await ledger.claim(lease, START + 4 * HOUR, 10)
    assert paths([job]) == [f"u@{DEAD}"]
    await defer(ledger, job, START + 4 * HOUR, wait=MINUTE)
    assert await ledger.claim(lease, START + 5 * HOUR, 10) == []
    assert await ledger.next_due() == START + 12 * HOUR


async def taken_over(ledger: Ledger, job: Job, now: datetime) -> None:
    """Its worker is killed."""
    await ledger.recover(job.lease, [], now)


async def given_back(ledger: Ledger, job: Job, now: datetime) -> None:
    """Its worker stops."""
    await ledger.close_lease(job.lease, now)


async def postponed(ledger: Ledger, job: Job, now: datetime) -> None:
    """Its worker has no way to the ledger of names, or the like."""
    why = Postponement(gate=Gate.DNS, until=now, detail="Our resolver does not answer")
    await ledger.postpone(job.lease, [each.id for each in job.recipients], why)


@pytest.mark.parametrize("end", [taken_over, given_back, postponed])
async def test_who_was_to_be_looked_at_is_looked_at_still_when_it_comes_to_nothing(
    ledger: Ledger, end: Callable[[Ledger, Job, datetime], Awaitable[None]]
) -> None:
    """Else nobody would hear of the delay, or of a cancellation, before the destination is back."""
    await kill(ledger, probe_at=START + 12 * HOUR)
    submission = replace(make_submission(f"late@{DEAD}"), notice_at=START + 4 * HOUR)
    await ledger.accept(submission, START, None)
    await accept_due(ledger, f"cancelled@{DEAD}")
    (cancelled,) = [
        each.id for each in await recipients(ledger) if each.forward_path == f"cancelled@{DEAD}"
    ]
    await add_anna(ledger)
    await cancel_and_tell(ledger, cancelled, START + 4 * HOUR)
    for at in (START + 4 * HOUR, START + 4 * HOUR + MINUTE, START + 4 * HOUR + 2 * MINUTE):
        jobs = await ledger.claim(await hold(ledger, at), at, 10)
        assert sorted(paths(jobs)) == [f"cancelled@{DEAD}", f"late@{DEAD}"]
        for job in jobs:
            await end(ledger, job, at + MINUTE)
    # And once it has come to something, that was it.
    at = START + 5 * HOUR
    for job in await ledger.claim(await hold(ledger, at), at, 10):
        await defer(ledger, job, at, wait=MINUTE)
    assert await ledger.claim(await hold(ledger, at), at + HOUR, 10) == []
    assert await ledger.next_due() == START + 12 * HOUR


async def test_who_is_postponed_is_looked_at_no_sooner(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + 12 * HOUR)
    submission = replace(make_submission(f"late@{DEAD}"), notice_at=START + 4 * HOUR)
    await ledger.accept(submission, START, None)
    (job,) = await ledger.claim(await hold(ledger), START + 4 * HOUR, 10)
    await postponed(ledger, job, START + 5 * HOUR)
    assert await ledger.next_due() == START + 5 * HOUR
    assert await ledger.claim(await hold(ledger), START + 5 * HOUR - MINUTE, 10) == []
    assert paths(await ledger.claim(await hold(ledger), START + 5 * HOUR, 10)) == [f"late@{DEAD}"]


async def test_more_deadlines_than_the_limit_come_one_after_the_other(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + 12 * HOUR)
    for n in range(5):
        submission = make_submission(f"u{n}@{DEAD}", lifetime=HOUR)
        await ledger.accept(submission, START, None)
    lease = await hold(ledger)
    taken = [len(paths(await ledger.claim(lease, START + HOUR, 2))) for _ in range(4)]
    assert taken == [2, 2, 1, 0]


async def test_everybody_sees_that_mail_waits_for_the_probe(ledger: Ledger) -> None:
    job = await kill(ledger, probe_at=START + HOUR, detail="Connection refused")
    await accept_due(ledger, f"u@{DEAD}", "u@alive.example", now=START + MINUTE)
    shown = {recipient.forward_path: recipient for recipient in await recipients(ledger)}
    for path in (f"u@{DEAD}", f"first@{DEAD}"):
        assert shown[path].gate is Gate.DESTINATION
        assert shown[path].gate_detail == "Connection refused"
        assert shown[path].next_attempt_at == START + HOUR
    assert shown["u@alive.example"].gate is Gate.NONE
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert timeline.recipients == (shown[f"first@{DEAD}"],)


async def test_a_back_off_beyond_the_probe_stays_a_back_off(ledger: Ledger) -> None:
    await kill(ledger, probe_at=START + HOUR)
    (job,) = await accept_leased(ledger, make_submission(f"late@{DEAD}"))
    settlement = make_settlement(job, Outcome.DEFERRED, wait=4 * HOUR)
    change = replace(settlement.changes[0], gate=Gate.BACK_OFF)
    await ledger.settle(replace(settlement, changes=(change,)))
    shown = {recipient.forward_path: recipient for recipient in await recipients(ledger)}
    assert shown[f"late@{DEAD}"].gate is Gate.BACK_OFF
    assert shown[f"late@{DEAD}"].next_attempt_at == START + 4 * HOUR


@pytest.mark.parametrize("limit", [1, 3])
async def test_a_dead_destination_hides_nobody_else(ledger: Ledger, limit: int) -> None:
    await kill(ledger, probe_at=START + HOUR)
    await accept_due(ledger, *(f"u{n}@{DEAD}" for n in range(20)))
    await accept_due(ledger, "u@alive.example", now=START + MINUTE)
    jobs = await ledger.claim(await hold(ledger), START + MINUTE, limit)
    assert paths(jobs) == ["u@alive.example"]


async def test_who_is_to_come_first_gets_no_more_than_was_asked_for(ledger: Ledger) -> None:
    for name in ("large.example", *(f"d{number}.example" for number in range(20))):
        for _ in range(5 if name == "large.example" else 1):
            await ledger.accept(make_submission(f"u@{name}"), START, None)
    first = {"large.example": 3, "unknown.example": 7}
    jobs = await ledger.claim(await hold(ledger), START, 10, first=first)
    assert len(paths(jobs)) == 10
    assert paths(jobs).count("u@large.example") <= 4
    rest = await ledger.claim(await hold(ledger), START, 100, {"large.example"}, first)
    assert "u@large.example" not in paths(rest)


async def test_another_process_hears_of_mail_that_was_made_due(opener: Opener) -> None:
    ledger, other = await opener(), await opener()
    (job,) = await accept_leased(ledger)
    later = datetime.now(UTC) + HOUR
    await defer(ledger, job, later - HOUR, HOUR)
    await _hear_no_more(other)
    ids = [recipient.id for recipient in job.recipients]
    assert await ledger.retry_now(ids, scope=EVERYTHING, actor="anna", now=later - HOUR)
    async with asyncio.timeout(90):
        await other.wait_for_work()


async def _hear_no_more(ledger: Ledger) -> None:
    """Take note of what has been due before."""
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(1):
                await ledger.wait_for_work()


async def test_deadlines_and_the_probe_of_a_dead_destination_share_the_limit(
    ledger: Ledger,
) -> None:
    await kill(ledger, probe_at=START + HOUR)
    for n in range(2):
        submission = make_submission(f"short{n}@{DEAD}", lifetime=30 * MINUTE)
        await ledger.accept(submission, START, None)
    submission = make_submission(*(f"long{n}@{DEAD}" for n in range(5)))
    await ledger.accept(submission, START, None)
    jobs = await ledger.claim(await hold(ledger), START + HOUR, 3)
    probed, *others = sorted(paths(jobs))
    assert probed.startswith("long")
    assert others == [f"short0@{DEAD}", f"short1@{DEAD}"]
