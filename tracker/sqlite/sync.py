"""The file of a ledger is brought to the disk in a thread of its own, while others write.

What has been copied from the WAL to the file is safe only then. Until then a reader holds the WAL,
so that nobody begins it anew.
"""

import os
import sqlite3
import threading
from pathlib import Path

from tracker.sqlite.connection import connect_reader

_FILES: dict[Path, int] = {}
"""Descriptors of ledgers. They are never closed: that would let go of all locks that SQLite has
on the file for this process."""

_FAILED: list[sqlite3.Connection] = []
"""Readers that hold a WAL of which the disk has not taken everything. It has to stay until all
processes end: only the next one that opens the ledger copies the whole of it anew."""


class Sync:
    """A reader that holds the WAL, and a thread that syncs. For one caller at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None
        self._has_failed = False

    @property
    def is_busy(self) -> bool:
        """True while the thread syncs."""
        return self._thread is not None and self._thread.is_alive()

    def hold_log(self) -> None:
        """Begin to read what is committed now. The ledger is open. Raises sqlite3.Error."""
        if self._reader is None:
            self._reader = connect_reader(self._path, lambda: False)
        if not self._reader.in_transaction:
            self._reader.execute("BEGIN")
            self._reader.execute("SELECT count FROM pings").fetchall()

    def start(self) -> None:
        """Sync the file, in the thread."""
        self._thread = threading.Thread(target=self._run, name="ledger-sync", daemon=True)
        self._thread.start()

    def let_go(self) -> None:
        """Wait for the sync and let go of the WAL. Blocks the thread. Raises sqlite3.Error.

        What the disk has not taken keeps the WAL for as long as this process lives.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._reader is not None and self._reader.in_transaction and not self._has_failed:
            self._reader.execute("COMMIT")

    def close(self) -> None:
        """Let go, and close the reader; the connection that writes is still open."""
        self.let_go()
        if self._reader is not None and self._has_failed:
            _FAILED.append(self._reader)
        elif self._reader is not None:
            self._reader.close()
        self._reader = None

    def _run(self) -> None:
        try:
            os.fdatasync(_descriptor_of(self._path))
        except OSError:
            self._has_failed = True


def _descriptor_of(path: Path) -> int:
    """Return a descriptor of a ledger. Raises OSError."""
    known = _FILES.get(path)
    if known is None or not os.path.samestat(os.fstat(known), path.stat()):
        known = _FILES[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return known
