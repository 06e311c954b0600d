"""The verbs that look (see `tracker.store.Store`). None of them writes."""

from collections.abc import Sequence
from datetime import datetime

from tracker.model import MessageId, RecipientId, Scope, Status
from tracker.postgres.connections import Transaction
from tracker.postgres.find import Tally, find_counts, find_page
from tracker.postgres.look import Look, OutOfTime, looking
from tracker.postgres.part import Part, Shared
from tracker.postgres.query import DIALECT, SETTINGS
from tracker.postgres.shown import (
    BALANCE,
    DESTINATION,
    MESSAGE,
    ROWS,
    TIMELINE_ATTEMPTS,
    TIMELINE_EVENTS,
    destinations_in,
    timeline_recipients,
)
from tracker.postgres.walk import Fetch, Found, Walk, narrowed
from tracker.search import Query
from tracker.sql.conditions import Statement
from tracker.sql.ranges import Bounds
from tracker.sql.rows import Columns, read_message
from tracker.sql.selection import select
from tracker.sql.shown import (
    is_newest_first,
    make_id_page,
    make_page,
    make_timeline,
    read_balance,
    read_destination,
)
from tracker.sql.values import day_of, day_start, first_id, stamp, well_formed
from tracker.views import Balance, Counts, DestinationState, IdPage, Page, Patience, Timeline

_SEARCHERS = 4
"""Connections for what may last: nobody else has to wait for a search."""


class Looking(Part):
    """Search, timeline, destinations, balance."""

    search_patience = Patience()

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._effort = shared.effort
        self._searchers = shared.connections.lane(_SEARCHERS)

    async def search(
        self,
        query: Query,
        scope: Scope,
        *,
        limit: int,
        before: RecipientId | None = None,
        after: RecipientId | None = None,
    ) -> Page:
        bounds = Bounds(before, after, is_newest_first(before, after))
        found, looked_until = await self._find(query, scope, bounds, limit + 1, _rows)
        rows = found[:limit] if bounds.newest_first else found[limit - 1 :: -1]
        is_more = len(found) > limit
        return make_page(
            rows, is_more=is_more, before=before, after=after, looked_until=looked_until
        )

    async def search_ids(
        self, query: Query, scope: Scope, *, limit: int, before: RecipientId | None = None
    ) -> IdPage:
        bounds = Bounds(before, None, newest_first=True)
        found, looked_until = await self._find(query, scope, bounds, limit + 1, _ids)
        ids = [row[0] for row in found[:limit]]
        return make_id_page(ids, is_more=len(found) > limit, looked_until=looked_until)

    async def _find(
        self, query: Query, scope: Scope, bounds: Bounds, limit: int, fetch: Fetch
    ) -> tuple[list[Columns], RecipientId | None]:
        """Return the first rows of a search in the order of the walk, and where it was cut."""
        found = Found(bounds, limit)
        try:
            async with looking(self._searchers, self.search_patience.search) as look:
                walk = await _walk_for(look, query, scope)
                if walk is not None:
                    await walk.begin(bounds, found)
                    await find_page(walk, bounds, found, fetch, self._effort)
        except OutOfTime:
            return found.rows, found.looked_until
        return found.rows, None

    async def summarize(self, query: Query, scope: Scope, *, cap: int = 1000) -> Counts:
        statuses = select(query, scope, DIALECT).statuses
        counts = Counts(dict.fromkeys(Status, 0))
        tally = Tally(statuses, cap)
        try:
            async with looking(self._searchers, self.search_patience.counts) as look:
                walk = await _walk_for(look, query, scope)
                if walk is None:
                    return counts
                await find_counts(walk, tally, self._effort)
        except OutOfTime:
            pass
        counts.update(tally.counts)
        counts.cut = tally.cut
        return counts

    async def timeline(self, message_id: MessageId, scope: Scope) -> Timeline | None:
        identifier = MessageId(well_formed(message_id))
        async with self._connections.reading() as reader:
            await reader.execute(SETTINGS)
            message = await reader.row(MESSAGE, identifier)
            if message is None:
                return None
            accepted_at = read_message(message).accepted_at
            sql, parameters = timeline_recipients(identifier, accepted_at, scope)
            recipients = await reader.rows(sql, *parameters)
            if not recipients:
                return None
            ids = [row[0] for row in recipients]
            attempts = await reader.rows(TIMELINE_ATTEMPTS, ids, ids[0], ids[-1])
            events = await reader.rows(TIMELINE_EVENTS, identifier)
        return make_timeline(message, recipients, attempts, events)

    async def destinations(self, scope: Scope, limit: int) -> Sequence[DestinationState]:
        sql, parameters = destinations_in(scope, limit)
        return [read_destination(row) for row in await self._connections.rows(sql, *parameters)]

    async def destination(self, destination: str) -> DestinationState | None:
        (row,) = await self._connections.rows(DESTINATION, well_formed(destination))
        if row[1] == 0 and row[2] is None:
            return None
        return read_destination(row)

    async def balance(self, since: datetime) -> Sequence[Balance]:
        day = max(0, day_of(stamp(since)))
        rows = await self._connections.rows(BALANCE, day, first_id(day_start(day)))
        return [read_balance(row) for row in rows]


async def _walk_for(look: Look, query: Query, scope: Scope) -> Walk | None:
    """Return how a query is walked for; None when it asks for an id that is not on record."""
    within = await narrowed(look.reader, query)
    return None if within is None else Walk(look, within, scope)


async def _ids(reader: Transaction, wanted: Statement) -> Sequence[Columns]:
    """Return the ids of recipients, with those of their messages, in the order of the walk."""
    return await reader.rows(wanted.sql, *wanted.parameters)


async def _rows(reader: Transaction, wanted: Statement) -> Sequence[Columns]:
    """Return the rows of recipients in the order of the walk; `wanted` finds their ids."""
    found = await _ids(reader, wanted)
    if not found:
        return []
    ids, messages = zip(*found, strict=True)
    rows = await reader.rows(ROWS, ids, min(ids), max(ids), min(messages), max(messages))
    by_id = {row[0]: row for row in rows}
    return [by_id[identifier] for identifier in ids]
