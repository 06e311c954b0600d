"""Several processes on one ledger, and processes that die in the middle of it."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.contract.conftest import Opener
from tests.contract.ledger import EVERYTHING, Ledger, assert_balanced, hold, recipients
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import MessageId, Status
from tracker.store import LeaseLost

Spawn = Callable[[str, int], Awaitable[Process]]


@pytest.fixture
async def spawn() -> AsyncIterator[Spawn]:
    """Starts workers on a ledger, each for so many messages; none outlives its test."""
    started: list[Process] = []

    async def spawn(locator: str, messages: int) -> Process:
        arguments = ["-m", "tests.contract.process", locator, str(messages), "5"]
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE)
        started.append(process)
        return process

    yield spawn
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def read_until(process: Process, lines: int) -> list[str]:
    """Return the first `lines` of what a process says."""
    assert process.stdout is not None
    return [(await process.stdout.readline()).decode() for _ in range(lines)]


def ids_of(lines: list[str], verb: str) -> set[MessageId]:
    """Return the ids in whole lines that begin with `verb`."""
    words = [line.split() for line in lines if line.endswith("\n")]
    return {MessageId(word[1]) for word in words if word[0] == verb}


async def drain(process: Process) -> list[str]:
    assert process.stdout is not None
    return [line.decode() async for line in process.stdout]


async def test_two_processes_share_a_ledger(opener: Opener, locator: str, spawn: Spawn) -> None:
    ledger = await opener()
    processes = [await spawn(locator, 300) for _ in range(2)]
    said = [line for lines in await asyncio.gather(*map(drain, processes)) for line in lines]
    assert [await process.wait() for process in processes] == [0, 0]
    accepted, settled = ids_of(said, "accepted"), ids_of(said, "settled")
    assert len(accepted) == 600
    on_record = {each.message_id: each for each in await recipients(ledger)}
    assert on_record.keys() == accepted
    assert {rid for rid, each in on_record.items() if each.attempts} == settled
    (balance,) = await assert_balanced(ledger)
    assert balance.accepted == 600


async def test_one_process_writes_while_another_reads_and_writes(
    opener: Opener, locator: str, spawn: Spawn
) -> None:
    ledger = await opener()
    process = await spawn(locator, 300)
    lines = asyncio.create_task(drain(process))
    mine = set()
    while not lines.done():
        submission = make_submission("u@mine.example")
        await ledger.accept(submission, START, None)
        mine.add(submission.id)
        await assert_balanced(ledger)
    assert await process.wait() == 0
    found = {each.message_id for each in await recipients(ledger)}
    assert found == mine | ids_of(await lines, "accepted")


@pytest.mark.parametrize("lines", [1, 50, 400])
async def test_what_was_accepted_survives_the_death_of_its_process(
    opener: Opener, locator: str, spawn: Spawn, lines: int
) -> None:
    process = await spawn(locator, 0)
    said = await read_until(process, lines)
    process.kill()
    said += await drain(process)
    await process.wait()
    ledger = await opener()
    on_record = {each.message_id: each for each in await recipients(ledger)}
    assert ids_of(said, "accepted") <= on_record.keys()
    settled = ids_of(said, "settled")
    assert all(on_record[message_id].attempts == 1 for message_id in settled)
    await assert_balanced(ledger)
    await take_over_and_deliver(ledger)


async def take_over_and_deliver(ledger: Ledger) -> None:
    """Recover what a dead process held, and deliver everything."""
    (lease,) = (await ledger.census(START)).leases
    held = [each for each in await recipients(ledger) if each.leased]
    assert await ledger.recover(lease.token, [], START) == len(held)
    own = await hold(ledger)
    end = START + (lease.until - START) * 100
    while jobs := await ledger.claim(own, end, 1000):
        for job in jobs:
            assert b"".join([c async for c in ledger.content(job.message.id)])[:1] in (b"", b"x")
            await ledger.settle(make_settlement(job, now=end))
    statuses = {each.status for each in await recipients(ledger)}
    assert statuses <= {Status.DELIVERED, Status.BOUNCED}
    await assert_balanced(ledger)


async def test_two_ledgers_never_lease_the_same_recipient(opener: Opener) -> None:
    one, two = await opener(), await opener()
    for n in range(60):
        await one.accept(make_submission(f"u{n}@d{n % 5}.example"), START, None)

    async def claim_all(ledger: Ledger) -> list[str]:
        lease, taken = await hold(ledger), list[str]()
        while jobs := await ledger.claim(lease, START, 3):
            taken += [each.id for job in jobs for each in job.recipients]
        return taken

    first, second = await asyncio.gather(claim_all(one), claim_all(two))
    assert len(first) + len(second) == len({*first, *second}) == 60


async def test_a_lease_taken_over_by_another_process_is_lost_here(opener: Opener) -> None:
    one, two = await opener(), await opener()
    lease = await hold(one)
    (job,) = (await one.accept(make_submission(), START, lease)).jobs
    assert await two.recover(lease, [job.recipients[0].id], START) == 1
    with pytest.raises(LeaseLost):
        await one.settle(make_settlement(job))
    (recipient,) = await recipients(one)
    assert (recipient.status, recipient.attempts) == (Status.DEFERRED, 1)


async def test_a_bad_step_does_not_harm_its_neighbours(ledger: Ledger) -> None:
    lease = await hold(ledger)
    submissions = [make_submission(f"u{n}@one.example") for n in range(40)]
    accepted = [await ledger.accept(each, START, lease) for each in submissions]
    jobs = [job for each in accepted for job in each.jobs]
    await ledger.settle(make_settlement(jobs[0]))
    results = await asyncio.gather(
        *(ledger.settle(make_settlement(job)) for job in jobs[1:20]),
        ledger.settle(make_settlement(jobs[0])),
        ledger.accept(submissions[0], START, lease),
        *(ledger.settle(make_settlement(job)) for job in jobs[20:]),
        return_exceptions=True,
    )
    failed = [each for each in results if isinstance(each, BaseException)]
    assert len(failed) == 2
    assert sum(isinstance(each, LeaseLost) for each in failed) == 1
    assert {each.status for each in await recipients(ledger)} == {Status.DELIVERED}
    timeline = await ledger.timeline(submissions[0].id, EVERYTHING)
    assert timeline is not None
    assert len(timeline.attempts) == 1


async def test_a_cancelled_caller_does_not_undo_what_it_asked_for(ledger: Ledger) -> None:
    submission = make_submission()
    task = asyncio.create_task(ledger.accept(submission, START, None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ledger.accept(make_submission(), START, None)  # whose turn comes later
    assert await ledger.timeline(submission.id, EVERYTHING) is not None


async def test_a_cancelled_reader_leaves_the_ledger_readable(ledger: Ledger) -> None:
    submission = make_submission()
    await ledger.accept(submission, START, None)
    for _ in range(20):
        task = asyncio.create_task(ledger.timeline(submission.id, EVERYTHING))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert await ledger.timeline(submission.id, EVERYTHING) is not None


async def test_a_closed_ledger_is_what_was_written(opener: Opener) -> None:
    ledger = await opener()
    submission = make_submission()
    await ledger.accept(submission, START, None)
    await ledger.close()
    await ledger.close()
    again = await opener()
    assert await again.timeline(submission.id, EVERYTHING) is not None
