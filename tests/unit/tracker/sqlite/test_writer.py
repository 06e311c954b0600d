"""The writer: full disks, foreign locks, files, threads, the length of the WAL."""

import asyncio
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.ledger import recipients
from tests.support.clock import START
from tests.support.disk import disk_full
from tests.support.mail import make_settlement, make_submission
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.sqlite.turn import turn_file
from tracker.store import StoreError, StoreUnavailable


async def test_a_full_disk_is_unavailable_and_passes(ledger: SqliteLedger, path: Path) -> None:
    before = make_submission()
    await ledger.accept(before, START, None)
    with disk_full(path):
        for _ in range(3):
            results = await asyncio.gather(
                *(ledger.accept(make_submission(), START, None) for _ in range(5)),
                ledger.ping(),
                return_exceptions=True,
            )
            assert [type(each) for each in results] == [StoreUnavailable] * 6
        assert [each.message_id for each in await recipients(ledger)] == [before.id]
    after = make_submission()
    await ledger.accept(after, START, None)
    assert {each.message_id for each in await recipients(ledger)} == {before.id, after.id}


async def test_what_was_refused_on_a_full_disk_can_be_settled_later(
    ledger: SqliteLedger, path: Path
) -> None:
    lease = (await ledger.open_lease("node", 1, START, timedelta(seconds=30))).token
    (job,) = (await ledger.accept(make_submission(), START, lease)).jobs
    with disk_full(path), pytest.raises(StoreUnavailable):
        await ledger.settle(make_settlement(job))
    await ledger.settle(make_settlement(job))


async def test_a_database_that_another_program_has_locked_is_unavailable(
    ledger: SqliteLedger, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await ledger.ping()
        foreign.execute("ROLLBACK")
    await ledger.ping()


async def test_only_the_owner_may_read(ledger: SqliteLedger, path: Path) -> None:
    await ledger.accept(make_submission(), START, None)
    files = [path, turn_file(path), *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 4
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_close_finishes_what_waits_and_leaves_no_thread(path: Path) -> None:
    before = set(threading.enumerate())
    ledger = await open_ledger(path)
    waiting = [
        asyncio.ensure_future(ledger.accept(make_submission(), START, None)) for _ in range(700)
    ]
    await asyncio.sleep(0)
    await ledger.close()
    await asyncio.gather(*waiting)
    left = set(threading.enumerate()) - before
    assert [each.name for each in left if not each.name.startswith("asyncio_")] == []
    with pytest.raises(StoreError, match="closed"):
        await ledger.ping()
    with pytest.raises(StoreError, match="closed"):
        await ledger.census(START)


async def test_a_closed_ledger_is_one_file(path: Path) -> None:
    ledger = await open_ledger(path)
    await ledger.accept(make_submission(), START, None)
    await ledger.close()
    assert {each.name for each in path.parent.iterdir()} == {path.name, turn_file(path).name}


async def test_the_log_does_not_grow_without_end(ledger: SqliteLedger, path: Path) -> None:
    wal = path.with_name(path.name + "-wal")
    octets = bytes(20 * 1024 * 1024)
    longest = 0
    for _ in range(24):
        await ledger.accept(make_submission(content=octets), START, None)
        longest = max(longest, wal.stat().st_size)
    assert longest < 9 * len(octets)


async def test_a_reader_that_lingers_does_not_stop_the_writer(
    ledger: SqliteLedger, path: Path
) -> None:
    await ledger.accept(make_submission(), START, None)
    with closing(sqlite3.connect(path, isolation_level=None)) as lingering:
        lingering.execute("BEGIN")
        assert lingering.execute("SELECT count(*) FROM messages").fetchone() == (1,)
        octets = bytes(20 * 1024 * 1024)
        for _ in range(5):
            await ledger.accept(make_submission(content=octets), START, None)
        assert lingering.execute("SELECT count(*) FROM messages").fetchone() == (1,)
    assert len(await recipients(ledger)) == 6


async def test_the_version_of_the_library_can_be_logged(ledger: SqliteLedger) -> None:
    assert ledger.engine == f"SQLite {sqlite3.sqlite_version}"


async def test_more_readers_than_connections_take_turns(path: Path) -> None:
    ledger = await open_ledger(path, readers=1)
    await ledger.accept(make_submission(), START, None)
    found = await asyncio.gather(*(recipients(ledger) for _ in range(20)))
    assert [len(each) for each in found] == [1] * 20
    await ledger.close()
