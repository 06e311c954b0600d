"""What a claim brings along, and what is read later."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from relay.stock import with_content
from tests.support.clock import START
from tests.support.mail import CONTENT, make_submission
from tracker.model import Job
from tracker.sqlite import SqliteLedger, open_ledger

PLENTY = 1024 * 1024


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    ledger = await open_ledger(tmp_path / "ledger.db")
    yield ledger
    await ledger.close()


async def claim(ledger: SqliteLedger, *contents: bytes, paths: Sequence[str] = ()) -> list[Job]:
    """Put messages with these contents into the ledger and claim them, oldest first."""
    for content in contents:
        await ledger.accept(make_submission(*paths, content=content), START, None)
    lease = await ledger.open_lease("node", 1, START, timedelta(minutes=1))
    jobs = await ledger.claim(lease.token, START, 100)
    return sorted(jobs, key=lambda job: (job.message.id, job.destination))


def octets_of(jobs: Sequence[Job]) -> list[bytes | None]:
    return [None if job.content is None else b"".join(job.content.chunks()) for job in jobs]


async def test_what_was_claimed_comes_with_its_content(ledger: SqliteLedger) -> None:
    claimed = await claim(ledger, CONTENT, CONTENT + b"more\r\n")
    jobs = await with_content(ledger, claimed, PLENTY)
    assert set(octets_of(jobs)) == {CONTENT, CONTENT + b"more\r\n"}
    assert not any(job.is_fresh for job in jobs)


async def test_large_messages_are_read_when_their_turn_comes(ledger: SqliteLedger) -> None:
    claimed = await claim(ledger, bytes(65 * 1024))
    assert octets_of(await with_content(ledger, claimed, PLENTY)) == [None]


async def test_no_more_comes_than_there_is_room_for(ledger: SqliteLedger) -> None:
    claimed = await claim(ledger, *[CONTENT] * 3)
    room = 2 * len(CONTENT)
    assert octets_of(await with_content(ledger, claimed, room)) == [CONTENT, CONTENT, None]
    assert octets_of(await with_content(ledger, claimed, 0)) == [None] * 3


async def test_the_jobs_of_a_message_share_its_content(ledger: SqliteLedger) -> None:
    claimed = await claim(ledger, CONTENT, paths=("a@one.example", "b@two.example"))
    one, two = await with_content(ledger, claimed, PLENTY)
    assert one.content is two.content


async def test_without_the_ledger_the_jobs_are_there_all_the_same(ledger: SqliteLedger) -> None:
    claimed = await claim(ledger, CONTENT)
    await ledger.close()
    assert await with_content(ledger, claimed, PLENTY) == claimed
