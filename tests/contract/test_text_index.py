"""Searches that ask an index of text find what a plain filter finds, however far the index is."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings

from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
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
from tracker import postgres, sqlite
from tracker.model import Outcome, Scope, Status
from tracker.postgres.find import Effort
from tracker.postgres.text.pen import Sizes
from tracker.search import Field, Query
from tracker.sqlite.find import Effort as SqliteEffort

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
LATER = START + timedelta(days=30)


class Way(NamedTuple):
    """How much is looked through before the index is not asked, and how it is made."""

    few_blocks: int
    sizes: Sizes


SMALL = Sizes(at_once=16, segment=1, part=2, segments=2, unread=0, rest=0)
WAYS = {
    "few blocks": Way(500, SMALL),
    "many blocks": Way(0, SMALL),
    "one segment": Way(500, Sizes(at_once=32, segment=2, part=4, segments=9, unread=9, rest=0)),
}


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
async def ledger(locator: str, way: Way) -> AsyncIterator[Ledger]:
    """A ledger that asks its index however little there is to look at."""
    ledger = await open_eager(locator, way)
    yield ledger
    await ledger.close()


async def open_eager(locator: str, way: Way) -> Ledger:
    if locator.startswith("sqlite:"):
        effort = SqliteEffort(short_walk=0, few_blocks=way.few_blocks, slice=3)
        return await sqlite.open_ledger(Path(locator.partition(":")[2]), effort=effort)
    return await postgres.open_ledger(
        locator,
        trusts_caller=True,
        effort=Effort(short_walk=0, few_blocks=way.few_blocks),
        sizes=way.sizes,
    )


async def catch_up(ledger: Ledger) -> int:
    count = 0
    while some := await ledger.index_text(LATER):
        count += some
    return count


@pytest.fixture
async def records(ledger: Ledger) -> list[Record]:
    records = await populate(ledger)
    assert await catch_up(ledger) > 16
    return records


async def found(ledger: Ledger, field: Field, value: str) -> list[str]:
    page = await ledger.search(term(field, value), EVERYTHING, limit=100)
    return [row.recipient.forward_path for row in page.rows]


@settings(PATIENT, max_examples=40)
@given(query=QUERIES, scope=SCOPES)
async def test_a_search_finds_what_a_plain_filter_finds(
    ledger: Ledger, records: list[Record], query: Query, scope: Scope
) -> None:
    page = await ledger.search(query, scope, limit=1000)
    assert [row.recipient.id for row in page.rows] == find(records, query, scope)
    ids = await ledger.search_ids(query, scope, limit=1000)
    assert list(ids.ids) == [row.recipient.id for row in page.rows]
    counted = Counter(row.recipient.status for row in page.rows)
    summary = await ledger.summarize(query, scope)
    assert summary == {status: counted[status] for status in Status}
    assert summary.cut == frozenset()


@pytest.mark.parametrize("limit", [1, 7])
@pytest.mark.parametrize("value", ["example", "hello", "bücher"])
async def test_pages_there_and_back_are_the_whole(
    ledger: Ledger, records: list[Record], limit: int, value: str
) -> None:
    query = term(Field.ANY, value)
    expected = find(records, query, EVERYTHING)
    assert len(expected) > limit
    there, back = await pages_there_and_back(ledger, query, limit)
    assert ids_of(there) == expected
    assert ids_of(reversed(back)) == expected


async def test_what_is_not_indexed_yet_is_found_and_counted(ledger: Ledger) -> None:
    for n in range(40):
        now = START + n * SECOND
        await ledger.accept(make_submission(f"ann{n}@one.example", now=now), now, None)
        if n == 20:
            await catch_up(ledger)
    for value, count in (("ann3@", 1), ("ann3", 11), ("ann39", 1), ("ann1@", 1), ("one.ex", 40)):
        assert len(await found(ledger, Field.TO, value)) == count
        counts = await ledger.summarize(term(Field.ANY, value), EVERYTHING)
        assert counts[Status.QUEUED] == count
        assert not counts.cut


async def test_attempts_that_come_later_are_found(ledger: Ledger) -> None:
    (slow,) = await accept_leased(ledger, make_submission("slow@one.example"))
    await defer(ledger, slow, START, wait=HOUR)
    for n in range(40):
        now = START + HOUR + n * SECOND
        await ledger.accept(make_submission(f"ann{n}@two.example", now=now), now, None)
    await catch_up(ledger)
    assert await found(ledger, Field.TEXT, "no such user") == []
    now = START + 2 * HOUR
    for outcome in (Outcome.DEFERRED, Outcome.FAILED):
        jobs = await ledger.claim(await hold(ledger, now), now, 100)
        (job,) = (each for each in jobs if each.recipients[0].forward_path == "slow@one.example")
        await ledger.settle(make_settlement(job, outcome, now=now, wait=HOUR))
        code = "5.1.1" if outcome is Outcome.FAILED else "4.7.1"
        # Before it is indexed, and after.
        assert "slow@one.example" in await found(ledger, Field.CODE, code)
        await catch_up(ledger)
        assert "slow@one.example" in await found(ledger, Field.CODE, code)
        now += 2 * HOUR
    assert await found(ledger, Field.TEXT, "no such user") == ["slow@one.example"]
    both = Query(terms=(*term(Field.TO, "slow").terms, *term(Field.TEXT, "such user").terms))
    assert len((await ledger.search(both, EVERYTHING, limit=9)).rows) == 1


async def test_it_is_told_how_far_the_index_is(ledger: Ledger) -> None:
    assert await ledger.text_missing(100) == 0
    await ledger.accept(make_submission(*(f"u{n}@x.example" for n in range(70))), START, None)
    assert await ledger.text_missing(100) == 70
    assert await ledger.text_missing(50) == 50
    await catch_up(ledger)
    # Only so many are written together, and less than a block is left.
    assert await ledger.text_missing(100) == 6


async def test_what_is_pruned_is_not_found(ledger: Ledger, records: list[Record]) -> None:
    oldest, newest = records[0], records[-1]
    while await ledger.prune((START + timedelta(days=3)).date(), 100):
        pass
    for _ in range(2):
        page = await ledger.search(term(Field.ANY, "example"), EVERYTHING, limit=1000)
        ids = [row.recipient.id for row in page.rows]
        assert oldest.recipient.id not in ids
        assert newest.recipient.id in ids
        await catch_up(ledger)
