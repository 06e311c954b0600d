"""How many connections a group of MX hosts gets from this worker at once.

The limits are those of the cluster, of which every worker uses its share (see `relay.share`).
Within it the limit begins at the share of `initial`, grows by 1/N for each delivery that went well
and shrinks by 1/N for each that did not: N good deliveries in a row earn one more connection, so
that a strained server is not driven harder in steps.
"""

import asyncio
from collections import deque

from relay.share import Share

_REMEMBERED = 10_000
"""Groups whose limit has moved that are kept while idle."""


class NoSlots(Exception):
    """All connections to the group belong to other workers."""


class _Group:
    __slots__ = ("initial", "limit", "most", "moved", "used", "waiters")

    def __init__(self, initial: int, most: int) -> None:
        self.initial = initial
        self.limit = float(initial)
        self.most = most
        self.moved = False
        self.used = 0
        self.waiters: deque[asyncio.Future[None]] = deque()

    def change(self, initial: int, most: int) -> None:
        """Have another share; what was learnt about the hosts is kept in proportion."""
        if self.moved and self.most:
            scaled = self.limit * most / self.most
            self.limit = min(float(most), max(float(min(1, most)), scaled))
        else:
            self.limit, self.moved = float(initial), False
        self.initial = initial
        self.most = most


class GroupSlots:
    """Slots by MX group; idle groups at their initial limit are forgotten."""

    def __init__(self, *, initial: int, maximum: int) -> None:
        """Both limits hold for all workers together; this one begins as the only one."""
        self._initial = min(initial, maximum)
        self._maximum = maximum
        self._share = Share()
        self._groups: dict[str, _Group] = {}

    def rebalance(self, share: Share) -> None:
        """Have this share from now on.

        Slots that are lost are given up as their deliveries end, those that are gained may be
        used at once. Whoever waits for a group of which nothing is left gets NoSlots.
        """
        if share == self._share:
            return
        self._share = share
        for group, entry in self._groups.items():
            entry.change(self._initial_of(group), self.maximum(group))
            self._wake(entry)
            while not entry.most and entry.waiters:
                waiter = entry.waiters.popleft()
                if not waiter.done():
                    waiter.set_exception(NoSlots(group))

    async def take(self, group: str) -> None:
        """Wait for a slot of `group`, first come first served, and hold it until `free`.

        Raises NoSlots when this worker has no share of the group, or loses it while waiting.
        """
        entry = self._groups.get(group)
        if entry is None:
            entry = self._groups[group] = _Group(self._initial_of(group), self.maximum(group))
        if entry.used < int(entry.limit) and entry.most and not entry.waiters:
            entry.used += 1
            return
        try:
            if not entry.most:
                raise NoSlots(group)
            await self._wait(entry)
        except BaseException:
            self._forget_if_idle(group, entry)
            raise

    def free(self, group: str) -> None:
        """Give back a slot of `group`."""
        entry = self._groups[group]
        entry.used -= 1
        self._wake(entry)
        self._forget_if_idle(group, entry)

    def feed_back(self, group: str, *, good: bool) -> None:
        """Let the outcome of one delivery move the limit of `group`."""
        entry = self._groups.get(group)
        if entry is None or not entry.most:
            return
        step = 1.0 / entry.limit if good else -1.0 / entry.limit
        entry.limit = min(float(entry.most), max(1.0, entry.limit + step))
        entry.moved = entry.limit != entry.initial
        self._wake(entry)

    def limit(self, group: str) -> int:
        """Return the present limit of `group`."""
        entry = self._groups.get(group)
        return int(entry.limit) if entry else self._initial_of(group)

    def spare(self, group: str) -> int:
        """Return how many slots of `group` are free."""
        entry = self._groups.get(group)
        return max(0, self.limit(group) - (entry.used if entry else 0))

    def maximum(self, group: str) -> int:
        """Return this worker's share of the most connections to `group`; it may be 0."""
        return self._share.of(self._maximum, group)

    def _initial_of(self, group: str) -> int:
        """Return where the limit begins: whoever may have a connection at all begins with one."""
        return max(self._share.of(self._initial, group), min(1, self.maximum(group)))

    def _forget_if_idle(self, group: str, entry: _Group) -> None:
        if entry.used or entry.waiters or self._groups.get(group) is not entry:
            return
        if not entry.moved or len(self._groups) > _REMEMBERED:
            del self._groups[group]

    async def _wait(self, entry: _Group) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry.waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter in entry.waiters:
                entry.waiters.remove(waiter)
            elif not waiter.cancelled() and waiter.exception() is None:
                entry.used -= 1  # the slot had been handed to us already: pass it on
                self._wake(entry)
            raise

    def _wake(self, entry: _Group) -> None:
        while entry.waiters and entry.used < int(entry.limit):
            waiter = entry.waiters.popleft()
            if not waiter.done():
                entry.used += 1
                waiter.set_result(None)
