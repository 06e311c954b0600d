"""The turn lock: whoever writes to the ledger, or checkpoints it, holds it.

SQLite up to 3.51.2 can lose a committed transaction when one connection checkpoints a WAL while
another commits. All processes that share a ledger therefore take turns by a lock of the kernel
on a file beside it. Waiting for it costs no polling, and the kernel takes it back from whoever
dies.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracker.belonging import open_beside


def turn_file(ledger: Path) -> Path:
    """Return the file whose lock is the turn of `ledger`."""
    return ledger.with_name(ledger.name + ".turn")


class TurnLock:
    """One holder's handle on the turn; every instance excludes every other."""

    def __init__(self, ledger: Path) -> None:
        self._descriptor = open_beside(turn_file(ledger), os.O_RDWR | os.O_CREAT)

    def take(self) -> None:
        """Wait for the turn. Blocks the thread."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def try_take(self) -> bool:
        """Take the turn if it is free; say whether it was."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give_back(self) -> None:
        """Let the next one have it."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the turn and hold it. Blocks the thread."""
        self.take()
        try:
            yield
        finally:
            self.give_back()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)
