"""What looking costs however much is on record: rows that are touched, partitions, locks."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import asyncpg
import pytest

from tests.support.postgres import Server
from tests.unit.tracker.postgres.past import ACCOUNTS, BEGIN, DAYS, END, PER_DAY, write_past
from tracker.model import Scope, Status
from tracker.postgres.connections import Connections
from tracker.postgres.look import Unfinished, looking
from tracker.postgres.query import DIALECT, SETTINGS, capped_counts, page_of_ids
from tracker.postgres.shown import (
    ROWS,
    TIMELINE_ATTEMPTS,
    TIMELINE_EVENTS,
    timeline_recipients,
)
from tracker.postgres.windows import windows
from tracker.search import Field, Query, Term
from tracker.sql.selection import select
from tracker.sql.values import moment
from tracker.store import StoreUnavailable

DAY = timedelta(days=1)
PAGE = 51
ALICE = Scope(account=ACCOUNTS[7])
DOMAIN = Scope(domain=ACCOUNTS[7].partition("@")[2])


@pytest.fixture(scope="module")
def url(postgres: Server) -> Iterator[str]:
    yield write_past(postgres, "past")
    postgres.drop_database("past")


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    await connection.execute(f"BEGIN; {SETTINGS}")
    yield connection
    await connection.close()


class Cost(NamedTuple):
    """What a statement did."""

    rows: int
    """Rows that were read, also those that did not fit."""
    tables: frozenset[str]
    """Tables and partitions that may be read."""
    read: frozenset[str]
    """Those that were: partitions may be left out as it runs."""
    nodes: frozenset[str]
    indexes: frozenset[str]


async def cost_of(connection: Any, sql: str, parameters: Sequence[Any]) -> Cost:
    """Run a statement and return what that took."""
    said = await connection.fetchval(
        f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", *parameters
    )
    nodes = list(_nodes(json.loads(said)[0]["Plan"]))
    scans = [node for node in nodes if "Relation Name" in node]
    return Cost(
        rows=sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in scans
        ),
        tables=frozenset(node["Relation Name"] for node in scans),
        read=frozenset(node["Relation Name"] for node in scans if node["Actual Loops"]),
        nodes=frozenset(node["Node Type"] for node in nodes),
        indexes=frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def status(word: str) -> Query:
    return Query(terms=(Term(field=Field.STATUS, value=word),))


def window_of(query: Query, *, days: int) -> Query:
    """Return the first part of a search for `query` that is `days` long."""
    parts = windows(query, BEGIN, END, newest_first=True)
    return next(each for each in parts if each.since and each.until == each.since + days * DAY)


def days_of(tables: frozenset[str]) -> set[str]:
    """Return the days whose partitions are among `tables`."""
    return {table.rpartition("_")[2] for table in tables if table[-1].isdigit()}


WALKS = {
    "everything": (Query(), Scope(), "pkey"),
    "an account": (Query(), ALICE, "account_id_idx"),
    "a domain": (Query(), DOMAIN, "account_domain_id_idx"),
    "delivered": (status("delivered"), Scope(), "pkey"),
    "delivered of an account": (status("delivered"), ALICE, "account_id_idx"),
    "failed": (status("permanent"), Scope(), "status_recipient_id_idx"),
    # That of the account too, where it is so much shorter that this pays.
    "failed of an account": (status("permanent"), ALICE, "status_recipient_id_idx"),
    "failed of a domain": (status("bounced"), DOMAIN, "status_recipient_id_idx"),
    "cancelled": (status("cancelled"), Scope(), "status_recipient_id_idx"),
    "deferred of an account": (status("deferred"), ALICE, "queue_by_account_status"),
    "held of a domain": (status("held"), DOMAIN, "queue_by_account_domain_status"),
    "waiting": (status("waiting"), Scope(), "queue_"),
}


@pytest.mark.parametrize(("query", "scope", "index"), WALKS.values(), ids=WALKS.keys())
async def test_a_page_is_a_walk_along_an_index(
    connection: Any, query: Query, scope: Scope, index: str
) -> None:
    window = window_of(query, days=8)
    cost = await cost_of(connection, *page_of_ids(window, select(window, scope, DIALECT), PAGE))
    assert any(index in name for name in cost.indexes)
    assert not cost.nodes & {"Seq Scan", "Bitmap Heap Scan", "Hash Join", "Merge Join"}
    assert len(days_of(cost.tables)) == 8


BOUNDED = {
    "everything": (Query(), Scope()),
    "an account": (Query(), ALICE),
    "delivered": (status("delivered"), Scope()),
    "failed": (status("permanent"), Scope()),
    "what does not wait": (
        Query(terms=(Term(field=Field.STATUS, value="temporary", negated=True),)),
        Scope(),
    ),
}


@pytest.mark.parametrize(("query", "scope"), BOUNDED.values(), ids=BOUNDED.keys())
async def test_a_page_costs_what_it_shows_not_what_is_on_record(
    connection: Any, query: Query, scope: Scope
) -> None:
    window = window_of(query, days=8)
    cost = await cost_of(connection, *page_of_ids(window, select(window, scope, DIALECT), PAGE))
    # A look-up in the queue or the results, and one in the recipients, for each row of a walk.
    assert PAGE <= cost.rows <= 2 * 3 * PAGE < PER_DAY


async def test_a_count_stops_at_its_cap(connection: Any) -> None:
    window = window_of(Query(), days=8)
    caps = dict.fromkeys((Status.DELIVERED, Status.BOUNCED), PAGE)
    statement = capped_counts(window, select(window, Scope(), DIALECT), caps)
    cost = await cost_of(connection, *statement)
    assert cost.rows <= 2 * 2 * 2 * PAGE
    assert "Seq Scan" not in cost.nodes


EVERY_TABLE = Query(
    terms=(
        Term(field=Field.ANY, value="nothing is like this"),
        Term(field=Field.STATUS, value="temporary", negated=True),
    )
)


async def test_only_the_days_of_the_range_are_looked_at(connection: Any) -> None:
    since, until = BEGIN + 11 * DAY, BEGIN + 12 * DAY
    (window,) = windows(Query(since=since, until=until), BEGIN, END, newest_first=True)
    query = Query(terms=EVERY_TABLE.terms, since=window.since, until=window.until)
    sql, parameters = page_of_ids(query, select(query, Scope(), DIALECT), PAGE)
    cost = await cost_of(connection, sql, parameters)
    assert "Seq Scan" not in cost.nodes
    others = frozenset(table for table in cost.tables if not table.startswith("messages"))
    assert days_of(others) == {f"{since:%Y%m%d}"}
    # A message may have got its id some days before.
    assert len(days_of(cost.tables)) == 9
    assert PER_DAY <= cost.rows <= 5 * PER_DAY


async def test_a_timeline_looks_at_its_own_day_only(connection: Any) -> None:
    one, message, at = await connection.fetchrow(
        "SELECT id, message_id, accepted_at FROM recipients LIMIT 1"
    )
    statement = timeline_recipients(message, moment(at), Scope())
    costs = [await cost_of(connection, *statement)]
    costs.append(await cost_of(connection, TIMELINE_ATTEMPTS, ([one], one, one)))
    costs.append(await cost_of(connection, TIMELINE_EVENTS, (message,)))
    costs.append(await cost_of(connection, ROWS, ([one], one, one, message, message)))
    for cost in costs:
        assert days_of(cost.read) == {f"{moment(at):%Y%m%d}"}
        assert not cost.nodes & {"Seq Scan", "Bitmap Heap Scan"}
        assert cost.rows <= 6


# --- the look as a whole -----------------------------------------------------------------------


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connections]:
    connections = Connections(url)
    try:
        yield connections
    finally:
        await connections.close()


async def test_a_long_search_holds_few_locks_at_a_time(url: str) -> None:
    held = []
    async with (
        connected(url) as connections,
        looking(connections.lane(1), timedelta(minutes=1)) as look,
    ):
        for window in windows(EVERY_TABLE, BEGIN, END, newest_first=True):
            reader = await look.turn()
            statement = page_of_ids(window, select(window, Scope(), DIALECT), PAGE)
            assert await reader.rows(statement.sql, *statement.parameters) == []
            row = await reader.row("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()")
            assert row is not None
            held.append(row[0])
    assert len(held) == 5
    longest = 8
    assert max(held) < longest * 20 < DAYS * 14


async def test_a_look_goes_on_behind_a_part_that_was_given_up(url: str) -> None:
    async with connected(url) as connections:
        lane = connections.lane(1)
        async with looking(lane, timedelta(minutes=1)) as look:
            for seconds in (0.05, 0):
                with pytest.raises(Unfinished):
                    async with look.at_most(seconds):
                        await (await look.turn()).rows("SELECT pg_sleep(60)")
                assert len(await look.reader.rows("SELECT 1")) == 1
            assert look.left > 30
        with pytest.raises(StoreUnavailable, match=r"given up after 0\.05 seconds"):
            async with looking(lane, timedelta(milliseconds=50)) as look, look.at_most(60):
                await (await look.turn()).rows("SELECT pg_sleep(60)")


async def test_a_search_is_given_up_in_words(url: str) -> None:
    async with connected(url) as connections:
        lane = connections.lane(1)
        with pytest.raises(StoreUnavailable, match=r"given up after 0\.05 seconds"):
            async with looking(lane, timedelta(milliseconds=50)) as look:
                await (await look.turn()).rows("SELECT pg_sleep(60)")
        with pytest.raises(StoreUnavailable, match="given up after 0 seconds"):
            async with looking(lane, timedelta(0)) as look:
                await look.turn()
        async with looking(lane, timedelta(hours=1)) as look:
            row = await (await look.turn()).row(_STATEMENT_TIMEOUT)
            assert row is not None
            # The server gives up by itself, also when nobody is left to tell it to.
            assert timedelta(minutes=59) < timedelta(milliseconds=row[0]) <= timedelta(hours=1)


_STATEMENT_TIMEOUT = "SELECT setting::integer FROM pg_settings WHERE name = 'statement_timeout'"


async def test_a_look_cannot_write(url: str) -> None:
    async with connected(url) as connections:
        with pytest.raises(StoreUnavailable, match="read-only"):
            async with looking(connections.lane(1), timedelta(minutes=1)) as look:
                await (await look.turn()).execute("DELETE FROM queue")
