"""Text that has been changed or removed in the ledger leaves the index, too."""

import sqlite3
from collections.abc import Sequence

from tracker.sql.rows import Columns
from tracker.sql.values import json_list
from tracker.sqlite.text.build import TEXTS_OF_BLOCK, text_of, transaction
from tracker.sqlite.text.file import WORDS

MARK_TO_FORGET = "INSERT OR IGNORE INTO text_to_forget SELECT value FROM json_each(?)"
FORGOTTEN = "DELETE FROM text_to_forget WHERE recipient_id IN (SELECT value FROM json_each(?))"

_TO_FORGET = "SELECT recipient_id FROM text_to_forget"

_PARTS = """
SELECT DISTINCT p.n FROM json_each(?) AS f JOIN parts AS p ON f.value BETWEEN p.first AND p.last
"""


def mark_to_forget(connection: sqlite3.Connection, recipients: Sequence[str]) -> None:
    """Have the index forget what it has of recipients.

    For the transaction of the ledger in which their text is changed.
    """
    connection.execute(MARK_TO_FORGET, (json_list(recipients),))


def forgotten(connection: sqlite3.Connection, recipients: Sequence[str]) -> None:
    """Note that it has."""
    connection.execute(FORGOTTEN, (json_list(recipients),))


def forget(index: sqlite3.Connection, ledger: sqlite3.Connection) -> Sequence[str]:
    """Make the parts anew that have what is to be forgotten; return of whom that was.

    A trigram cannot be taken back without the text that it was of, which is gone.
    """
    wanted = [row[0] for row in ledger.execute(_TO_FORGET)]
    for (part,) in index.execute(_PARTS, (json_list(wanted),)).fetchall():
        with transaction(index):
            index.execute(f"DROP TABLE words_{part}")
            index.execute(WORDS.format(part=part))
            for block in index.execute(
                "SELECT n, first, last FROM blocks WHERE part = ? ORDER BY n", (part,)
            ).fetchall():
                _index(index, ledger, part, block)
    return wanted


def _index(
    index: sqlite3.Connection, ledger: sqlite3.Connection, part: int, block: Columns
) -> None:
    n, first, last = block
    rows = [row for sql in TEXTS_OF_BLOCK for row in ledger.execute(sql, (first, last))]
    index.execute(f"INSERT INTO words_{part} (rowid, text) VALUES (?, ?)", (n, text_of(rows)))
