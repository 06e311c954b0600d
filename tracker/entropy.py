"""Random bytes in small helpings, without asking the kernel for each."""

import os
from collections.abc import Callable
from threading import Lock

Entropy = Callable[[int], bytes]
"""Returns so many random bytes, as `os.urandom` does."""

_POOL = 4096
"""Bytes asked for at once."""


class EntropyPool:
    """Gives out bytes of `os.urandom`, each once, to any thread.

    A pool must not live across a fork: parent and child would give out the same bytes.
    """

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0
        self._lock = Lock()

    def take(self, count: int) -> bytes:
        """Return `count` random bytes."""
        with self._lock:
            end = self._at + count
            if end > len(self._bytes):
                self._bytes = os.urandom(max(count, _POOL))
                self._at, end = 0, count
            taken = self._bytes[self._at : end]
            self._at = end
            return taken
