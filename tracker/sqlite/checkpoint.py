"""How the WAL is copied back to the ledger while hardly anybody waits for it.

A checkpoint needs the turn. What takes long in it is the sync of pages that lie all over the file,
so that is done without the turn. It goes in three steps:

1. In turn, all but the end of the WAL is copied to the file, and nothing is synced.
2. Outside, the file is synced.
3. In turn, the end is copied as SQLite does it, and the file synced, in which little is left.

Nothing can be lost. As long as the end of the WAL is not copied, nobody begins it anew, and whoever
recovers after a crash goes along all of it. A reader that began before the last commit stands for
that: no checkpoint passes it. And the end is only ever copied with a sync of the whole file, by
whichever process: the first step, if it was interrupted, is made good by that.

One process at a time does it, for the frames of all: with several readers that hold the WAL in turn
its end would never be reached.
"""

import os
import sqlite3
from pathlib import Path
from time import monotonic
from typing import Final

from tracker.sqlite.sync import Sync
from tracker.sqlite.turn import TurnLock

AIM: Final = 0.002
"""Seconds that a copy may have the turn."""

LEAST: Final = 100
MOST: Final = 10_000
"""Changed rows between two checkpoints: with fewer, most of a checkpoint is what it always costs;
with more, the WAL gets long."""

_REST: Final = 20
"""How many times as long as a checkpoint took there is none, unless the WAL gets long: pages that
are changed all the time shall not be copied all the time."""

_UP, _DOWN = 1.5, 0.25

_WAL_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of WAL above which it is copied however soon after the last time."""

_WAL_CUT: Final = 2 * _WAL_LIMIT
"""Bytes of WAL above which it is cut down. Below that the file stays as long as it is: to write
over what is there costs the disk less than to give it back and have it anew."""

_WAL_STEP: Final = 16 * 1024 * 1024
"""Bytes that it may grow until the next trial, where a reader was in the way."""


def next_amount(amount: int, took: float) -> int:
    """Return how many changed rows should be copied next, when `amount` took some seconds."""
    factor = min(_UP, max(_DOWN, AIM / max(took, 1e-6)))
    return min(MOST, max(LEAST, round(amount * factor)))


class Checkpoints:
    """Copies the WAL back, now and then. For the one thread that has the read-write connection."""

    def __init__(self, path: Path, turn: TurnLock) -> None:
        self._wal = f"{path}-wal"
        self._turn = turn
        self._sync = Sync(path)
        self._is_copied = False
        """True when all but the end is copied, and the end is to follow."""
        self._changes = 0
        """Changed rows of the connection at the last copy."""
        self._amount = LEAST
        self._not_before = 0.0
        self._tolerated = _WAL_LIMIT

    def begin(self) -> None:
        """Note that there is a new connection, which has changed nothing."""
        self._changes = 0

    def is_due(self, connection: sqlite3.Connection) -> bool:
        """Say whether `go_on` has something to do."""
        if self._is_copied:
            # Who writes faster than the disk takes it has to wait for the disk.
            return not self._sync.is_busy or self._wal_size() > self._tolerated + _WAL_STEP
        changes = connection.total_changes - self._changes
        is_much = changes >= MOST or (changes >= self._amount and monotonic() >= self._not_before)
        return is_much or self._wal_size() > self._tolerated

    def go_on(self, connection: sqlite3.Connection) -> None:
        """Take the next step. Blocks the thread. Raises sqlite3.Error, OSError.

        After an error the connection must not be used any more.
        """
        if self._is_copied:
            self._finish(connection)
        else:
            self._copy(connection)

    def close(self) -> None:
        """Wait for the sync that is under way. Blocks the thread."""
        self._sync.close()

    def _copy(self, connection: sqlite3.Connection) -> None:
        changes = connection.total_changes - self._changes
        self._changes = connection.total_changes
        try:
            if not self._sync.hold_log():  # another process is at it, for us too
                self._relieve(connection)
                return
            took = self._copy_in_turn(connection)
        except BaseException:
            self._sync.call_off()
            raise
        self._amount = next_amount(min(changes, MOST), took)
        self._not_before = monotonic() + _REST * took
        self._is_copied = True
        self._sync.start()

    def _relieve(self, connection: sqlite3.Connection) -> None:
        """Copy a WAL that has got long, though another process is at it.

        It may have nothing to write for a while, or wait for the disk, as we do then.
        """
        if self._wal_size() > self._tolerated:
            with self._turn.held():
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._tolerated = max(_WAL_LIMIT, self._wal_size() + _WAL_STEP)

    def _copy_in_turn(self, connection: sqlite3.Connection) -> float:
        """Copy all but the end; return the seconds that the turn was held."""
        with self._turn.held():
            began = monotonic()
            # A commit behind the reader who holds the log, so that this does not come to its end.
            connection.execute("UPDATE pings SET count = count + 1").close()
            connection.execute("PRAGMA synchronous = OFF").close()
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                connection.execute("PRAGMA synchronous = FULL").close()
            return monotonic() - began

    def _finish(self, connection: sqlite3.Connection) -> None:
        self._sync.wait()
        self._is_copied = False
        mode = "TRUNCATE" if self._wal_size() > _WAL_CUT else "PASSIVE"
        try:
            with self._turn.held():
                began = monotonic()
                connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
                ended = monotonic()
        finally:
            self._sync.give_up_place()
        self._not_before = max(self._not_before, ended + _REST * (ended - began))
        self._tolerated = max(_WAL_LIMIT, self._wal_size() + _WAL_STEP)

    def _wal_size(self) -> int:
        try:
            return os.stat(self._wal).st_size  # noqa: PTH116 - asked after each commit
        except OSError:
            return 0
