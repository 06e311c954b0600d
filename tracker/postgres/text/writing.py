"""Statements that write the index. Each is for a transaction that begins with `take_step`."""

from collections.abc import Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from tracker.postgres.connections import Transaction
from tracker.postgres.text.gathering import Gathering, Words
from tracker.store import StoreUnavailable

_STEP = """
INSERT INTO text_state AS s (id, step) VALUES (1, 1)
ON CONFLICT (id) DO UPDATE SET step = s.step + 1 RETURNING step
"""

_ADD_PART = """
INSERT INTO text_parts
    (part, after, last, blocks, recipients, segments, is_used, made, walked)
VALUES ($1, $2, $2, 0, 0, 0, $3, $4, $5)
"""

_GROW = """
UPDATE text_parts SET last = $2, blocks = blocks + $3, recipients = recipients + $4
WHERE part = $1
"""

_ADD_BLOCKS = """
INSERT INTO text_blocks (part, block, first, last)
SELECT $1, $2 + b.n - 1, b.first, b.last
FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS b (first, last, n)
"""

_ADD_WORDS = """
INSERT INTO text_segments (part, segment, trigram, blocks)
SELECT $1, $2, w.trigram, w.blocks FROM unnest($3::text[], $4::bytea[]) AS w (trigram, blocks)
"""

_ADD_SEGMENT = "UPDATE text_parts SET segments = segments + 1 WHERE part = $1"

_ADD_OPEN = """
INSERT INTO text_open (recipient_id, part, block, last_attempt_id)
SELECT o.recipient_id, $1, o.block, o.last_attempt_id
FROM unnest($2::text[], $3::int[], $4::text[]) AS o (recipient_id, block, last_attempt_id)
"""

_NOTE_OPEN = """
UPDATE text_open AS t SET last_attempt_id = o.last_attempt_id
FROM unnest($2::text[], $3::text[]) AS o (recipient_id, last_attempt_id)
WHERE t.recipient_id = o.recipient_id AND t.part = $1
"""

_FORGET_OPEN = "DELETE FROM text_open WHERE recipient_id = ANY ($2) AND part = $1"

_MERGE = """
WITH apart AS (
    DELETE FROM text_segments WHERE part = $1 AND trigram >= $2 AND ($3 = '' OR trigram < $3)
    RETURNING segment, trigram, blocks
)
INSERT INTO text_words AS w (part, trigram, blocks)
SELECT $1, trigram, string_agg(blocks, ''::bytea ORDER BY segment)
FROM apart GROUP BY trigram ORDER BY trigram
ON CONFLICT (part, trigram) DO UPDATE SET blocks = w.blocks || excluded.blocks
"""

_SLICES = ("", "/", "2", "5", "8", "b", "f", "k", "p", "u", "")
"""Trigrams of so much of the alphabet are put together at once: a statement has its time."""

_NO_SEGMENT = "UPDATE text_parts SET segments = 0 WHERE part = $1"

_USE = "UPDATE text_parts SET is_used = true, last = greatest(last, $2) WHERE part = $1"

TABLES = ("text_words", "text_segments", "text_blocks", "text_open", "text_parts")
"""Whatever is of a part."""

_AT_ONCE = 5000
"""Trigrams in a statement: to send them takes some milliseconds."""


class Changes(NamedTuple):
    """What came to be known of open recipients of a part."""

    open: Sequence[tuple[str, str | None]]
    """Those that still are, and their last attempt."""
    final: Sequence[str]


class Overtaken(StoreUnavailable):
    """Somebody else has written to the index."""


async def take_step(transaction: Transaction, known: int) -> int:
    """Begin to write; `known` is the last step that was taken. Returns this one.

    Raises Overtaken when somebody else has taken another.
    """
    ((step,),) = await transaction.rows(_STEP)
    if step != known + 1:
        raise Overtaken("another process is making the index of text")
    # What a crash loses is made again.
    await transaction.execute("SET LOCAL synchronous_commit = off; SET LOCAL jit = off")
    return int(step)


async def add_part(
    transaction: Transaction, part: int, after: str, made: int, walked: str, *, is_used: bool
) -> None:
    """Begin a part; it was made at `made`, behind walks that had got to what is `walked`."""
    await transaction.execute(_ADD_PART, part, after, is_used, made, walked)


async def add_blocks(
    transaction: Transaction, part: int, segment: int, gathering: Gathering, words: Words
) -> None:
    """Add blocks to a part, and the lists of them as a segment."""
    firsts, lasts = zip(*gathering.blocks, strict=True)
    await transaction.execute(
        _GROW, part, gathering.last, len(gathering.blocks), gathering.recipients
    )
    await transaction.execute(_ADD_BLOCKS, part, gathering.begin, firsts, lasts)
    if gathering.open:
        await transaction.execute(_ADD_OPEN, part, *zip(*gathering.open, strict=True))
    await _add_words(transaction, part, segment, words)


async def add_changes(
    transaction: Transaction, part: int, segment: int, words: Words, changes: Changes
) -> None:
    """Add what was attempted later at recipients of a part."""
    if changes.open:
        await transaction.execute(_NOTE_OPEN, part, *zip(*changes.open, strict=True))
    if changes.final:
        await transaction.execute(_FORGET_OPEN, part, changes.final)
    if words:
        await _add_words(transaction, part, segment, words)


async def _add_words(transaction: Transaction, part: int, segment: int, words: Words) -> None:
    left = iter(words.items())
    while some := list(islice(left, _AT_ONCE)):
        await transaction.execute(_ADD_WORDS, part, segment, *zip(*some, strict=True))
    await transaction.execute(_ADD_SEGMENT, part)


async def merge(transaction: Transaction, part: int) -> None:
    """Put all segments of a part together."""
    for first, end in pairwise(_SLICES):
        await transaction.execute(_MERGE, part, first, end)
    await transaction.execute(_NO_SEGMENT, part)


async def use_instead(transaction: Transaction, part: int, old: int, last: str) -> None:
    """Let a part take the place of another one, which went up to the recipient `last`."""
    await drop(transaction, old)
    await transaction.execute(_USE, part, last)


async def forget_everything(transaction: Transaction) -> None:
    """Empty the index, whose ledger is another one from now on."""
    for table in (*TABLES, "text_to_forget"):
        await transaction.execute(f"DELETE FROM {table}")


async def drop(transaction: Transaction, part: int) -> None:
    """Forget a part."""
    for table in TABLES:
        await transaction.execute(f"DELETE FROM {table} WHERE part = $1", part)
