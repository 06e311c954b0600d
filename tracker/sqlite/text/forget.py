"""Text that has been changed or removed in the ledger leaves the index, too.

A trigram cannot be taken back without the text that it was of, which is gone. So a part that has
it is made anew, a few blocks at a time beside the old one, which serves searches meanwhile.
"""

import json
import sqlite3
from collections.abc import Sequence

from tracker.sql.aged import ONCE_IN, is_behind, milliseconds
from tracker.sql.rows import Columns
from tracker.sql.values import json_list
from tracker.sqlite.text.build import (
    BLOCKS_AT_ONCE,
    TEXTS_OF_BLOCK,
    add_document,
    count_trigrams,
    text_of,
    transaction,
    walked,
)
from tracker.sqlite.text.file import ANEW, WORDS, wipe_dropped

_MARK = "INSERT OR IGNORE INTO text_to_forget SELECT value FROM json_each(?)"

# Recipients of one message lie side by side: what is between these two is in the same parts.
_MARK_MESSAGES = """
INSERT OR IGNORE INTO text_to_forget
SELECT iif(ends.value = 0, r.least, r.most) FROM json_each('[0, 1]') AS ends CROSS JOIN (
    SELECT min(id) AS least, max(id) AS most FROM recipients
    WHERE message_id IN (SELECT value FROM json_each(?)) GROUP BY message_id
) AS r
"""

_FORGOTTEN = "DELETE FROM text_to_forget WHERE recipient_id IN (SELECT value FROM json_each(?))"

_TO_FORGET = "SELECT recipient_id FROM text_to_forget LIMIT 10000"

_STALE = """
UPDATE parts SET stale = 1
WHERE EXISTS (SELECT 1 FROM json_each(?) AS f WHERE f.value BETWEEN parts.first AND parts.last)
"""

_CANDIDATES = "SELECT n, first, last, made, walked, stale FROM parts ORDER BY stale DESC, n"

_BLOCKS = "SELECT n, first, last FROM blocks WHERE part = ? AND n > ? ORDER BY n LIMIT ?"


def mark_to_forget(connection: sqlite3.Connection, recipients: Sequence[str]) -> None:
    """Have the index forget what it has of recipients.

    For the transaction of the ledger in which their text is changed.
    """
    connection.execute(_MARK, (json_list(recipients),))


def mark_messages_to_forget(connection: sqlite3.Connection, messages: Sequence[str]) -> None:
    """Have the index forget what it has of the recipients of messages."""
    connection.execute(_MARK_MESSAGES, (json_list(messages),))


def forgotten(connection: sqlite3.Connection, recipients: Sequence[str]) -> None:
    """Take marks away that the index knows about."""
    connection.execute(_FORGOTTEN, (json_list(recipients),))


def note_stale(index: sqlite3.Connection, ledger: sqlite3.Connection) -> Sequence[str]:
    """Note which parts have what is to be forgotten; return whose marks may go now."""
    wanted = [row[0] for row in ledger.execute(_TO_FORGET)]
    if wanted:
        index.execute("PRAGMA synchronous = FULL")  # the marks go, so this has to stay
        with transaction(index):
            index.execute(_STALE, (json_list(wanted),))
        index.execute("PRAGMA synchronous = NORMAL")
    return wanted


def remake_some(index: sqlite3.Connection, ledger: sqlite3.Connection, now: str) -> int:
    """Make some blocks anew of a part that has what must go; 0 when there is no such part."""
    part, remade = index.execute("SELECT remaking, remade FROM state").fetchone()
    if not part:
        walks = walked(ledger)
        found = _next_part(index, walks, milliseconds(now))
        if found is None:
            return 0
        part, remade = found, 0
        _begin(index, part, milliseconds(now), walks)
    blocks = index.execute(_BLOCKS, (part, remade, BLOCKS_AT_ONCE)).fetchall()
    if blocks:
        _remake(index, ledger, part, blocks)
    else:
        _finish(index, part)
    return 1


def _next_part(index: sqlite3.Connection, walks: str, now: int) -> int | None:
    """Return a part that is to be made anew: first one of which that was asked for."""
    reached = json.loads(walks)
    for n, first, last, made, then, stale in index.execute(_CANDIDATES).fetchall():
        if stale:
            return int(n)
        if now - made >= ONCE_IN and is_behind(first, last, json.loads(then), reached):
            return int(n)
    return None


def _begin(index: sqlite3.Connection, part: int, now: int, walks: str) -> None:
    with transaction(index):
        index.execute(WORDS.format(name=ANEW))
        index.execute("DELETE FROM trigrams WHERE part = ?", (part,))
        index.execute(
            "UPDATE parts SET stale = 0, made = ?, walked = ? WHERE n = ?", (now, walks, part)
        )
        index.execute("UPDATE state SET remaking = ?, remade = 0", (part,))


def _remake(
    index: sqlite3.Connection, ledger: sqlite3.Connection, part: int, blocks: Sequence[Columns]
) -> None:
    with transaction(index):
        for n, first, last in blocks:
            rows = [row for sql in TEXTS_OF_BLOCK for row in ledger.execute(sql, (first, last))]
            text = text_of(rows)
            add_document(index, ANEW, n, text)
            count_trigrams(index, part, n, text)
        index.execute("UPDATE state SET remade = ?", (blocks[-1][0],))


def _finish(index: sqlite3.Connection, part: int) -> None:
    with transaction(index):
        index.execute(f"DROP TABLE words_{part}")
        index.execute(f"ALTER TABLE {ANEW} RENAME TO words_{part}")
        index.execute("UPDATE state SET remaking = 0")
    wipe_dropped(index)
