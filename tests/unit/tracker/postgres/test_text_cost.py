"""What it costs to ask the index of text, however much is on record."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest

from tests.support.postgres import Server
from tests.unit.tracker.postgres.past import DAYS, END, PER_DAY, write_past
from tests.unit.tracker.postgres.test_looking_cost import DAY, cost_of, days_of
from tracker.model import Scope
from tracker.postgres import open_ledger
from tracker.postgres.query import DIALECT, SETTINGS, counts_among, ids_among
from tracker.postgres.text.candidates import ENDS, FREQUENCIES, LISTS
from tracker.postgres.text.pen import Sizes
from tracker.postgres.text.unread import UNREAD
from tracker.search import Field, Query, Term
from tracker.sql.ranges import Bounds
from tracker.sql.selection import select
from tracker.sql.trigrams import BLOCK, RAREST, trigrams_of

BLOCKS = 64
SIZES = Sizes(segment=BLOCKS, part=3 * BLOCKS, segments=3)
NEEDLE = "bob1234@place14"


@pytest.fixture(scope="module")
def url(postgres: Server) -> Iterator[str]:
    url = write_past(postgres, "indexed")
    with ThreadPoolExecutor(1) as pool:  # this thread's event loop is that of the tests
        pool.submit(asyncio.run, index(url)).result()
    yield url
    postgres.drop_database("indexed")


async def index(url: str) -> None:
    ledger = await open_ledger(url, trusts_caller=True, sizes=SIZES)
    while await ledger.index_text(END + DAY):
        pass
    assert await ledger.text_missing(PER_DAY * DAYS) < BLOCKS * BLOCK
    await ledger.close()


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    await connection.execute(f"BEGIN; {SETTINGS}")
    yield connection
    await connection.close()


@pytest.fixture
def trigrams() -> Iterator[list[str]]:
    yield sorted(trigrams_of(NEEDLE))


async def test_the_rarest_trigrams_are_found_in_a_few_parts(
    connection: Any, trigrams: list[str]
) -> None:
    cost = await cost_of(connection, FREQUENCIES, (trigrams, [1, 2], RAREST))
    assert "Seq Scan" not in cost.nodes
    assert cost.rows <= len(trigrams) * 2 * SIZES.segments


async def test_lists_are_looked_up_by_part_and_trigram(
    connection: Any, trigrams: list[str]
) -> None:
    parts = [row[0] for row in await connection.fetch("SELECT part FROM text_parts")]
    assert len(parts) > 5
    cost = await cost_of(connection, LISTS, (parts, trigrams[:RAREST]))
    assert cost.indexes == {"text_words_pkey", "text_segments_pkey"}
    assert cost.rows <= RAREST * len(parts) * SIZES.segments


async def test_the_ends_of_blocks_are_looked_up(connection: Any) -> None:
    cost = await cost_of(connection, ENDS, ([1, 1, 2], [0, 63, 7]))
    assert cost.indexes == {"text_blocks_pkey"}
    assert cost.rows == 3


async def test_who_is_not_read_yet_is_found_along_two_keys(connection: Any) -> None:
    cost = await cost_of(connection, UNREAD, ("", "~"))
    assert "Seq Scan" not in cost.nodes
    assert cost.tables == {"text_open", "text_parts", "queue"}


@pytest.mark.parametrize("statement", ["ids", "counts"])
async def test_only_blocks_are_looked_into_and_their_days(connection: Any, statement: str) -> None:
    found = await connection.fetch(
        "SELECT first, last FROM text_blocks WHERE part = 3 AND block IN (5, 60)"
    )
    ranges = [(row[0], row[1]) for row in found]
    term = Term(field=Field.ANY, value="nothing is like this")
    window = Query(terms=(term,), since=END - 14 * DAY, until=END - 10 * DAY)
    selection = select(window, Scope(), DIALECT)
    if statement == "ids":
        wanted = ids_among(ranges, window, selection, 51, Bounds(None, None, newest_first=True))
    else:
        wanted = counts_among(ranges, window, selection)
    cost = await cost_of(connection, *wanted)
    assert not cost.nodes & {"Seq Scan", "Bitmap Heap Scan", "Hash Join", "Merge Join"}
    assert len(days_of(frozenset(each for each in cost.tables if "recipients" in each))) == 4
    # A recipient, its message, its attempt and its result.
    assert 2 * BLOCK <= cost.rows <= 4 * 2 * BLOCK
