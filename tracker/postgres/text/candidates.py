"""Where the index says that something may be: blocks of recipients, by age."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from tracker.postgres.look import Look
from tracker.postgres.text.folding import fold
from tracker.postgres.text.lists import blocks_in, decode
from tracker.postgres.text.unread import read_unread
from tracker.sql.ranges import Range, above, apart
from tracker.sql.trigrams import BLOCK, RAREST, SHORTEST, trigrams_of

_PARTS = "SELECT part, after, last FROM text_parts WHERE is_used ORDER BY last"

# In so few parts, for which trigrams are rare has to be known roughly.
FREQUENCIES = """
SELECT t.trigram, (
    SELECT coalesce(sum(octet_length(w.blocks)), 0) FROM text_words AS w
    WHERE w.part = ANY ($2::int[]) AND w.trigram = t.trigram
) + (
    SELECT coalesce(sum(octet_length(s.blocks)), 0) FROM text_segments AS s
    WHERE s.part = ANY ($2::int[]) AND s.trigram = t.trigram
) FROM unnest($1::text[]) AS t (trigram) ORDER BY 2, 1 LIMIT $3
"""
_SAMPLED = 2

LISTS = """
SELECT part, trigram, blocks FROM text_words
WHERE part = ANY ($1::int[]) AND trigram = ANY ($2::text[])
UNION ALL
SELECT part, trigram, blocks FROM text_segments
WHERE part = ANY ($1::int[]) AND trigram = ANY ($2::text[])
"""

ENDS = """
SELECT b.first, b.last FROM unnest($1::int[], $2::int[]) AS w (part, block)
JOIN text_blocks AS b ON b.part = w.part AND b.block = w.block
"""

_MOST_PARTS = 32
_FIRST_BLOCKS = 8
_MOST_BLOCKS = 512
"""How much is looked at in one go: from little, for most pages are full soon, to much."""


class _Part(NamedTuple):
    number: int
    after: str
    last: str


class Candidates:
    """The blocks that may have what is looked for."""

    def __init__(
        self, look: Look, parts: Sequence[_Part], trigrams: Sequence[str], unread: Sequence[str]
    ) -> None:
        self._look = look
        self.last = parts[-1].last
        """The last recipient that is indexed."""
        self._parts = parts
        self._trigrams = trigrams
        self._unread = unread
        self._found = dict[int, list[int]]()
        """The blocks of parts that were asked for, in order."""

    async def has_few(self, most: int, low: str, high: str) -> bool:
        """Say whether there are `most` blocks to look through between two ids, or fewer."""
        count = len(self._unread) // BLOCK
        async for parts in self._in_turns(self._within(low, high), newest_first=True):
            count += sum(len(self._found[part.number]) for part in parts)
            if count > most:
                return False
        return True

    async def portions(
        self, low: str, high: str, *, newest_first: bool
    ) -> AsyncIterator[Sequence[Range]]:
        """Yield ranges that reach between `low` and `high`, first a few, then more and more.

        Each time in the order of the walk; no two have a recipient in common.
        """
        unread = _InTurn([each for each in self._unread if low <= each < high], newest_first)
        size = _FIRST_BLOCKS
        async for parts in self._in_turns(self._within(low, high), newest_first=newest_first):
            blocks = [
                (part.number, n)
                for part in parts
                for n in self._found[part.number][:: -1 if newest_first else 1]
            ]
            while blocks:
                ranges = await self._ends(blocks[:size])
                edge = ranges[0][0] if newest_first else ranges[-1][1]
                ranges = [
                    each
                    for each in apart([*ranges, *unread.up_to(edge)])
                    if each[1] >= low and each[0] < high
                ]
                if ranges:
                    yield ranges[::-1] if newest_first else ranges
                blocks, size = blocks[size:], min(size * 2, _MOST_BLOCKS)
            left = unread.up_to(above(parts[-1].after) if newest_first else parts[-1].last)
            while left:
                yield left[:_MOST_BLOCKS]
                left = left[_MOST_BLOCKS:]

    def _within(self, low: str, high: str) -> Sequence[_Part]:
        return [part for part in self._parts if part.last >= low and part.after < high]

    async def _in_turns(
        self, parts: Sequence[_Part], *, newest_first: bool
    ) -> AsyncIterator[Sequence[_Part]]:
        """Yield parts in the order of the walk, a few at a time, when it is known where to look."""
        left = list(reversed(parts)) if newest_first else list(parts)
        size = 1
        while left:
            some, left = left[:size], left[size:]
            await self._find([each.number for each in some if each.number not in self._found])
            yield some
            size = min(size * 2, _MOST_PARTS)

    async def _find(self, parts: Sequence[int]) -> None:
        """Ask for the blocks of parts that have all trigrams."""
        if not parts:
            return
        lists = dict.fromkeys(((part, each) for part in parts for each in self._trigrams), 0)
        reader = await self._look.turn()
        for part, trigram, blocks in await reader.rows(LISTS, parts, self._trigrams):
            lists[part, trigram] |= decode(blocks)
        for part in parts:
            in_all = -1
            for each in self._trigrams:
                in_all &= lists[part, each]
            self._found[part] = blocks_in(in_all)

    async def _ends(self, blocks: Sequence[tuple[int, int]]) -> list[Range]:
        """Return the first and the last recipient of blocks, by their ids."""
        reader = await self._look.turn()
        rows = await reader.rows(ENDS, *zip(*blocks, strict=True))
        return sorted((first, last) for first, last in rows)


class _InTurn:
    """Recipients in the order of a walk, which are taken when it comes to them."""

    def __init__(self, recipients: Sequence[str], newest_first: bool) -> None:
        self._left = list(recipients if newest_first else reversed(recipients))
        self._newest_first = newest_first

    def up_to(self, edge: str) -> list[Range]:
        """Return those that come before `edge`, or are it."""
        taken = list[Range]()
        while self._left and self._is_there(self._left[-1], edge):
            taken.append((self._left[-1], self._left.pop()))
        return taken

    def _is_there(self, recipient: str, edge: str) -> bool:
        return recipient >= edge if self._newest_first else recipient <= edge


async def find_candidates(
    look: Look, needles: Sequence[str], low: str, high: str
) -> Candidates | None:
    """Say where all needles may be, between two ids; None when the index cannot tell."""
    reader = await look.turn()
    parts = [_Part(*row) for row in await reader.rows(_PARTS)]
    if not parts or parts[-1].last < low:
        return None
    folded = await fold(reader, needles)
    trigrams = {
        each for text in folded.values() if len(text) >= SHORTEST for each in trigrams_of(text)
    }
    if not trigrams:
        return None
    sampled = [part.number for part in parts[-_SAMPLED:]]
    rows = await reader.rows(FREQUENCIES, sorted(trigrams), sampled, RAREST)
    unread = [each.recipient for each in await read_unread(reader, low, high)]
    return Candidates(look, parts, [row[0] for row in rows], unread)
