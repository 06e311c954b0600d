"""How the file is opened: by whom, with which settings, and that it is ours at all."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from tracker.belonging import make_directory, open_beside
from tracker.mailbox import comparable
from tracker.store import StoreError, StoreUnavailable

APPLICATION_ID = 0x53545243
"""Marks a database file as a Sendtrace ledger ("STRC")."""

_READER_PATIENCE = 5.0
"""Seconds a reader waits while the first connection after a crash recovers the WAL."""

_STATEMENTS = 256

_ASK_EVERY = 5_000
"""Instructions of SQLite's machine, a fraction of a millisecond, between two looks at the clock."""

_CACHE = 16 * 1024
"""KiB of pages that a connection that writes keeps; with four times as much a claim among a
million costs the same."""


def create_file(path: Path) -> None:
    """Create the directory and an empty ledger that only its owner may read, if missing."""
    make_directory(path.parent)
    try:
        # An existing file is not even opened: closing it would drop SQLite's own locks on it.
        os.close(open_beside(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the read-write connection. The caller holds the turn lock.

    Raises StoreError when the file is not a ledger of ours, sqlite3.Error when it cannot be
    opened.
    """
    connection = sqlite3.connect(
        _uri(path, "rw"),
        uri=True,
        isolation_level=None,
        timeout=0,  # the turn lock is what waits
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )
    try:
        _check_ownership(connection)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "wal_autocheckpoint = 0",
            f"cache_size = -{_CACHE}",
            "temp_store = MEMORY",
            "secure_delete = FAST",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path, is_over: Callable[[], bool]) -> sqlite3.Connection:
    """Open a connection that cannot write; the read-write connection must be open already.

    It asks `is_over` while it works, and gives up when that is true.
    """
    connection = sqlite3.connect(
        _uri(path, "ro"),
        uri=True,
        isolation_level=None,
        timeout=_READER_PATIENCE,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )
    connection.create_function("lower_unicode", 1, _lower_unicode, deterministic=True)
    connection.create_function("comparable", 1, comparable, deterministic=True)
    connection.set_progress_handler(is_over, _ASK_EVERY)
    return connection


def as_store_error(error: Exception) -> Exception:
    """Make full disks and faults of the file StoreUnavailable; bugs stay what they are.

    So is what a trigger refuses: the ledger has been moved.
    """
    if not isinstance(error, sqlite3.DatabaseError):
        return error
    is_refused = getattr(error, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_TRIGGER"
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError) and not is_refused:
        return error
    unavailable = StoreUnavailable(str(error))
    unavailable.__cause__ = error
    return unavailable


def _lower_unicode(text: str | None) -> str | None:
    """Lower case beyond ASCII, which SQLite's own lower() leaves as it is."""
    return None if text is None else text.lower()


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def _check_ownership(connection: sqlite3.Connection) -> None:
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        raise StoreError(
            "it is not a database; put a backup in its place, or name another file in store.url"
        ) from error
    if application_id != APPLICATION_ID and tables:
        raise StoreError(
            "it is a database of another program, not a Sendtrace ledger; "
            "name another file in store.url"
        )
