"""How the index grows: block after block behind the last one, and what was attempted later."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tracker.postgres.connections import Transaction
from tracker.postgres.text.folding import fold
from tracker.postgres.text.gathering import Gathering, blocks_of, words_of
from tracker.postgres.text.pen import Pen
from tracker.postgres.text.reading import read_attempts, read_recipients, walked
from tracker.postgres.text.unread import Unread, read_unread
from tracker.postgres.text.writing import Changes, add_blocks, add_changes, add_part, merge
from tracker.sql.aged import milliseconds
from tracker.sql.rows import Columns
from tracker.sql.trigrams import BLOCK, joined

_LAST = "SELECT part, last, blocks FROM text_parts WHERE is_used ORDER BY last DESC LIMIT 1"

_NEXT_NUMBER = "SELECT coalesce(max(part), 0) + 1 FROM text_parts"

_MANY_SEGMENTS = """
SELECT part FROM text_parts WHERE is_used AND segments >= $1 ORDER BY part LIMIT 1
"""


_CHANGES_AT_ONCE = 2000
"""Recipients of whom it is indexed at once what was attempted later."""


class Made(NamedTuple):
    """When a part was begun."""

    at: int
    """In milliseconds since 1970."""
    walks: str
    """How far each walk along the record had got, as JSON."""


class Growing:
    """A part that grows, and what has been gathered for it."""

    def __init__(self, part: int | None, begin: int, after: str, made: Made) -> None:
        self.part = part
        """None: a new one."""
        self.gathering = Gathering(begin, after)
        self.made = made
        self.after = after
        """The last recipient that has been written."""

    async def read(self, pen: Pen, before: str, *, to_the_end: bool = False) -> int:
        """Gather some recipients below `before`; only whole blocks, unless `to_the_end`."""
        limit = pen.sizes.at_once
        async with pen.reading() as reader:
            reading = await read_recipients(reader, self.gathering.last, before, limit)
            count = len(reading.ids)
            if not to_the_end:
                count -= count % BLOCK
            reading = reading._replace(ids=reading.ids[:count])
            texts = [reading.text_of(ids) for ids in blocks_of(reading.ids)]
            folded = await fold(reader, texts) if texts else {}
        if texts:
            # It takes many milliseconds, in which mail goes on.
            await asyncio.to_thread(self.gathering.add, reading, [folded[text] for text in texts])
        return count

    async def write(self, pen: Pen, *, is_used: bool) -> None:
        """Write what was gathered; it is the beginning of what is gathered next."""
        gathering = self.gathering
        words = await asyncio.to_thread(gathering.words)

        async def work(transaction: Transaction, step: int) -> None:
            part = self.part or await _begin_part(transaction, self, is_used=is_used)
            await add_blocks(transaction, part, step, gathering, words)
            written.append(part)

        written = list[int]()
        await pen.write(work)
        self.part = written[-1]
        self.after = gathering.last
        self.gathering = Gathering(gathering.end, gathering.last)


async def _begin_part(transaction: Transaction, growing: Growing, *, is_used: bool) -> int:
    ((part,),) = await transaction.rows(_NEXT_NUMBER)
    await add_part(transaction, part, growing.after, *growing.made, is_used=is_used)
    return int(part)


async def made_now(reader: Transaction, before: str) -> Made:
    """Return what is noted of a part that is begun now; the id `before` is about as old."""
    return Made(milliseconds(before), json.dumps(await walked(reader)))


async def begin_growing(pen: Pen, before: str) -> Growing:
    """Go on behind the last recipient that is indexed."""
    async with pen.reading() as reader:
        made = await made_now(reader, before)
        row = await reader.row(_LAST)
    if row is None:
        return Growing(None, 0, "", made)
    part, last, blocks = row
    if blocks + pen.sizes.segment > pen.sizes.part:
        return Growing(None, 0, last, made)
    return Growing(part, blocks, last, made)


async def keep_up(pen: Pen, but: int | None) -> int:
    """Index what was attempted later, of the part that has most of it; return of how many.

    Only when there is more than is looked at besides; the part `but` is left alone.
    """
    async with pen.reading() as reader:
        unread = [each for each in await read_unread(reader) if each.part != but]
        if len(unread) <= pen.sizes.unread:
            return 0
        ((part, _),) = Counter(each.part for each in unread).most_common(1)
        chosen = [each for each in unread if each.part == part][:_CHANGES_AT_ONCE]
        attempts = await read_attempts(reader, [each.recipient for each in chosen])
        texts = dict[int, list[Columns]]()
        for each in chosen:
            texts.setdefault(each.block, []).extend(attempts.get(each.recipient, ()))
        of_blocks = {block: joined(rows) for block, rows in texts.items()}
        folded = await fold(reader, list(of_blocks.values()))
    words = await asyncio.to_thread(
        words_of, {block: folded[text] for block, text in of_blocks.items()}
    )
    changes = _changes(chosen)
    await pen.write(lambda transaction, step: add_changes(transaction, part, step, words, changes))
    return len(chosen)


def _changes(unread: Sequence[Unread]) -> Changes:
    return Changes(
        open=[(each.recipient, each.last_attempt) for each in unread if each.is_open],
        final=[each.recipient for each in unread if not each.is_open],
    )


async def merge_some(pen: Pen) -> int:
    """Put the segments of a part together when they are many; 0 if none are."""
    async with pen.reading() as reader:
        row = await reader.row(_MANY_SEGMENTS, pen.sizes.segments)
    if row is None:
        return 0
    await pen.write(lambda transaction, _: merge(transaction, row[0]))
    return 1
