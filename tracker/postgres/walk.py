"""A walk along an index, a few days at a time, comparing each row."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta

from msgspec.structs import replace

from tracker.model import RecipientId, Scope, Status, is_id, time_of
from tracker.postgres.connections import Transaction
from tracker.postgres.look import Look
from tracker.postgres.query import DIALECT, capped_counts, page_of_ids
from tracker.postgres.windows import windows
from tracker.search import Field, Query
from tracker.sql.conditions import Statement
from tracker.sql.ranges import Bounds
from tracker.sql.rows import Columns
from tracker.sql.selection import select
from tracker.sql.values import day_of, day_start, first_id, moment, stamp

_TICK = timedelta(microseconds=1)

Fetch = Callable[[Transaction, Statement], Awaitable[Sequence[Columns]]]
"""Returns rows for what a statement finds, each with the id of the recipient in front."""


class Found:
    """What a search has found, which goes on to be so when its time is over."""

    def __init__(self, bounds: Bounds, limit: int) -> None:
        self.rows = list[Columns]()
        self.at = bounds.before if bounds.newest_first else bounds.after
        """Where it is looking."""
        self._limit = limit
        self._newest_first = bounds.newest_first

    @property
    def missing(self) -> int:
        """How many rows are still wanted."""
        return self._limit - len(self.rows)

    @property
    def is_full(self) -> bool:
        """True when no more are wanted."""
        return self.missing <= 0

    def rest_of(self, bounds: Bounds) -> Bounds:
        """Return what of bounds has not been looked at."""
        if bounds.newest_first:
            return bounds._replace(before=self.looked_until)
        return bounds._replace(after=self.looked_until)

    @property
    def looked_until(self) -> RecipientId | None:
        """The id up to which everything has been found."""
        if self.at is None or not self.rows:
            return self.at
        last = RecipientId(self.rows[-1][0])
        return min(self.at, last) if self._newest_first else max(self.at, last)


class Walk:
    """The walks of one search."""

    def __init__(self, look: Look, query: Query, scope: Scope) -> None:
        self.look = look
        self.scope = scope
        self.query = query
        self.selection = select(query, scope, DIALECT)

    @property
    def is_of_everything(self) -> bool:
        """True when it is along all mail."""
        return self.scope == Scope() and Status.DELIVERED in self.selection.statuses

    async def begin(self, bounds: Bounds, found: Found) -> None:
        """Note where a search begins: so far it has got when its time is over at once."""
        for window in await self._windows(bounds):
            found.at = _edge(window, bounds)
            break

    async def page(self, bounds: Bounds, found: Found, fetch: Fetch) -> None:
        """Find the rows between bounds that are wanted."""
        before, after, newest_first = bounds
        for window in await self._windows(bounds):
            if found.is_full:
                break
            found.at = _edge(window, bounds)
            wanted = page_of_ids(
                window,
                select(window, self.scope, DIALECT),
                found.missing,
                before=before,
                after=after,
                newest_first=newest_first,
            )
            found.rows += await fetch(await self.look.turn(), wanted)

    async def count(
        self, counts: dict[Status, int], cap: int, *, after: RecipientId | None = None
    ) -> None:
        """Count how many have each of the statuses in `counts`, up to `cap` + 1.

        Only those behind `after`.
        """
        for window in await self._windows(Bounds(None, after, newest_first=True)):
            caps = {each: cap + 1 - count for each, count in counts.items() if count <= cap}
            if not caps:
                break
            reader = await self.look.turn()
            selection = select(window, self.scope, DIALECT)
            sql, parameters = capped_counts(window, selection, caps, after=after)
            for status, count in await reader.rows(sql, *parameters):
                counts[Status(status)] += count

    async def _windows(self, bounds: Bounds) -> Iterable[Query]:
        """Return the parts of the query where there may be something, in the order of the walk."""
        row = await self.look.reader.row("SELECT min(day), max(day) FROM tallies")
        if row is None or row[0] is None:
            return ()
        first, last = row
        if (day := _day_of_id(bounds.before)) is not None:
            last = min(last, day)
        if (day := _day_of_id(bounds.after)) is not None:
            first = max(first, day)
        begin, end = day_start(first), day_start(last + 1)
        return windows(self.query, begin, end, newest_first=bounds.newest_first)


def _edge(window: Query, bounds: Bounds) -> RecipientId | None:
    """Return the id at which a look at `window`, within bounds, begins."""
    begin = window.until if bounds.newest_first else window.since
    if begin is None:
        return bounds.before if bounds.newest_first else bounds.after
    return bounds.clamp(first_id(begin))


async def narrowed(reader: Transaction, query: Query) -> Query | None:
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
