"""One timer for all connections: each says until when it waits, and one look now and then tells
those whose time has come. A timer for each wait would cost more than most commands do."""

import asyncio
from typing import Protocol

PERIOD = 1.0
"""Seconds between two looks at most; by so much a client may be late."""

_SHARE = 8
"""Looks within the shortest time that somebody may wait."""


class Waiting(Protocol):
    """Somebody who does not wait for ever."""

    deadline: float
    """When it is too late, by the loop's clock; infinite while it waits for nobody."""

    def time_out(self) -> None:
        """Take note that it is too late."""
        ...


class Deadlines:
    """Tells those who wait when they have waited too long."""

    def __init__(self, shortest: float) -> None:
        """`shortest` is the shortest time in seconds that somebody will wait."""
        self._period = min(PERIOD, shortest / _SHARE)
        self._watched: set[Waiting] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, waiting: Waiting) -> None:
        """Begin to look at `waiting`."""
        self._watched.add(waiting)
        if self._timer is None:
            self._set_timer()

    def forget(self, waiting: Waiting) -> None:
        """Look at `waiting` no more."""
        self._watched.discard(waiting)

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._period, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._watched:
            self._set_timer()  # first of all: a fault in one must not be the last of all looks
        now = asyncio.get_running_loop().time()
        for waiting in [each for each in self._watched if each.deadline <= now]:
            waiting.time_out()
