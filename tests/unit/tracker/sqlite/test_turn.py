"""No write, no checkpoint, no opening and no closing outside the turn lock."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Awaitable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.ledger import recipients
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import Outcome
from tracker.sqlite import SqliteLedger, migrate, open_ledger
from tracker.sqlite.turn import TurnLock, turn_file

MINUTE = timedelta(minutes=1)


@contextmanager
def turn_held(path: Path) -> Iterator[None]:
    """Hold the turn as another process would."""
    descriptor = os.open(turn_file(path), os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


async def does_not_happen(awaitable: Awaitable[object]) -> "asyncio.Future[object]":
    """Check that something stays under way, and return it."""
    future = asyncio.ensure_future(awaitable)
    done, _ = await asyncio.wait([future], timeout=0.2)
    assert not done
    return future


async def test_nothing_commits_while_another_has_the_turn(ledger: SqliteLedger, path: Path) -> None:
    with turn_held(path):
        accepting = await does_not_happen(ledger.accept(make_submission(), START, None))
        assert await recipients(ledger) == []
    await asyncio.wait_for(accepting, 90)
    assert len(await recipients(ledger)) == 1


async def test_reading_needs_no_turn(ledger: SqliteLedger, path: Path) -> None:
    await ledger.accept(make_submission(), START, None)
    with turn_held(path):
        assert len(await recipients(ledger)) == 1


async def test_opening_and_closing_wait_for_the_turn(path: Path) -> None:
    path.parent.mkdir()
    with turn_held(path):
        opening = await does_not_happen(open_ledger(path))
    ledger = await asyncio.wait_for(opening, 90)
    assert isinstance(ledger, SqliteLedger)
    with turn_held(path):
        closing = await does_not_happen(ledger.close())
    await asyncio.wait_for(closing, 90)


async def test_migrating_waits_for_the_turn(path: Path) -> None:
    path.parent.mkdir()
    with turn_held(path):
        migrating = await does_not_happen(asyncio.to_thread(migrate, path))
    assert await asyncio.wait_for(migrating, 90)


def test_the_turn_excludes_and_is_given_back(path: Path) -> None:
    path.parent.mkdir()
    turn = TurnLock(path)
    with turn.held():
        assert not is_free(path)
    assert is_free(path)
    turn.close()


def is_free(path: Path) -> bool:
    """Say whether nobody holds the turn."""
    descriptor = os.open(turn_file(path), os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


class Witness:
    """Sees every statement of every read-write connection, and whether the turn was free then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.statements: list[str] = []
        self.outside: list[str] = []

    def see(self, statement: str) -> None:
        self.statements.append(statement)
        if is_free(self.path):
            self.outside.append(statement)


@pytest.fixture
def witness(path: Path, monkeypatch: pytest.MonkeyPatch) -> Witness:
    path.parent.mkdir()
    turn_file(path).touch()
    witness = Witness(path)
    connect = sqlite3.connect

    def connect_watched(database: str, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(database, **options)
        if database.endswith("mode=rw"):
            connection.set_trace_callback(witness.see)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_watched)
    return witness


async def live_through_everything(path: Path) -> None:
    """Open, write enough for both kinds of checkpoint, read, close."""
    ledger = await open_ledger(path)
    lease = (await ledger.open_lease("node", 1, START, MINUTE)).token
    await asyncio.gather(*(deliver(ledger, lease, b"x" * 100) for _ in range(1200)))
    await deliver(ledger, lease, bytes(160_000_000))
    await ledger.accept(make_submission("late@example.org"), START, lease)
    await ledger.recover(lease, [], START)
    await ledger.ping()
    assert await ledger.prune(START.date() + timedelta(days=1), 100)
    assert await recipients(ledger)
    await ledger.close()


async def deliver(ledger: SqliteLedger, lease: Any, content: bytes) -> None:
    accepted = await ledger.accept(make_submission(content=content), START, lease)
    await ledger.settle(make_settlement(accepted.jobs[0], Outcome.FAILED))


async def test_every_statement_that_may_write_runs_in_turn(witness: Witness) -> None:
    await live_through_everything(witness.path)
    assert witness.outside == []
    seen = "\n".join(witness.statements)
    for statement in ("CREATE TABLE", "INSERT INTO messages", "COMMIT", "PASSIVE", "TRUNCATE"):
        assert statement in seen


@pytest.mark.parametrize("held", [True, False])
def test_the_witness_can_tell(witness: Witness, held: bool) -> None:
    witness.path.touch()
    turn = TurnLock(witness.path)
    connection = sqlite3.connect(f"file:{witness.path}?mode=rw", uri=True)
    with closing(connection), turn.held() if held else nullcontext():
        connection.execute("SELECT 1")
    assert witness.outside == ([] if held else ["SELECT 1"])
    turn.close()
