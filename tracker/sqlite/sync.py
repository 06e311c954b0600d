"""The file of a ledger is brought to the disk in a thread of its own, while others write.

What has been copied from the WAL to the file is safe only then. Until then a reader holds the WAL,
so that nobody begins it anew.
"""

import fcntl
import os
import sqlite3
import threading
from pathlib import Path

import structlog

from tracker.belonging import open_beside
from tracker.sqlite.connection import connect_reader

_FILES: dict[Path, int] = {}
"""Descriptors of ledgers. They are never closed: that would let go of all locks that SQLite has
on the file for this process."""

_FAILED: list[sqlite3.Connection] = []
"""Readers that hold a WAL of which the disk has not taken everything. It has to stay until all
processes end: only the next one that opens the ledger copies the whole of it anew."""


class Sync:
    """A reader that holds the WAL, and a thread that syncs. For one caller at a time.

    One process at a time has both, from `hold_log` until `give_up_place`: a lock of the kernel on
    a file beside the ledger says which, and is given back by whoever dies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None
        self._reader: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None
        self._has_failed = False

    @property
    def is_busy(self) -> bool:
        """True while the thread syncs."""
        return self._thread is not None and self._thread.is_alive()

    def hold_log(self) -> bool:
        """Begin to read what is committed now; False when another process does. The ledger is open.

        Raises sqlite3.Error, OSError.
        """
        if not self._is_ours():
            return False
        if self._reader is None:
            self._reader = connect_reader(self._path, lambda: False)
        if not self._reader.in_transaction:
            self._reader.execute("BEGIN")
            self._reader.execute("SELECT count FROM pings").fetchall()
        return True

    def _is_ours(self) -> bool:
        if self._lock is None:
            file = self._path.with_name(f"{self._path.name}.sync")
            try:
                self._lock = open_beside(file, os.O_RDWR | os.O_CREAT)
            except PermissionError:  # of another user; two at once are no harm, only no use
                return True
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def call_off(self) -> None:
        """Let go of the WAL after all, and of the place."""
        self._let_go()
        self.give_up_place()

    def give_up_place(self) -> None:
        """Let another process hold the WAL: its end has been copied, or cannot be.

        Until then nobody shall: it could not be begun anew, and two that take turns at holding it
        would let it grow without end.
        """
        if self._lock is not None:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def start(self) -> None:
        """Sync the file, in the thread, then let go of the WAL.

        What the disk has not taken keeps the WAL for as long as this process lives.
        """
        self._thread = threading.Thread(target=self._run, name="ledger-sync", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for the sync. Blocks the thread."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Wait, and let go of the files; the connection that writes is still open."""
        self.wait()
        if self._reader is not None and self._has_failed:
            _FAILED.append(self._reader)
        elif self._reader is not None:
            self._reader.close()
        self._reader = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _run(self) -> None:
        try:
            os.fdatasync(_descriptor_of(self._path))
        except OSError as problem:
            self._has_failed = True
            structlog.get_logger().error(
                "the disk did not take the ledger; its log is kept, and grows, until the disk is"
                " mended and all processes are restarted",
                ledger=str(self._path),
                problem=str(problem),
            )
        self._let_go()

    def _let_go(self) -> None:
        if self._reader is not None and self._reader.in_transaction and not self._has_failed:
            self._reader.execute("COMMIT")


def _descriptor_of(path: Path) -> int:
    """Return a descriptor of a ledger. Raises OSError."""
    known = _FILES.get(path)
    if known is None or not os.path.samestat(os.fstat(known), path.stat()):
        known = _FILES[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return known
