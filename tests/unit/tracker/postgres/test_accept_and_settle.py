"""What accept and settle do in a server, beyond what every ledger must."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import (
    DestinationChange,
    Job,
    LeaseToken,
    MessageId,
    MessageKind,
    Outcome,
    Status,
)
from tracker.postgres import PostgresLedger, open_ledger
from tracker.postgres.accept import LARGE, PIECE
from tracker.postgres.notes import note_rows
from tracker.sql.values import stamp
from tracker.states import IllegalChange
from tracker.store import LeaseLost, StoreError

SECOND = timedelta(seconds=1)
HERE = "example.org"


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[PostgresLedger]:
    ledger = await open_ledger(url, trusts_caller=True)
    yield ledger
    await ledger.close()


@pytest.fixture
async def lease(ledger: PostgresLedger) -> LeaseToken:
    return (await ledger.open_lease("node-a", 1, START, timedelta(hours=1))).token


async def accept(ledger: PostgresLedger, lease: LeaseToken, number: int = 1) -> list[Job]:
    """Accept messages with one recipient each."""
    accepted = await asyncio.gather(
        *(ledger.accept(make_submission(), START, lease) for _ in range(number))
    )
    return [job for each in accepted for job in each.jobs]


async def content_of(ledger: PostgresLedger, message: MessageId) -> bytes:
    return b"".join([chunk async for chunk in ledger.content(message)])


# --- what shares a batch -----------------------------------------------------------------------


async def test_what_the_server_refuses_does_not_harm_its_neighbours(
    ledger: PostgresLedger, lease: LeaseToken
) -> None:
    good = [make_submission() for _ in range(5)]
    bad = make_submission("nul\0@example.org")
    taken = make_submission()
    await ledger.accept(taken, START, lease)
    outcomes = await asyncio.gather(
        *(ledger.accept(each, START, lease) for each in [*good[:3], bad, taken, *good[3:]]),
        return_exceptions=True,
    )
    assert [type(each).__name__ for each in outcomes] == [
        *["Accepted"] * 3,
        "CharacterNotInRepertoireError",
        "UniqueViolationError",
        *["Accepted"] * 2,
    ]


async def test_a_lost_lease_does_not_harm_its_neighbours(
    ledger: PostgresLedger, lease: LeaseToken
) -> None:
    leases = [lease, LeaseToken("gone"), None, LeaseToken("lost"), lease]
    outcomes = await asyncio.gather(
        *(ledger.accept(make_submission(), START, each) for each in leases),
        return_exceptions=True,
    )
    assert [type(each).__name__ for each in outcomes] == [
        "Accepted", "LeaseLost", "Accepted", "LeaseLost", "Accepted",
    ]  # fmt: skip


async def test_settlements_that_cannot_be_do_not_harm_their_neighbours(
    ledger: PostgresLedger, lease: LeaseToken, outside: asyncpg.Connection
) -> None:
    jobs = await accept(ledger, lease, 5)
    deferred = jobs[3].recipients[0].id
    await outside.execute("UPDATE queue SET status = 'deferred' WHERE id = $1", deferred)
    outcomes = await asyncio.gather(
        ledger.settle(make_settlement(jobs[0])),
        ledger.settle(replace(make_settlement(jobs[1]), lease=LeaseToken("other"))),
        ledger.settle(make_settlement(jobs[2], Outcome.FAILED)),
        ledger.settle(_back_to_queued(jobs[3])),
        ledger.settle(make_settlement(jobs[4], Outcome.DEFERRED)),
        return_exceptions=True,
    )
    kinds = [type(each) for each in outcomes]
    assert kinds == [type(None), LeaseLost, type(None), IllegalChange, type(None)]
    assert await outside.fetchval("SELECT count(*) FROM attempts") == 3
    held = await outside.fetch("SELECT id FROM queue WHERE lease IS NOT NULL ORDER BY id")
    expected = sorted(job.recipients[0].id for job in (jobs[1], jobs[3]))
    assert [row[0] for row in held] == expected


def _back_to_queued(job: Job) -> Any:
    settlement = make_settlement(job, Outcome.DEFERRED)
    changes = tuple(replace(each, status=Status.QUEUED) for each in settlement.changes)
    return replace(settlement, changes=changes)


async def test_a_settlement_is_whole_or_not_at_all(
    ledger: PostgresLedger, lease: LeaseToken, outside: asyncpg.Connection
) -> None:
    submission = make_submission("a@example.org", "b@example.org")
    (job,) = (await ledger.accept(submission, START, lease)).jobs
    await outside.execute("UPDATE queue SET lease = NULL WHERE id = $1", job.recipients[1].id)
    with pytest.raises(LeaseLost):
        await ledger.settle(make_settlement(job))
    assert await outside.fetchval("SELECT count(*) FROM queue") == 2
    assert await outside.fetchval("SELECT count(*) FROM attempts") == 0
    await ledger.settle(make_settlement(replace(job, recipients=job.recipients[:1])))
    await outside.execute("UPDATE queue SET lease = $1", lease)  # for whoever looks at the end


async def test_of_two_settlements_of_one_recipient_the_first_counts(
    ledger: PostgresLedger, lease: LeaseToken, outside: asyncpg.Connection
) -> None:
    (job,) = await accept(ledger, lease)
    first, second = await asyncio.gather(
        ledger.settle(make_settlement(job)),
        ledger.settle(make_settlement(job, Outcome.FAILED)),
        return_exceptions=True,
    )
    assert first is None
    assert isinstance(second, LeaseLost)
    assert await outside.fetchval("SELECT status FROM results") == "delivered"


async def test_a_report_belongs_to_whoever_sent_what_it_reports_on(
    ledger: PostgresLedger, lease: LeaseToken, outside: asyncpg.Connection
) -> None:
    ours, other = make_submission(account="a@one.example"), make_submission(account="b@two.example")
    (job,) = (await ledger.accept(ours, START, lease)).jobs
    await ledger.accept(other, START, lease)
    reports = tuple(
        make_submission(kind=MessageKind.DSN, reverse_path="", account=None, reports_on=about)
        for about in (ours.id, other.id, MessageId("unknown"))
    )
    await ledger.settle(make_settlement(job, Outcome.FAILED, reports=reports))
    found = {
        row["id"]: (row["account"], row["account_domain"])
        for row in await outside.fetch(
            "SELECT m.id, q.account, q.account_domain FROM messages AS m"
            " JOIN queue AS q ON q.message_id = m.id WHERE m.kind = 'dsn'"
        )
    }
    assert [found[report.id] for report in reports] == [
        ("a@one.example", "one.example"),
        ("b@two.example", "two.example"),
        (None, None),
    ]


# --- content -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", [0, 1, PIECE, PIECE + 1, 100 * PIECE, LARGE, LARGE + 1, 128 * PIECE * 2, 25 * 2**20]
)
async def test_content_comes_back_as_it_was(
    ledger: PostgresLedger, lease: LeaseToken, outside: asyncpg.Connection, size: int
) -> None:
    octets = bytes(range(256)) * (size // 256) + bytes(size % 256)
    submission = make_submission(content=octets)
    await ledger.accept(submission, START, lease)
    assert await content_of(ledger, submission.id) == octets
    longest = await outside.fetchval("SELECT max(octet_length(data)) FROM content")
    assert longest == min(size, PIECE)


@pytest.mark.parametrize("lost", [0, 31, 32, 50, 63, 99])
async def test_no_half_message_passes_for_a_whole_one(
    ledger: PostgresLedger, lease: LeaseToken, outside: asyncpg.Connection, lost: int
) -> None:
    submission = make_submission(content=bytes(100 * PIECE))
    (job,) = (await ledger.accept(submission, START, lease)).jobs
    await outside.execute("DELETE FROM content WHERE n = $1", lost)
    with pytest.raises(KeyError):
        await content_of(ledger, submission.id)
    await ledger.settle(make_settlement(job))  # and the rest of it is gone as well
    with pytest.raises(KeyError):
        await content_of(ledger, submission.id)


# --- destinations --------------------------------------------------------------------------------


async def settle_with(ledger: PostgresLedger, lease: LeaseToken, change: DestinationChange) -> None:
    (job,) = await accept(ledger, lease)
    await ledger.settle(replace(make_settlement(job, now=change.at), destination=change))


async def test_a_destination_that_does_well_is_hardly_ever_written(
    ledger: PostgresLedger, lease: LeaseToken, outside: asyncpg.Connection
) -> None:
    written = []
    for seconds in (0, 1, 9, 10, 11, 12, 30):
        at = START + seconds * SECOND
        await settle_with(ledger, lease, DestinationChange(destination=HERE, at=at, reachable=True))
        written.append(await outside.fetchval("SELECT last_success_at FROM destinations"))
    assert written == [stamp(START + n * SECOND) for n in (0, 0, 0, 0, 11, 11, 30)]


async def test_what_changes_about_a_destination_is_written_at_once(
    ledger: PostgresLedger, lease: LeaseToken, outside: asyncpg.Connection
) -> None:
    up = DestinationChange(destination=HERE, at=START, reachable=True)
    down = replace(up, at=START + SECOND, reachable=False, failures=1, detail="refused")
    worse = replace(down, at=START + 2 * SECOND, failures=2)
    again = replace(up, at=START + 3 * SECOND)
    seen = []
    for change in (up, down, worse, again):
        await settle_with(ledger, lease, change)
        row = await outside.fetchrow("SELECT reachable, failures, since FROM destinations")
        seen.append((row[0], row[1], (row[2] - stamp(START)) // 1_000_000))
    assert seen == [(True, 0, 0), (False, 1, 1), (False, 2, 1), (True, 0, 3)]


def test_notes_of_one_batch_are_one_of_which_the_last_counts() -> None:
    changes = [
        DestinationChange(
            destination=HERE,
            at=START + n * SECOND,
            reachable=up,
            failures=failures,
            accepted=up,
            place="provider.example" if up else "",
        )
        for n, (up, failures) in enumerate([(False, 1), (True, 0), (False, 1), (False, 2)])
    ]
    other = DestinationChange(destination="a.example", at=START, reachable=True)
    rows = note_rows([*changes[:2], other, *changes[2:]])
    at = [stamp(change.at) for change in changes]
    assert rows == [
        ("a.example", True, 0, at[0], None, "", at[0], None, None, ""),
        (HERE, False, 2, at[2], None, "", at[1], at[3], at[1], "provider.example"),
    ]


# --- the end -------------------------------------------------------------------------------------


async def test_nothing_is_taken_after_close(url: str) -> None:
    ledger = await open_ledger(url, trusts_caller=True)
    await ledger.close()
    with pytest.raises(StoreError, match="closed"):
        await ledger.accept(make_submission(), START, None)
    with pytest.raises(StoreError, match="closed"):
        await ledger.ping()
