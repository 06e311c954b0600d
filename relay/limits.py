"""How many connections a group of MX hosts gets from this worker at once.

The limit begins at `initial`, grows by 1/N for each delivery that went well and shrinks by 1/N
for each that did not, between 1 and `maximum`: N good deliveries in a row earn one more
connection, so that a strained server is not driven harder in steps.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_REMEMBERED = 10_000
"""Groups whose limit has moved that are kept while idle."""


class _Group:
    __slots__ = ("limit", "used", "waiters")

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.used = 0
        self.waiters: deque[asyncio.Future[None]] = deque()


class GroupSlots:
    """Slots by MX group; idle groups at their initial limit are forgotten."""

    def __init__(self, *, initial: int, maximum: int) -> None:
        self._initial = float(min(initial, maximum))
        self._maximum = float(maximum)
        self._groups: dict[str, _Group] = {}

    @asynccontextmanager
    async def slot(self, group: str) -> AsyncIterator[None]:
        """Wait for a free slot of `group`, first come first served, and hold it."""
        entry = self._groups.get(group)
        if entry is None:
            entry = self._groups[group] = _Group(self._initial)
        if entry.used >= int(entry.limit) or entry.waiters:
            await self._wait(entry)
        else:
            entry.used += 1
        try:
            yield
        finally:
            entry.used -= 1
            self._wake(entry)
            idle = not entry.used and not entry.waiters
            if idle and (entry.limit == self._initial or len(self._groups) > _REMEMBERED):
                self._groups.pop(group, None)

    def feed_back(self, group: str, *, good: bool) -> None:
        """Let the outcome of one delivery move the limit of `group`."""
        entry = self._groups.get(group)
        if entry is None:
            return
        step = 1.0 / entry.limit if good else -1.0 / entry.limit
        entry.limit = min(self._maximum, max(1.0, entry.limit + step))
        self._wake(entry)

    def limit(self, group: str) -> int:
        """Return the present limit of `group`."""
        entry = self._groups.get(group)
        return int(entry.limit if entry else self._initial)

    async def _wait(self, entry: _Group) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry.waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                entry.used -= 1  # the slot had been handed to us already: pass it on
                self._wake(entry)
            else:
                entry.waiters.remove(waiter)
            raise

    def _wake(self, entry: _Group) -> None:
        while entry.waiters and entry.used < int(entry.limit):
            waiter = entry.waiters.popleft()
            if not waiter.done():
                entry.used += 1
                waiter.set_result(None)
