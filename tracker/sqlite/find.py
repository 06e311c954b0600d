"""How a page and its counts are found: which way is gone is decided here, not by SQLite.

*Walking* is quick where there is little to walk along, and where much of it matches. Where neither
is known to be so, the *index of the text* says in which blocks of recipients to look; what it does
not have yet is walked along.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

from tracker.model import RecipientId, Status
from tracker.sql.ranges import BEHIND_ALL, Bounds, Range, above, apart, clipped
from tracker.sqlite.query import counts_among, ids_among
from tracker.sqlite.readers import OutOfTime
from tracker.sqlite.text.candidates import Candidates
from tracker.sqlite.walk import Found, Walk


class Effort(NamedTuple):
    """When it is worth while to ask the index of the text."""

    short_walk: int = 4_000
    """Recipients that are walked along in less time than it takes to look anything up."""
    few_blocks: int = 500
    """Blocks that are looked through in less time than a longer walk may take."""
    slice: int = 4_000
    """Recipients behind the last block that are counted at once."""


_FIRST_BLOCKS = 8
_MOST_BLOCKS = 512
"""How many blocks are compared at once: from few, for most pages are full soon, to many."""

_FEWEST_FIRST = (
    Status.HELD,
    Status.QUEUED,
    Status.DEFERRED,
    Status.CANCELLED,
    Status.EXPIRED,
    Status.BOUNCED,
    Status.DELIVERED,
)
"""As it is on most records: what few of them need of their time is left for the many."""


async def find_page(
    walk: Walk, candidates: Candidates | None, bounds: Bounds, limit: int, effort: Effort
) -> Found:
    """Return the first ids of a search."""
    if candidates is None or await walk.is_short(effort.short_walk):
        return await walk.page(bounds, limit)
    by_text = _ByText(walk, candidates, effort)
    with suppress(OutOfTime):
        await by_text.begin()
        if walk.is_of_everything or await by_text.has_few():
            return await by_text.page(bounds, limit)
    return await walk.page(bounds, limit)


async def find_counts(
    walk: Walk, candidates: Candidates | None, cap: int, effort: Effort
) -> tuple[dict[Status, int], frozenset[Status]]:
    """Return how many have each status, up to `cap` + 1, and of which there may be more."""
    tally = _Tally(walk.selection.statuses, cap)
    by_text = None
    if candidates is not None and not await walk.is_short(effort.short_walk):
        by_text = _ByText(walk, candidates, effort)
        with suppress(OutOfTime):
            await by_text.begin()
            if await by_text.has_few():
                await by_text.count(tally)
    # Each of the others has an index of its own; what is delivered is a walk along everything.
    while missing := sorted(tally.missing, key=_FEWEST_FIRST.index):
        if by_text is not None and missing == [Status.DELIVERED] and walk.is_of_everything:
            await by_text.count(tally)
        else:
            now = monotonic()
            share = now + (walk.until - now) / len(missing)
            tally.note(missing[0], *await walk.count(missing[0], cap, share))
    return tally.counts, tally.cut


class _Tally:
    """How many have each of some statuses, as far as is known: up to `cap` + 1."""

    def __init__(self, statuses: frozenset[Status], cap: int) -> None:
        self.counts = dict.fromkeys(statuses, 0)
        self.missing = set(statuses)
        """Those that nobody has tried to count yet."""
        self.cut = frozenset(statuses)
        """Those that there may be more of."""
        self._most = cap + 1

    def is_enough(self, status: Status, count: int) -> bool:
        """Say whether `count` is as many as anybody wants to know of."""
        return count >= self._most or self.counts[status] >= self._most

    def note(self, status: Status, count: int, is_all: bool) -> None:
        """Note that there are so many at least; with `is_all`, that there are no more."""
        known = max(self.counts[status], min(count, self._most))
        self.counts[status] = known
        self.missing.discard(status)
        if is_all or known == self._most:
            self.cut -= {status}


class _ByText:
    """A search that asks the index of the text."""

    def __init__(self, walk: Walk, candidates: Candidates, effort: Effort) -> None:
        self._walk = walk
        self._effort = effort
        self._candidates = candidates
        self._last = ""
        """The last recipient whose block is in the index."""
        self._unread: list[Range] = []
        """Whoever is indexed, but not what was attempted since."""

    async def begin(self) -> None:
        seen, self._last = await self._candidates.state()
        rows = await self._walk.reader.rows(
            "SELECT recipient_id FROM attempts NOT INDEXED WHERE rowid > ? AND recipient_id <= ?",
            (seen, self._last),
            until=self._walk.until,
        )
        self._unread = [(each, each) for each in sorted({row[0] for row in rows})]

    async def has_few(self) -> bool:
        """Say whether there are few blocks to look through."""
        return len(await self._some(self._effort.few_blocks)) <= self._effort.few_blocks

    async def _some(self, most: int) -> list[Range]:
        """Return the blocks to look through, no more than a few beyond `most`."""
        ranges = list[Range]()
        for n, *_ in reversed(await self._candidates.parts(*self._walk.span)):
            ranges += await self._candidates.blocks(n, *self._walk.span)
            if len(ranges) > most:
                break
        return ranges

    async def count(self, tally: _Tally) -> None:
        """Count whatever has not been counted to its end, until there is enough of it."""
        found = dict.fromkeys(Status, 0)
        is_all = True
        try:
            async for ranges in self._everything():
                statement = counts_among(ranges, self._walk.among)
                rows = await self._walk.reader.rows(*statement, until=self._walk.until)
                for status, count in rows:
                    found[Status(status)] += count
                if all(tally.is_enough(each, found[each]) for each in tally.cut):
                    break
        except OutOfTime:
            is_all = False
        for status in tally.counts:
            tally.note(status, found[status], is_all)

    async def _everything(self) -> AsyncIterator[Sequence[Range]]:
        """Yield the blocks, then what is behind the last one, a slice at a time."""
        async for ranges in self._portions(Bounds(None, None, newest_first=True)):
            yield ranges
        low, high = self._walk.span
        at = max(low, above(self._last))
        while at < high:
            ends = await self._walk.reader.rows(
                "SELECT id FROM recipients WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?",
                (at, high, self._effort.slice - 1),
                until=self._walk.until,
            )
            end = ends[0][0] if ends else high
            yield [(at, end)]
            at = above(end)

    async def page(self, bounds: Bounds, limit: int) -> Found:
        """Look into the blocks, and at everything behind the last one."""
        found = Found([])
        fresh = bounds.within(self._last, BEHIND_ALL)
        old = bounds.within("", above(self._last))
        for part in (fresh, old) if bounds.newest_first else (old, fresh):
            missing = limit - len(found.ids)
            look = self._walk.page if part is fresh else self._look
            ids, looked_until = await look(part, missing)
            found = Found(found.ids + ids, looked_until)
            if len(found.ids) >= limit or looked_until is not None:
                break
        return found

    async def _look(self, bounds: Bounds, limit: int) -> Found:
        ids = dict[str, None]()
        newest_first = bounds.newest_first
        looked_until = bounds.before if newest_first else bounds.after
        try:
            async for ranges in self._portions(bounds):
                statement = ids_among(
                    ranges, self._walk.among, limit - len(ids), newest_first=newest_first
                )
                rows = await self._walk.reader.rows(*statement, until=self._walk.until)
                ids.update((row[0], None) for row in rows)
                if len(ids) >= limit:
                    break
                looked_until = RecipientId(ranges[-1][0] if newest_first else ranges[-1][1])
        except OutOfTime:
            return Found(list(ids), looked_until)
        return Found(list(ids))

    async def _portions(self, bounds: Bounds) -> AsyncIterator[Sequence[Range]]:
        """Yield blocks in the order of the walk, first a few, then more and more at a time."""
        low, high = bounds.within(*self._walk.span).ends
        size = _FIRST_BLOCKS
        parts = await self._candidates.parts(low, high)
        for n, first, last in reversed(parts) if bounds.newest_first else parts:
            ranges = await self._candidates.blocks(n, low, high)
            ranges += [each for each in self._unread if first <= each[0] <= last]
            ranges = apart(clipped(ranges, low, high))
            if bounds.newest_first:
                ranges.reverse()
            while ranges:
                yield ranges[:size]
                ranges, size = ranges[size:], min(size * 2, _MOST_BLOCKS)
