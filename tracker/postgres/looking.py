"""The verbs that look (see `tracker.store.Store`). None of them writes."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from tracker.model import MessageId, RecipientId, Scope, Status, is_id, time_of
from tracker.postgres.connections import Transaction
from tracker.postgres.look import OutOfTime, looking
from tracker.postgres.part import Part, Shared
from tracker.postgres.query import DIALECT, SETTINGS, capped_counts, page_of_ids
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
from tracker.postgres.windows import windows
from tracker.search import Field, Query
from tracker.sql.conditions import Statement
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
from tracker.sql.values import (
    day_of,
    day_start,
    first_id,
    moment,
    stamp,
    well_formed,
)
from tracker.views import Balance, Counts, DestinationState, IdPage, Page, Patience, Timeline

_SEARCHERS = 4
"""Connections for what may last: nobody else has to wait for a search."""

_TICK = timedelta(microseconds=1)

_Fetch = Callable[[Transaction, Statement], Awaitable[Sequence[Columns]]]
"""Returns rows for what a statement finds of one window."""


class Looking(Part):
    """Search, timeline, destinations, balance."""

    search_patience = Patience()

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
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
        rows, looked_until = await self._walk(query, scope, limit + 1, before, after, _rows)
        newest_first = is_newest_first(before, after)
        found = rows[:limit] if newest_first else rows[limit - 1 :: -1]
        is_more = len(rows) > limit
        return make_page(
            found, is_more=is_more, before=before, after=after, looked_until=looked_until
        )

    async def search_ids(
        self, query: Query, scope: Scope, *, limit: int, before: RecipientId | None = None
    ) -> IdPage:
        found, looked_until = await self._walk(query, scope, limit + 1, before, None, _ids)
        ids = [row[0] for row in found[:limit]]
        return make_id_page(ids, is_more=len(found) > limit, looked_until=looked_until)

    async def _walk(
        self,
        query: Query,
        scope: Scope,
        limit: int,
        before: RecipientId | None,
        after: RecipientId | None,
        fetch: _Fetch,
    ) -> tuple[list[Columns], RecipientId | None]:
        """Return the first rows of a search in the order of the walk, and where it was cut."""
        rows: list[Columns] = []
        newest_first = is_newest_first(before, after)
        at = before if newest_first else after
        try:
            async with looking(self._searchers, self.search_patience.search) as look:
                for window in await _windows(look.reader, query, before, after):
                    if len(rows) >= limit:
                        break
                    at = _edge(window, before, after, newest_first=newest_first)
                    wanted = page_of_ids(
                        window,
                        select(window, scope, DIALECT),
                        limit - len(rows),
                        before=before,
                        after=after,
                    )
                    rows += await fetch(await look.turn(), wanted)
        except OutOfTime:
            return rows, at
        return rows, None

    async def summarize(self, query: Query, scope: Scope, *, cap: int = 1000) -> Counts:
        statuses = select(query, scope, DIALECT).statuses
        counts = Counts(dict.fromkeys(Status, 0))
        try:
            async with looking(self._searchers, self.search_patience.counts) as look:
                for window in await _windows(look.reader, query):
                    caps = {
                        each: cap + 1 - counts[each] for each in statuses if counts[each] <= cap
                    }
                    if not caps:
                        break
                    reader = await look.turn()
                    selection = select(window, scope, DIALECT)
                    sql, parameters = capped_counts(window, selection, caps)
                    for status, count in await reader.rows(sql, *parameters):
                        counts[Status(status)] += count
        except OutOfTime:
            counts.cut = frozenset(each for each in statuses if counts[each] <= cap)
        return counts

    @property
    def indexes_text(self) -> bool:
        return False

    async def index_text(self, now: datetime) -> int:
        """Do nothing: there is no such index here."""
        return 0

    async def forget_text(self, recipients: Collection[RecipientId]) -> None:
        """Do nothing: there is no such index here."""

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


def _edge(
    window: Query, before: RecipientId | None, after: RecipientId | None, *, newest_first: bool
) -> RecipientId | None:
    """Return the id at which a look at `window`, within bounds, begins."""
    begin = window.until if newest_first else window.since
    if begin is None:
        return before if newest_first else after
    edge = RecipientId(first_id(begin))
    if newest_first:
        return edge if before is None else min(before, edge)
    return edge if after is None else max(after, edge)


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


async def _windows(
    reader: Transaction,
    query: Query,
    before: RecipientId | None = None,
    after: RecipientId | None = None,
) -> Iterable[Query]:
    """Return the parts of `query` where there may be something, in the order of the walk."""
    row = await reader.row("SELECT min(day), max(day) FROM tallies")
    narrowed = await _at_ids(reader, query)
    if row is None or row[0] is None or narrowed is None:
        return ()
    first, last = row
    if (day := _day_of_id(before)) is not None:
        last = min(last, day)
    if (day := _day_of_id(after)) is not None:
        first = max(first, day)
    return windows(
        narrowed,
        day_start(first),
        day_start(last + 1),
        newest_first=is_newest_first(before, after),
    )


async def _at_ids(reader: Transaction, query: Query) -> Query | None:
    """Narrow `query` to the moment when the ids it asks for were accepted; None: never."""
    for term in query.terms:
        identifier = term.value.upper()
        if term.field is not Field.ID or term.negated or not is_id(identifier):
            continue
        row = await reader.row(_ACCEPTED_AT, identifier)
        if row is None:
            return None
        at = moment(row[0])
        since, until = query.since or at, query.until or at + _TICK
        query = replace(query, since=max(at, since), until=min(at + _TICK, until))
    return query


_ACCEPTED_AT = """
SELECT accepted_at FROM recipients WHERE id = $1
UNION ALL SELECT accepted_at FROM messages WHERE id = $1
"""


def _day_of_id(identifier: RecipientId | None) -> int | None:
    """Return the day that an id carries, None where it names none in the calendar."""
    try:
        return None if identifier is None else day_of(stamp(time_of(identifier)))
    except (ValueError, OverflowError):
        return None
