"""How a page and its counts are found: which way is gone is decided here, not by SQLite.

*Walking* is quick where there is little to walk along, and where much of it matches. Where neither
is known to be so, the *index of the text* says in which blocks of recipients to look; what it does
not have yet is walked along.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from tracker.model import RecipientId, Status
from tracker.sqlite.query import counts_among, ids_among
from tracker.sqlite.readers import OutOfTime
from tracker.sqlite.text.candidates import Candidates, Range
from tracker.sqlite.walk import Bounds, Found, Walk


class Effort(NamedTuple):
    """How much a search may take, and when it is worth while to ask the index of the text."""

    patience: float = 5.0
    patience_of_counts: float = 2.0
    """Seconds that a page, or counting, may take; then what was found until then is told."""
    short_walk: int = 4_000
    """Recipients that are walked along in less time than it takes to look anything up."""
    few_blocks: int = 500
    """Blocks that are looked through in less time than a longer walk may take."""


_FIRST_BLOCKS = 8
_MOST_BLOCKS = 512
"""How many blocks are compared at once: from few, for most pages are full soon, to many."""

_BEHIND_ALL = "~"


async def find_page(
    walk: Walk, candidates: Candidates | None, bounds: Bounds, limit: int, effort: Effort
) -> Found:
    """Return the first ids of a search."""
    if candidates is None or await walk.is_short(effort.short_walk):
        return await walk.page(bounds, limit)
    by_text = _ByText(walk, candidates, effort)
    await by_text.begin()
    if not walk.is_of_everything and not await by_text.has_few():
        return await walk.page(bounds, limit)
    return await by_text.page(bounds, limit)


async def find_counts(
    walk: Walk, candidates: Candidates | None, cap: int, effort: Effort
) -> tuple[dict[Status, int], frozenset[Status]]:
    """Return how many have each status, up to `cap` + 1, and of which there may be more."""
    statuses = walk.selection.statuses
    if candidates is not None and not await walk.is_short(effort.short_walk):
        by_text = _ByText(walk, candidates, effort)
        await by_text.begin()
        try:
            if await by_text.has_few() and not await by_text.is_behind():
                counts = await by_text.counts()
                return {each: min(counts.get(each, 0), cap + 1) for each in statuses}, frozenset()
        except OutOfTime:
            pass
    found = {each: await walk.count(each, cap) for each in sorted(statuses)}
    cut = frozenset(each for each, (_, is_all) in found.items() if not is_all)
    return {each: count for each, (count, _) in found.items()}, cut


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
            "SELECT DISTINCT recipient_id FROM attempts WHERE rowid > ? AND recipient_id <= ?",
            (seen, self._last),
            until=self._walk.until,
        )
        self._unread = [(row[0], row[0]) for row in rows]

    async def has_few(self) -> bool:
        """Say whether there are few blocks to look through."""
        return len(await self._some(self._effort.few_blocks)) <= self._effort.few_blocks

    async def is_behind(self) -> bool:
        """Say whether much is not indexed yet."""
        rows = await self._walk.reader.rows(
            "SELECT count(*) FROM (SELECT 1 FROM recipients WHERE id > ? LIMIT ?)",
            (self._last, self._effort.short_walk),
        )
        return int(rows[0][0]) >= self._effort.short_walk

    async def _some(self, most: int) -> list[Range]:
        """Return the blocks to look through, no more than a few beyond `most`."""
        ranges = list[Range]()
        for n, *_ in reversed(await self._candidates.parts("", _BEHIND_ALL)):
            ranges += await self._candidates.blocks(n, "", _BEHIND_ALL)
            if len(ranges) > most:
                break
        return ranges

    async def counts(self) -> dict[Status, int]:
        """Count all that match, of each status. Raises OutOfTime."""
        ranges = await self._some(self._effort.few_blocks)
        others = [each for each in self._unread if not any(a <= each[0] <= b for a, b in ranges)]
        fresh = (_next(self._last), _BEHIND_ALL)
        statement = counts_among([*ranges, *others, fresh], self._walk.selection)
        rows = await self._walk.reader.rows(*statement, until=self._walk.until)
        return {Status(status): count for status, count in rows}

    async def page(self, bounds: Bounds, limit: int) -> Found:
        """Look into the blocks, and at everything behind the last one."""
        found = Found([])
        fresh = bounds.within(self._last, _BEHIND_ALL)
        old = bounds.within("", _next(self._last))
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
                    ranges, self._walk.selection, limit - len(ids), **bounds._asdict()
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
        low, high = bounds.after or "", bounds.before or _BEHIND_ALL
        size = _FIRST_BLOCKS
        parts = await self._candidates.parts(low, high)
        for n, first, last in reversed(parts) if bounds.newest_first else parts:
            ranges: list[Range] = [*await self._candidates.blocks(n, low, high)]
            ranges += [each for each in self._unread if first <= each[0] <= last]
            ranges.sort(reverse=bounds.newest_first)
            while ranges:
                yield ranges[:size]
                ranges, size = ranges[size:], min(size * 2, _MOST_BLOCKS)


def _next(identifier: str) -> str:
    """Return what is above `identifier` and below every other id that is."""
    return identifier + "0"
