"""How the index grows: block after block behind the last one, and what was attempted later.

The ledger is only read. What is indexed of a step is in one transaction with how far it has come,
so that whoever is stopped goes on where he was.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from tracker.explain import Category
from tracker.sql.aged import milliseconds
from tracker.sql.needles import MARK
from tracker.sql.rows import Columns
from tracker.sql.trigrams import BLOCK, joined, trigrams_of
from tracker.sqlite.text.file import ANEW, WORDS, start_anew, wipe_dropped

_BLOCKS_OF_PART = 16_384
_SPAN_OF_PART = 7 * 86_400_000
"""Milliseconds. A part is full with so many blocks, or when it spans so much time: it goes when
the last of its recipients has gone, at once, and must not be much older than they."""

LATE = 1 << 60
LATE_BITS = 20
"""The documents from LATE on are of attempts that came after their block: the n-th one of a block
is LATE + (block << LATE_BITS) + n."""

BLOCKS_AT_ONCE = 32
_ATTEMPTS_AT_ONCE = 1000

_TEXTS_OF_RECIPIENTS = """
SELECT r.id, r.forward_path, r.domain, r.account, m.id, m.reverse_path, m.header_from, m.subject,
       m.header_message_id, m.envid, m.client_address
FROM recipients AS r CROSS JOIN messages AS m ON m.id = r.message_id
"""

_TEXTS = f"{_TEXTS_OF_RECIPIENTS} WHERE r.id > ? AND r.id < ? ORDER BY r.id LIMIT ?"

# Codes and categories are marked, so that they are told from any other text; those of delivered
# mail are in every block and of no use.
_OF_ATTEMPT = f"""
a.target_host, a.target_address, a.remote_queue_id, a.reply_text,
iif(a.reply_code >= 400, '{MARK}' || a.reply_code, NULL),
iif(a.enhanced_status_code GLOB '[45]*', '{MARK}' || a.enhanced_status_code, NULL),
iif(a.category IN ('', '{Category.ACCEPTED}'), NULL, '{MARK}' || a.category)
"""

_TEXTS_OF_ATTEMPTS = f"""
SELECT r.id, {_OF_ATTEMPT}
FROM recipients AS r CROSS JOIN attempts AS a ON a.recipient_id = r.id
WHERE r.id >= ? AND r.id <= ? ORDER BY r.id
"""

TEXTS_OF_BLOCK = (
    f"{_TEXTS_OF_RECIPIENTS} WHERE r.id >= ? AND r.id <= ?",
    _TEXTS_OF_ATTEMPTS,
)
"""What is indexed of the recipients from one id to another, and of the attempts at them."""

_LATER = f"""
SELECT a.rowid, a.recipient_id, {_OF_ATTEMPT}
FROM attempts AS a WHERE a.rowid > ? ORDER BY a.rowid LIMIT ?
"""

_ANYBODY = "SELECT 1 FROM recipients WHERE id BETWEEN ? AND ? LIMIT 1"

_SAMPLED = 128
"""Of so many blocks one is counted: which trigrams are frequent has to be known roughly."""

_COUNT = """
INSERT INTO trigrams (text, part, blocks) VALUES (?, ?, 1)
ON CONFLICT (text, part) DO UPDATE SET blocks = blocks + 1
"""

_ADD_BLOCK = "INSERT INTO blocks (part, first, last) VALUES (?, ?, ?) RETURNING n"

_BLOCK_OF = "SELECT n, part, late, first FROM blocks WHERE last >= ? ORDER BY last LIMIT 1"


def last_indexed(index: sqlite3.Connection) -> str:
    """Return the id of the last recipient that is indexed; empty when there is none."""
    (last,) = index.execute("SELECT max(last) FROM blocks").fetchone()
    return last or ""


def begin(index: sqlite3.Connection, ledger: sqlite3.Connection) -> None:
    """See to it that the index is of this ledger, else forget it.

    A ledger that has fewer attempts than the index has seen is another one, e.g. from a backup.
    """
    (there,) = ledger.execute("SELECT coalesce(max(rowid), 0) FROM attempts").fetchone()
    (seen,) = index.execute("SELECT attempts FROM state").fetchone()
    if there < seen or not last_indexed(index):
        start_anew(index, there)


def index_some(index: sqlite3.Connection, ledger: sqlite3.Connection, before: str) -> int:
    """Index some of what is missing, of recipients whose ids are below `before`.

    Returns how many rows were read: 0 when there is nothing more.
    """
    # Attempts first: those of recipients who are not indexed yet come with their blocks.
    return index_later(index, ledger) + _index_blocks(index, ledger, before)


def _index_blocks(index: sqlite3.Connection, ledger: sqlite3.Connection, before: str) -> int:
    after = last_indexed(index)
    rows = ledger.execute(_TEXTS, (after, before, BLOCK * BLOCKS_AT_ONCE)).fetchall()
    whole = len(rows) // BLOCK * BLOCK
    if not whole:
        return 0
    made = (milliseconds(before), walked(ledger))
    ends = (rows[0][0], rows[whole - 1][0])
    attempts = ledger.execute(_TEXTS_OF_ATTEMPTS, ends).fetchall()
    texts = defaultdict[str, list[Columns]](list)
    for row in (*rows[:whole], *attempts):
        texts[row[0]].append(row)
    ids = list(texts)
    with transaction(index):
        for start in range(0, whole, BLOCK):
            block = ids[start : start + BLOCK]
            text = text_of(row for each in block for row in texts[each])
            part = _part_for(index, block[0], block[-1], made)
            (n,) = index.execute(_ADD_BLOCK, (part, block[0], block[-1])).fetchone()
            add_document(index, f"words_{part}", n, text)
            count_trigrams(index, part, n, text)
    return whole


def add_document(index: sqlite3.Connection, words: str, number: int, text: str) -> None:
    """Put a document into the table of a part."""
    index.execute(f"INSERT INTO {words} (rowid, text) VALUES (?, ?)", (number, text))


def count_trigrams(index: sqlite3.Connection, part: int, block: int, text: str) -> None:
    """Count what is in a block, when it is one of the sample."""
    if block % _SAMPLED == 0:
        index.executemany(_COUNT, [(each, part) for each in trigrams_of(text)])


def _part_for(index: sqlite3.Connection, first: str, last: str, made: tuple[int, str]) -> int:
    """Return the part that a new block belongs to; `made` is when and behind which walks."""
    row = index.execute("SELECT n, blocks, first FROM parts ORDER BY n DESC LIMIT 1").fetchone()
    number = 1
    if row is not None:
        number, blocks, begin = row
        if blocks < _BLOCKS_OF_PART and milliseconds(last) - milliseconds(begin) < _SPAN_OF_PART:
            index.execute(
                "UPDATE parts SET blocks = blocks + 1, last = ? WHERE n = ?", (last, number)
            )
            return int(number)
        number += 1
    index.execute(WORDS.format(name=f"words_{number}"))
    index.execute(
        "INSERT INTO parts (n, blocks, first, last, made, walked) VALUES (?, 1, ?, ?, ?, ?)",
        (number, first, last, *made),
    )
    return int(number)


def index_later(index: sqlite3.Connection, ledger: sqlite3.Connection) -> int:
    """Index attempts at recipients whose block was made before."""
    (seen,) = index.execute("SELECT attempts FROM state").fetchone()
    rows = ledger.execute(_LATER, (seen, _ATTEMPTS_AT_ONCE)).fetchall()
    if not rows:
        return 0
    until = last_indexed(index)
    late = sorted((row[1:] for row in rows if row[1] <= until), key=itemgetter(0))
    with transaction(index):
        by_block = ((index.execute(_BLOCK_OF, (row[0],)).fetchone(), row) for row in late)
        for block, some in groupby(by_block, key=itemgetter(0)):
            # Between two blocks there is nobody: whoever was pruned.
            _add_late(index, block, [row for _, row in some if row[0] >= block[3]])
        index.execute("UPDATE state SET attempts = ?", (rows[-1][0],))
    return len(rows)


def _add_late(index: sqlite3.Connection, block: Columns, rows: Sequence[Columns]) -> None:
    if not rows:
        return
    n, part, late, _ = block
    number, text = LATE + (n << LATE_BITS) + late, text_of(rows)
    add_document(index, f"words_{part}", number, text)
    remaking, remade = index.execute("SELECT remaking, remade FROM state").fetchone()
    if part == remaking and n <= remade:
        add_document(index, ANEW, number, text)
    index.execute("UPDATE blocks SET late = late + 1 WHERE n = ?", (n,))


def drop_old(index: sqlite3.Connection, ledger: sqlite3.Connection) -> int:
    """Forget a part whose recipients have all been pruned; return how many parts that were."""
    for part, first, last in index.execute("SELECT n, first, last FROM parts ORDER BY n"):
        if not ledger.execute(_ANYBODY, (first, last)).fetchone():
            _drop(index, part)
            return 1
    return 0


def _drop(index: sqlite3.Connection, part: int) -> None:
    with transaction(index):
        index.execute(f"DROP TABLE words_{part}")
        for table, column in (("blocks", "part"), ("trigrams", "part"), ("parts", "n")):
            index.execute(f"DELETE FROM {table} WHERE {column} = ?", (part,))
        if index.execute("SELECT 1 FROM state WHERE remaking = ?", (part,)).fetchone():
            index.execute(f"DROP TABLE {ANEW}")
            index.execute("UPDATE state SET remaking = 0")
    wipe_dropped(index)


def text_of(rows: Iterable[Columns]) -> str:
    """Return the text of rows that is indexed."""
    return joined(rows).lower()


def walked(ledger: sqlite3.Connection) -> str:
    """Return how far each walk has got, by name, as JSON."""
    return json.dumps(dict(ledger.execute("SELECT name, last_id FROM walks").fetchall()))


class transaction:  # noqa: N801 (it reads like a function)
    """One transaction of the index."""

    def __init__(self, index: sqlite3.Connection) -> None:
        self._index = index

    def __enter__(self) -> None:
        self._index.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._index.execute("COMMIT" if kind is None else "ROLLBACK")
