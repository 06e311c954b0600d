"""Walking along an index, comparing each row: in one go, or in steps that can end any time.

A search has only so much time. What was looked at by then is what is told, and from where on it
has not been.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple

from tracker.model import RecipientId, Scope, Status, is_id, time_of
from tracker.search import Field, Query
from tracker.sql.conditions import conjunction
from tracker.sql.ranges import BEHIND_ALL, Bounds
from tracker.sql.selection import Selection, accepted_within, select
from tracker.sql.values import first_id
from tracker.sqlite.query import DIALECT, capped_count, page_of_ids, size_of_walk
from tracker.sqlite.readers import OutOfTime, Reader

_AT_ONCE = 0.25
"""Seconds that a walk may take in one go, before it is made in steps."""

_FIRST_STEP = timedelta(hours=1)
_STEP_MAY_TAKE = 0.2
"""Seconds; the next step is twice as long when it takes less."""

_WHICH_WALK = frozenset({Field.STATUS})
"""What says along which index a walk goes, beside the scope."""

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Found(NamedTuple):
    """Ids in the order of the walk; `looked_until` is where it was cut, and can go on."""

    ids: list[str]
    looked_until: RecipientId | None = None


class Walk:
    """The walks of one search in one snapshot of the ledger."""

    def __init__(self, reader: Reader, query: Query, scope: Scope, until: float) -> None:
        """`until` is when its time is over, in seconds of the monotonic clock."""
        self.reader = reader
        self.until = until
        self.selection = select(query, scope, DIALECT)
        self.among = _without_ids(query, scope)
        """The same without a range of ids."""
        self.span = _span_of(query)
        """Which ids lie in the query's range of time."""
        self._query = query
        self._scope = scope

    @property
    def is_of_everything(self) -> bool:
        """True when it is along all mail."""
        return self._scope == Scope() and Status.DELIVERED in self.selection.statuses

    async def is_short(self, most: int) -> bool:
        """Say whether it is along `most` recipients at most, whatever the terms are."""
        terms = tuple(term for term in self._query.terms if term.field in _WHICH_WALK)
        alone = Query(terms=terms, since=self._query.since, until=self._query.until)
        wanted = select(alone, self._scope, DIALECT)._replace(statuses=self.selection.statuses)
        row = await self.reader.row(*size_of_walk(wanted, most))
        return row is not None and row[0] <= most

    async def page(self, bounds: Bounds, limit: int) -> Found:
        """Return the first ids of the walk."""
        try:
            return Found(await self._page(bounds, limit, _at_once(self.until)))
        except OutOfTime:
            return await self._page_in_steps(bounds, limit)

    async def count(self, status: Status, cap: int, until: float) -> tuple[int, bool]:
        """Return how many have `status`, up to `cap` + 1, and whether these are all up to there.

        It ends at `until`, in seconds of the monotonic clock.
        """
        everything = Bounds(None, None, newest_first=True)
        try:
            return await self._count(status, cap, everything, _at_once(until)), True
        except OutOfTime:
            pass
        found = 0
        try:
            async for part, _ in self._steps(everything):
                found += await self._count(status, cap - found, part, until)
                if found > cap:
                    break
        except OutOfTime:
            return found, False
        return found, True

    async def _page(self, bounds: Bounds, limit: int, until: float) -> list[str]:
        statement = page_of_ids(self.selection, limit, **bounds._asdict())
        return [row[0] for row in await self.reader.rows(*statement, until=until)]

    async def _count(self, status: Status, cap: int, bounds: Bounds, until: float) -> int:
        before, after, _ = bounds
        statement = capped_count(self.selection, status, cap, before=before, after=after)
        rows = await self.reader.rows(*statement, until=until)
        return int(rows[0][0])

    async def _page_in_steps(self, bounds: Bounds, limit: int) -> Found:
        ids = list[str]()
        async for part, begin in self._steps(bounds):
            try:
                ids += await self._page(part, limit - len(ids), self.until)
            except OutOfTime:
                return Found(ids, begin)
            if len(ids) >= limit:
                break
        return Found(ids)

    async def _steps(self, bounds: Bounds) -> AsyncIterator[tuple[Bounds, RecipientId]]:
        """Yield parts of it, an hour and then as much more as can be done in a moment."""
        low, high = await self._span(bounds)
        at, step = (high if bounds.newest_first else low), _FIRST_STEP
        while low < high:
            other = max(at - step, low) if bounds.newest_first else min(at + step, high)
            begin, end = sorted((at, other))
            began = monotonic()
            yield bounds.within(first_id(begin), first_id(end)), bounds.clamp(first_id(at))
            if other in (low, high):
                return
            at = other
            if monotonic() - began < _STEP_MAY_TAKE:
                step *= 2

    async def _span(self, bounds: Bounds) -> tuple[datetime, datetime]:
        """Return from when until when there can be anything."""
        row = await self.reader.row(_ENDS)
        oldest, newest = row or (None, None)
        low = max(_time(oldest, _NEVER), _time(bounds.after, _EVER), self._query.since or _EVER)
        high = min(_time(newest, _EVER), _time(bounds.before, _NEVER), self._query.until or _NEVER)
        return low, min(high + 2 * _MILLISECOND, _NEVER)


_ENDS = "SELECT (SELECT min(id) FROM recipients), (SELECT max(id) FROM recipients)"
"""Each from its end of the key; asked for both at once, SQLite reads everything."""


def _at_once(until: float) -> float:
    """Return when to give up what is done in one go, of what has to end at `until`.

    The time is lost, so it is no more than a third of what there is.
    """
    now = monotonic()
    return now + min(_AT_ONCE, (until - now) / 3)


def _without_ids(query: Query, scope: Scope) -> Selection:
    selection = select(Query(terms=query.terms), scope, DIALECT)
    within = conjunction((selection.condition, *accepted_within(query.since, query.until)))
    return selection._replace(condition=within)


def _span_of(query: Query) -> tuple[str, str]:
    low = "" if query.since is None else first_id(max(query.since, _EVER))
    high = BEHIND_ALL if query.until is None else first_id(max(query.until, _EVER))
    return low, high


def _time(identifier: str | None, otherwise: datetime) -> datetime:
    """Return when an id was made; of what is none of ours nobody knows."""
    return time_of(identifier) if identifier is not None and is_id(identifier) else otherwise
