"""Searches that ask the index of the text find what a plain filter finds, however far it is."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given

from tests.contract.ledger import (
    EVERYTHING,
    accept_leased,
    defer,
    hold,
    ids_of,
    pages_there_and_back,
)
from tests.contract.population import populate
from tests.contract.reference import Record, find
from tests.contract.test_search import PATIENT, QUERIES, SCOPES, term
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import Outcome, Scope, Status
from tracker.search import Field, Query
from tracker.sqlite import open_ledger
from tracker.sqlite.find import Effort
from tracker.sqlite.ledger import SqliteLedger
from tracker.sqlite.text.file import path_of
from tracker.store import Ledger

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LATER = START + 30 * DAY

# However little there is to look at, the index is asked.
ALWAYS = Effort(short_walk=0)
# And whatever it says is too much to be looked through.
EVER_MANY = Effort(short_walk=0, few_blocks=0)


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    ledger = await open_ledger(path, effort=ALWAYS)
    yield ledger
    await ledger.close()


async def catch_up(ledger: SqliteLedger) -> None:
    while await ledger.index_text(LATER):
        pass


async def found(ledger: Ledger, field: Field, value: str) -> list[str]:
    page = await ledger.search(term(field, value), EVERYTHING, limit=100)
    return [row.recipient.forward_path for row in page.rows]


def indexed(path: Path) -> int:
    """Return how many blocks there are."""
    with closing(sqlite3.connect(path_of(path))) as connection:
        (blocks,) = connection.execute("SELECT count(*) FROM blocks").fetchone()
    return int(blocks)


def remove(path: Path) -> None:
    """Remove the ledger, and leave its index."""
    for beside in ("", "-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)


@pytest.fixture
async def records(ledger: SqliteLedger) -> list[Record]:
    records = await populate(ledger)
    await catch_up(ledger)
    return records


@PATIENT
@given(query=QUERIES, scope=SCOPES)
async def test_a_search_finds_what_a_plain_filter_finds(
    ledger: SqliteLedger, records: list[Record], path: Path, query: Query, scope: Scope
) -> None:
    assert indexed(path) > 1
    page = await ledger.search(query, scope, limit=1000)
    assert [row.recipient.id for row in page.rows] == find(records, query, scope)
    counted = Counter(row.recipient.status for row in page.rows)
    summary = await ledger.summarize(query, scope)
    assert summary == {status: counted[status] for status in Status}
    assert summary.cut == frozenset()


@PATIENT
@given(query=QUERIES, scope=SCOPES)
async def test_many_blocks_are_counted_like_few(
    records: list[Record], path: Path, query: Query, scope: Scope
) -> None:
    ledger = await open_ledger(path, effort=EVER_MANY)
    try:
        summary = await ledger.summarize(query, scope)
    finally:
        await ledger.close()
    statuses = {str(each.recipient.id): each.recipient.status for each in records}
    counted = Counter(statuses[each] for each in find(records, query, scope))
    assert summary == {status: counted[status] for status in Status}
    assert summary.cut == frozenset()


@pytest.mark.parametrize("limit", [1, 7])
@pytest.mark.parametrize("value", ["example", "hello"])
async def test_pages_there_and_back_are_the_whole(
    ledger: SqliteLedger, records: list[Record], limit: int, value: str
) -> None:
    query = term(Field.ANY, value)
    expected = find(records, query, EVERYTHING)
    assert len(expected) > limit
    there, back = await pages_there_and_back(ledger, query, limit)
    assert ids_of(there) == expected
    assert ids_of(reversed(back)) == expected


async def test_what_is_not_indexed_yet_is_found(ledger: SqliteLedger, path: Path) -> None:
    for n in range(40):
        now = START + n * timedelta(seconds=1)
        await ledger.accept(make_submission(f"ann{n}@one.example", now=now), now, None)
    await catch_up(ledger)
    assert indexed(path) == 2
    assert await found(ledger, Field.TO, "ann3@") == ["ann3@one.example"]
    assert await found(ledger, Field.TO, "ann39") == ["ann39@one.example"]


@pytest.mark.parametrize("effort", [Effort(0, 500, 3), Effort(0, 0, 3)], ids=["few", "many"])
async def test_what_is_not_indexed_yet_is_counted(
    ledger: SqliteLedger, path: Path, effort: Effort
) -> None:
    for n in range(40):
        now = START + n * timedelta(seconds=1)
        await ledger.accept(make_submission(f"ann{n}@one.example", now=now), now, None)
    await catch_up(ledger)
    assert indexed(path) == 2
    await ledger.close()
    ledger = await open_ledger(path, effort=effort)
    try:
        for value, count in (("ann3", 11), ("ann39", 1), ("ann1@", 1), ("one.ex", 40)):
            counts = await ledger.summarize(term(Field.ANY, value), EVERYTHING)
            assert counts[Status.QUEUED] == count
            assert not counts.cut
    finally:
        await ledger.close()


async def test_an_attempt_that_comes_later_is_found(ledger: SqliteLedger, path: Path) -> None:
    (job,) = await accept_leased(ledger, make_submission("slow@one.example"))
    await defer(ledger, job, START, wait=HOUR)
    for n in range(20):
        await ledger.accept(make_submission(f"ann{n}@two.example"), START + HOUR, None)
    await catch_up(ledger)
    assert indexed(path) == 1
    later = START + 2 * HOUR
    jobs = await ledger.claim(await hold(ledger, later), later, 100)
    (again,) = (each for each in jobs if each.recipients[0].forward_path == "slow@one.example")
    await ledger.settle(make_settlement(again, Outcome.FAILED, now=later))
    # Before it is indexed, and after.
    assert await found(ledger, Field.TEXT, "no such user") == ["slow@one.example"]
    await catch_up(ledger)
    assert await found(ledger, Field.TEXT, "no such user") == ["slow@one.example"]


async def test_the_text_goes_with_the_last_of_its_mail(ledger: SqliteLedger, path: Path) -> None:
    (job,) = await accept_leased(ledger, make_submission(*(f"u{n}@x.example" for n in range(20))))
    await ledger.settle(make_settlement(job))
    await catch_up(ledger)
    assert indexed(path) == 1
    while await ledger.prune((START + 2 * DAY).date(), 100):
        pass
    await catch_up(ledger)
    assert indexed(path) == 0


async def test_text_that_was_removed_leaves_the_index(ledger: SqliteLedger, path: Path) -> None:
    submission = make_submission("secret@one.example", *(f"u{n}@x.example" for n in range(15)))
    await ledger.accept(submission, START, None)
    await catch_up(ledger)
    assert matches(path, "secret") == 1
    page = await ledger.search(term(Field.TO, "secret"), EVERYTHING, limit=1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE recipients SET forward_path = 'x' WHERE forward_path LIKE 's%'")
        connection.commit()
    await ledger.forget_text([page.rows[0].recipient.id])
    await catch_up(ledger)
    assert matches(path, "secret") == 0
    assert await found(ledger, Field.TO, "u7@x") == ["u7@x.example"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM text_to_forget").fetchone() == (0,)


def matches(path: Path, text: str) -> int:
    """Return how many documents of the first part have a trigram of `text`."""
    with closing(sqlite3.connect(path_of(path))) as connection:
        sql = "SELECT count(*) FROM words_1 WHERE words_1 MATCH ?"
        (count,) = connection.execute(sql, (f'"{text[:3]}"',)).fetchone()
    return int(count)


async def test_an_index_of_another_ledger_is_made_anew(ledger: SqliteLedger, path: Path) -> None:
    await populate(ledger)
    await catch_up(ledger)
    await ledger.close()
    remove(path)
    ledger = await open_ledger(path, effort=ALWAYS)
    await ledger.accept(make_submission("ann@one.example"), START, None)
    await catch_up(ledger)
    assert indexed(path) == 0
    assert await found(ledger, Field.TO, "ann@") == ["ann@one.example"]
    await ledger.close()
