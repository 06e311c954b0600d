"""How a page and its counts are found: which way is gone is decided here, not by the planner.

*Walking* is quick where there is little to walk along, and where much of it matches. Where that is
not so, the *index of the text* says in which blocks of recipients to look; what it does not have
yet is walked along.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from tracker.model import RecipientId, Status
from tracker.postgres.look import Unfinished
from tracker.postgres.query import DIALECT, counts_among, ids_among
from tracker.postgres.text.candidates import Candidates, find_candidates
from tracker.postgres.walk import Fetch, Found, Walk
from tracker.search import Query
from tracker.sql.aged import milliseconds
from tracker.sql.needles import needles_of
from tracker.sql.ranges import BEHIND_ALL, Bounds, Range, above
from tracker.sql.selection import select
from tracker.sql.values import first_id


class Effort(NamedTuple):
    """When it is worth while to ask the index of the text."""

    short_walk: float = 0.2
    """Seconds for which a walk that may be short is tried first."""
    few_blocks: int = 500
    """Blocks that are looked through in less time than a longer walk may take."""


_DAYS: Final = 8
"""No look has more days than these, each of which has partitions that are locked meanwhile."""

_DAY: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Tally:
    """How many have each of some statuses, as far as is known: up to `cap` + 1."""

    def __init__(self, statuses: frozenset[Status], cap: int) -> None:
        self.counts = dict.fromkeys(statuses, 0)
        self.cap = cap
        self._unknown = set(statuses)

    @property
    def cut(self) -> frozenset[Status]:
        """Those that there may be more of."""
        return frozenset(each for each in self._unknown if self.counts[each] <= self.cap)

    def note(self, counts: dict[Status, int], *, are_all: bool = True) -> None:
        """Note that there are so many, or at least so many."""
        self.counts |= counts
        if are_all:
            self._unknown -= set(counts)


async def find_page(walk: Walk, bounds: Bounds, found: Found, fetch: Fetch, effort: Effort) -> None:
    """Find the rows of a page. Raises OutOfTime, with what was found by then in `found`."""
    needles = needles_of(walk.query)
    if needles and not walk.is_of_everything:
        try:
            async with walk.look.at_most(effort.short_walk):
                return await walk.page(bounds, found, fetch)
        except Unfinished:
            bounds = found.rest_of(bounds)
    candidates = await _candidates(walk, needles, effort, bounds)
    if candidates is None:
        return await walk.page(bounds, found, fetch)
    indexed = bounds.within("", above(candidates.last))
    fresh = bounds.within(candidates.last, BEHIND_ALL)
    for part in (fresh, indexed) if bounds.newest_first else (indexed, fresh):
        if found.is_full:
            break
        if part is fresh:
            await walk.page(fresh, found, fetch)
        else:
            await _look_into(walk, candidates, indexed, found, fetch)
    return None


async def find_counts(walk: Walk, tally: Tally, effort: Effort) -> None:
    """Count. Raises OutOfTime, with what was counted by then in `tally`."""
    needles = needles_of(walk.query)
    if needles and not walk.is_of_everything:
        try:
            async with walk.look.at_most(effort.short_walk):
                return await _count_along(walk, tally, set(tally.counts))
        except Unfinished:
            pass
    everything = Bounds(None, None, newest_first=True)
    candidates = await _candidates(walk, needles, effort, everything)
    if candidates is None:
        return await _count_along(walk, tally, set(tally.counts))
    if await _has_few(walk, candidates, everything, effort):
        return await _count_in(walk, tally, candidates, set(tally.counts))
    # Each of the others has an index of its own; what is delivered is a walk along everything.
    try:
        async with walk.look.at_most(walk.look.left / 2):
            await _count_in(walk, tally, candidates, {Status.DELIVERED})
    except Unfinished:
        pass
    return await _count_along(walk, tally, set(tally.counts) - {Status.DELIVERED})


async def _candidates(
    walk: Walk, needles: Sequence[str], effort: Effort, bounds: Bounds
) -> Candidates | None:
    """Return where to look; None when it is as well to walk."""
    if not needles:
        return None
    found = await find_candidates(walk.look, needles, *_span(walk.query, bounds))
    if found is None or walk.is_of_everything:
        return found
    return found if await _has_few(walk, found, bounds, effort) else None


async def _has_few(walk: Walk, candidates: Candidates, bounds: Bounds, effort: Effort) -> bool:
    return await candidates.has_few(effort.few_blocks, *_span(walk.query, bounds))


# --- what is indexed ------------------------------------------------------------------------------


async def _look_into(
    walk: Walk, candidates: Candidates, bounds: Bounds, found: Found, fetch: Fetch
) -> None:
    async for window, ranges in _portions(walk, candidates, bounds):
        selection = select(window, walk.scope, DIALECT)
        wanted = ids_among(ranges, window, selection, found.missing, bounds)
        found.rows += await fetch(await walk.look.turn(), wanted)
        if found.is_full:
            break
        found.at = bounds.clamp(ranges[-1][0] if bounds.newest_first else ranges[-1][1])


async def _count_in(
    walk: Walk, tally: Tally, candidates: Candidates, statuses: set[Status]
) -> None:
    counts = dict.fromkeys(statuses, 0)
    are_all = False
    try:
        await walk.count(counts, tally.cap, after=RecipientId(candidates.last))
        bounds = Bounds(None, None, newest_first=True).within("", above(candidates.last))
        async for window, ranges in _portions(walk, candidates, bounds):
            if all(count > tally.cap for count in counts.values()):
                break
            statement = counts_among(ranges, window, select(window, walk.scope, DIALECT))
            reader = await walk.look.turn()
            for status, count in await reader.rows(statement.sql, *statement.parameters):
                if status in counts:
                    counts[Status(status)] += count
        are_all = True
    finally:
        tally.note(counts, are_all=are_all)


async def _portions(
    walk: Walk, candidates: Candidates, bounds: Bounds
) -> AsyncIterator[tuple[Query, Sequence[Range]]]:
    """Yield ranges to look into, in the order of the walk, and the query for their days."""
    low, high = _span(walk.query, bounds)
    async for ranges in candidates.portions(low, high, newest_first=bounds.newest_first):
        for some in _by_days(ranges):
            days = [_day_of(end) for each in some for end in each]
            begin, end = _start_of(min(days)), _start_of(max(days) + 1)
            since, until = walk.query.since, walk.query.until
            yield (
                replace(
                    walk.query,
                    since=begin if since is None else max(since, begin),
                    until=end if until is None else min(until, end),
                ),
                some,
            )


def _by_days(ranges: Sequence[Range]) -> Iterator[Sequence[Range]]:
    """Yield ranges in their order, each time of a few days only."""
    some = list[Range]()
    for each in ranges:
        days = [_day_of(end) for ends in (*some[:1], each) for end in ends]
        if some and max(days) - min(days) >= _DAYS:
            yield some
            some = []
        some.append(each)
    yield some


def _day_of(identifier: str) -> int:
    return milliseconds(identifier) // _DAY


def _start_of(day: int) -> datetime:
    return _EPOCH + timedelta(days=day)


def _span(query: Query, bounds: Bounds) -> Range:
    """Return the lowest id that may be wanted, and one above the highest."""
    low, high = bounds.ends
    if query.since is not None:
        low = max(low, first_id(max(query.since, _EPOCH)))
    if query.until is not None:
        high = min(high, first_id(max(query.until, _EPOCH) + timedelta(milliseconds=1)))
    return low, high


# --- what is walked along -------------------------------------------------------------------------


async def _count_along(walk: Walk, tally: Tally, statuses: set[Status]) -> None:
    counts = dict.fromkeys(statuses, 0)
    are_all = False
    try:
        await walk.count(counts, tally.cap)
        are_all = True
    finally:
        tally.note(counts, are_all=are_all)
