"""The file of the index: its tables, and who may open it."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from tracker.belonging import open_beside

SCHEMA = 2
"""Of another number, or of another ledger, the index is made anew."""

_TABLES = """
-- What has been read: attempts up to this rowid. Recipients are those up to the last block.
-- The part `remaking` is being made anew, and is so up to the block `remade`.
CREATE TABLE state (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    schema    INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    remaking  INTEGER NOT NULL DEFAULT 0,
    remade    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A part has a table of its own, words_N, which goes with the last of its recipients. It was made
-- at `made`, in milliseconds since 1970, when each walk of the ledger had got to what is `walked`;
-- `stale` says that it has text which must not be there.
CREATE TABLE parts (
    n       INTEGER PRIMARY KEY,
    blocks  INTEGER NOT NULL,
    first   TEXT NOT NULL,
    last    TEXT NOT NULL,
    made    INTEGER NOT NULL,
    walked  TEXT NOT NULL,
    stale   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The recipients from `first` to `last`; `late` counts what was indexed of them later.
CREATE TABLE blocks (
    n      INTEGER PRIMARY KEY,
    part   INTEGER NOT NULL,
    first  TEXT NOT NULL,
    last   TEXT NOT NULL UNIQUE,
    late   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- In how many blocks of a sample of each part a trigram is.
CREATE TABLE trigrams (
    text    TEXT NOT NULL,
    part    INTEGER NOT NULL,
    blocks  INTEGER NOT NULL,
    PRIMARY KEY (text, part)
) STRICT, WITHOUT ROWID;
"""

# A document is a list of trigrams: no places, no sizes, and the text itself is not kept.
WORDS = """
CREATE VIRTUAL TABLE {name} USING fts5
    (text, tokenize = 'trigram', content = '', detail = none, columnsize = 0)
"""

ANEW = "words_anew"
"""The table of a part that is being made anew, until it takes the old one's place."""

_CACHE = 16 * 1024
"""KiB of pages that whoever writes keeps."""


def path_of(ledger: Path) -> Path:
    """Return where the index of a ledger is."""
    return ledger.with_name(f"{ledger.name}.text")


def can_index() -> bool:
    """Say whether this SQLite has what the index is made with."""
    with_trigrams = sqlite3.sqlite_version_info >= (3, 34)
    connection = sqlite3.connect(":memory:")
    try:
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    finally:
        connection.close()
    return with_trigrams and "ENABLE_FTS5" in options


def connect(ledger: Path) -> sqlite3.Connection:
    """Open the index of a ledger for writing, an empty one when there is none.

    Only whoever holds the chore may: nothing else keeps two from writing.
    """
    path = path_of(ledger)
    os.close(open_beside(path, os.O_RDWR | os.O_CREAT))  # as private as the ledger
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = NORMAL",
            f"cache_size = -{_CACHE}",
            "secure_delete = ON",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if not _is_of_use(connection):
            start_anew(connection, 0)
    except BaseException:
        connection.close()
        raise
    return connection


def wipe_dropped(index: sqlite3.Connection) -> None:
    """See to it that what was dropped stands in no file of the index any more.

    It is zeros in the file only when the log is copied back to it.
    """
    index.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _is_of_use(connection: sqlite3.Connection) -> bool:
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'state'").fetchone():
        return False
    found: tuple[int] | None = connection.execute("SELECT schema FROM state").fetchone()
    return found == (SCHEMA,)


def start_anew(connection: sqlite3.Connection, attempts: int) -> None:
    """Forget everything; what is attempted up to the rowid `attempts` comes with its recipients."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for name, sql in connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table'"
        ).fetchall():
            if sql.startswith("CREATE VIRTUAL") or name in ("state", "parts", "blocks", "trigrams"):
                connection.execute(f'DROP TABLE "{name}"')
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO state (id, schema, attempts) VALUES (1, ?, ?)", (SCHEMA, attempts)
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
