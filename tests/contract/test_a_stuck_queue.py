"""Listing and cancelling while very much waits: behind a worker's lease, without its content."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    accept_leased,
    assert_balanced,
    open_by_locator,
    recipients,
)
from tests.contract.test_many_at_once import LATER, carry_out, make_act, runner
from tests.support.clock import START
from tests.support.mail import make_submission, mint
from tracker.acting.run import STRIDE
from tracker.model import ActState, Deed, RecipientId, Status
from tracker.search import Field, Query, Term
from tracker.sql.acts import due_acts
from tracker.sql.selection import select
from tracker.sqlite.query import DIALECT, page_of_ids

WAITING = Query(terms=(Term(field=Field.STATUS, value="waiting"),))
MANY = 20_000
_STEPS = 1000
"""Instructions of SQLite's machine between two counts."""


async def test_cancelling_passes_what_a_worker_holds_and_ends(ledger: Ledger) -> None:
    """A worker that stands still with its lease keeps nobody from acting on the rest."""
    held = [f"held{n}@example.org" for n in range(30)]
    await accept_leased(ledger, make_submission(*held))
    paths = [f"n{n}@example.org" for n in range(2 * STRIDE)]
    await ledger.accept(make_submission(*paths), START, None)
    act = await carry_out(ledger, make_act(Deed.CANCEL, "status:waiting", account=None))
    assert act.state is ActState.DONE
    assert (act.done, act.changed) == (2 * STRIDE + 30, 2 * STRIDE)
    left = [one for one in await recipients(ledger) if one.status is Status.QUEUED]
    assert {one.forward_path for one in left} == set(held)
    assert all(one.leased for one in left)
    await assert_balanced(ledger)


def fill(path: Path, count: int) -> None:
    """Put a queue on record that no relay of this test could take in: a copy of one recipient."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        (first,) = file.execute("SELECT id FROM recipients").fetchone()
        columns = [row[1] for row in file.execute("PRAGMA table_info(recipients)")]
        values = ", ".join("?" if name == "id" else f'"{name}"' for name in columns)
        file.execute("BEGIN")
        file.executemany(
            f"INSERT INTO recipients SELECT {values} FROM recipients WHERE id = ?",
            [(mint(START + timedelta(microseconds=n)), first) for n in range(1, count)],
        )
        file.execute("UPDATE messages SET recipients = ?1, open_recipients = ?1", (count,))
        file.execute("DELETE FROM content")  # it cannot be read any more
        file.execute("COMMIT")


def steps(path: Path, sql: str, parameters: tuple[object, ...]) -> int:
    """Return how much SQLite's machine has to do, in units of a thousand instructions."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    with closing(sqlite3.connect(path)) as file:
        file.set_progress_handler(tick, _STEPS)
        file.execute(sql, parameters).fetchall()
    return count


@pytest.fixture
async def stuck(tmp_path: Path) -> Path:
    """A ledger in which very much waits, of a message that cannot be read."""
    path = tmp_path / "stuck.db"
    ledger = await open_by_locator(f"sqlite:{path}")
    await ledger.accept(make_submission("bob@example.org"), START, None)
    await ledger.close()
    fill(path, MANY)
    return path


async def test_a_page_and_a_stride_cost_the_same_however_much_waits(stuck: Path) -> None:
    selection = select(WAITING, EVERYTHING, DIALECT)
    newest = page_of_ids(selection, STRIDE)
    middle = mint(START + timedelta(microseconds=MANY // 2))
    further = page_of_ids(selection, STRIDE, before=RecipientId(middle))
    for sql, parameters in (newest, further, due_acts(LATER, 20)):
        assert steps(stuck, sql, parameters) <= 20 * STRIDE * 10 / _STEPS


async def test_much_is_listed_counted_and_cancelled_without_its_content(stuck: Path) -> None:
    ledger = await open_by_locator(f"sqlite:{stuck}")
    try:
        page = await ledger.search(WAITING, EVERYTHING, limit=25)
        assert len(page.rows) == 25
        counts = await ledger.summarize(WAITING, EVERYTHING, cap=10_000_000)
        assert counts[Status.QUEUED] == MANY, "exact, however many"
        act = await ledger.plan_act(make_act(Deed.CANCEL, "status:waiting", account=None))
        one = runner(ledger)
        for _ in range(4):
            after = await one.stride(act)
            assert after is not None
            act = after
        assert (act.done, act.changed) == (3 * STRIDE, 3 * STRIDE)
        assert (
            await ledger.turn_act(act.id, {ActState.RUNNING}, ActState.PAUSED, LATER)
        ) is not None
        assert await one.stride(act) is None
    finally:
        await ledger.close()
