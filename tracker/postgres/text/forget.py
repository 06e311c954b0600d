"""Text that has been changed or removed in the ledger leaves the index, too.

A trigram cannot be taken back without the text that it was of, which is gone. So a part that has
it is made anew beside the old one, which serves searches meanwhile.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from tracker.postgres.connections import Transaction
from tracker.postgres.text.growth import Growing, Made, made_now
from tracker.postgres.text.pen import Pen
from tracker.postgres.text.reading import oldest, walked
from tracker.postgres.text.writing import drop, use_instead
from tracker.sql.aged import ONCE_IN, is_behind, milliseconds
from tracker.sql.ranges import above

_SPAN = timedelta(days=7) // timedelta(milliseconds=1)
"""Milliseconds for which the text of what was pruned may stay beside that of what was not."""

_MARK = """
INSERT INTO text_to_forget SELECT unnest($1::text[]) ON CONFLICT DO NOTHING
"""

# Recipients of one message lie side by side: what is between these two is in the same parts.
MARK_MESSAGES = """
INSERT INTO text_to_forget
SELECT unnest(ARRAY[min(id), max(id)]) FROM recipients
WHERE message_id = ANY (?) GROUP BY message_id ON CONFLICT DO NOTHING
"""

_ANY_MARK = "SELECT 1 FROM text_to_forget LIMIT 1"

_TAKE_MARKS = """
DELETE FROM text_to_forget WHERE recipient_id IN (SELECT recipient_id FROM text_to_forget LIMIT $1)
RETURNING recipient_id
"""

_STALE = """
UPDATE text_parts AS p SET stale = true
WHERE EXISTS (SELECT 1 FROM unnest($1::text[]) AS f (id) WHERE f.id > p.after AND f.id <= p.last)
"""

_MARKS_AT_ONCE = 10_000

_PARTS = """
SELECT p.part, p.after, p.last, b.first, p.made, p.walked, p.stale
FROM text_parts AS p JOIN text_blocks AS b ON b.part = p.part AND b.block = 0
WHERE p.is_used ORDER BY p.stale DESC, p.last
"""

_GONE = "SELECT part FROM text_parts WHERE is_used AND (last < $1 OR $1 = '') ORDER BY part LIMIT 1"

_UNUSED = "SELECT part FROM text_parts WHERE NOT is_used ORDER BY part"

_COUNTED = """
SELECT part, after, last, recipients FROM text_parts WHERE is_used AND part > $1 AND last > $2
ORDER BY part LIMIT 1
"""

_COUNT = "SELECT count(*) FROM recipients WHERE id > $1 AND id <= $2"

_SET_STALE = "UPDATE text_parts SET stale = true WHERE part = $1"


async def mark_to_forget(transaction: Transaction, recipients: Sequence[str]) -> None:
    """Have the index forget what it has of recipients.

    For the transaction of the ledger in which their text is changed.
    """
    await transaction.execute(_MARK, list(recipients))


async def note_stale(pen: Pen) -> Sequence[str]:
    """Note which parts have what is to be forgotten; return of which recipients."""
    async with pen.reading() as reader:
        if not await reader.row(_ANY_MARK):
            return []
    taken = list[str]()

    async def work(transaction: Transaction, _: int) -> None:
        rows = await transaction.rows(_TAKE_MARKS, _MARKS_AT_ONCE)
        taken[:] = [row[0] for row in rows]
        await transaction.execute(_STALE, taken)

    await pen.write(work)
    return taken


class Remaking(NamedTuple):
    """A part that is being made anew."""

    old: int
    after: str
    last: str
    growing: Growing

    def concerns(self, recipients: Sequence[str]) -> bool:
        """Say whether one of the recipients may be in it."""
        return any(self.after < each <= self.last for each in recipients)


class _Part(NamedTuple):
    number: int
    after: str
    last: str
    first: str
    made: int
    walks: str
    stale: bool


async def begin_remaking(pen: Pen, before: str) -> Remaking | None:
    """Begin with a part that is to be made anew: first one of which that was asked for."""
    async with pen.reading() as reader:
        reached = await walked(reader)
        begin = await oldest(reader)
        made = await made_now(reader, before)
        parts = [_Part(*row) for row in await reader.rows(_PARTS)]
    for part in parts:
        if _is_due(part, made, reached, begin):
            return Remaking(part.number, part.after, part.last, Growing(None, 0, part.after, made))
    return None


def _is_due(part: _Part, now: Made, reached: dict[str, str], begin: str) -> bool:
    if part.stale:
        return True
    if begin and milliseconds(begin) - milliseconds(part.first) > _SPAN:
        return True
    then = json.loads(part.walks)
    return now.at - part.made >= ONCE_IN and is_behind(part.first, part.last, then, reached)


async def remake_some(pen: Pen, remaking: Remaking) -> bool:
    """Make some more of it; True when it has taken the old one's place."""
    growing = remaking.growing
    count = await growing.read(pen, above(remaking.last), to_the_end=True)
    gathered = len(growing.gathering.blocks)
    if gathered and (not count or gathered >= pen.sizes.segment):
        await growing.write(pen, is_used=False)
    if count:
        return False
    new = growing.part

    async def work(transaction: Transaction, _: int) -> None:
        if new is None:
            await drop(transaction, remaking.old)
        else:
            await use_instead(transaction, new, remaking.old, remaking.last)

    await pen.write(work)
    return True


async def drop_unused(pen: Pen) -> None:
    """Forget what somebody has begun to make anew who is gone; it is due as it was."""
    async with pen.reading() as reader:
        unused = [row[0] for row in await reader.rows(_UNUSED)]
    for part in unused:
        await _drop(pen, part)


async def drop_old(pen: Pen) -> int:
    """Forget a part whose recipients have all been pruned; return how many parts that were."""
    async with pen.reading() as reader:
        row = await reader.row(_GONE, await oldest(reader))
    if row is None:
        return 0
    await _drop(pen, row[0])
    return 1


async def _drop(pen: Pen, part: int) -> None:
    await pen.write(lambda transaction, _: drop(transaction, part))


async def check_one(pen: Pen, behind: int, since: str) -> int:
    """Look whether more recipients came into a part than it has; return which part that was.

    It is the next one behind the part `behind`, of those with recipients behind the id `since`; 0
    when there is none. The clock of a node may have been so far behind that its mail was filed
    among what was indexed.
    """
    async with pen.reading() as reader:
        row = await reader.row(_COUNTED, behind, since)
        if row is None:
            return 0
        part, after, last, recipients = row
        count = await reader.row(_COUNT, after, last)
    if count is not None and count[0] > recipients:
        await pen.write(lambda transaction, _: _execute(transaction, _SET_STALE, part))
    return int(part)


async def _execute(transaction: Transaction, sql: str, part: int) -> None:
    await transaction.execute(sql, part)
