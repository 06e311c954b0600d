"""When a group is committed: at once, or after a moment in which others join it. Pure.

A commit costs the same for one step as for twenty, so under load it pays to let some gather: those
clients that are in the middle of a message, and nobody else (see `tracker.attendance`). Time is an
argument: seconds of any one clock.
"""

GATHER = 0.010
"""Seconds from the beginning of a group to that of the next at most, however many may come."""

COMPANY = 3
"""Clients that have to come in that time for it to be load: a few by chance are none."""

_LATELY = 0.1
"""Seconds over which their number is told."""


class Pace:
    """Decides for one writer when its next group may begin."""

    __slots__ = ("_began", "_rate")

    def __init__(self) -> None:
        self._began = float("-inf")
        self._rate = 0.0
        """Clients a second, of late."""

    def begins_at(self, clients: int, present: int, now: float) -> float:
        """Return when a group may begin for which `clients` wait; `now` means at once.

        `present` is how many have been heard from since the last one: when all of them wait,
        nobody else will come.
        """
        if clients >= present or self._rate * GATHER < COMPANY:
            return now
        return max(now, self._began + GATHER)

    def begin(self, clients: int, now: float) -> None:
        """Note that a group begins for which so many clients have waited."""
        between = max(now - self._began, 1e-6)
        self._began = now
        self._rate += (clients / between - self._rate) * min(1.0, between / _LATELY)


STALL = 0.02
"""Seconds that a commit may take in an event loop; the clients of a relay do not notice them."""

STALLS = 3
"""Stalls in a row after which the disk counts as slow: one may be chance."""

AVOID = 1.0
"""Seconds until a slow disk is given another chance."""


class Disk:
    """Remembers whether commits have been quick. Times are seconds of any one clock."""

    __slots__ = ("_slow_until", "_stalls")

    def __init__(self) -> None:
        self._stalls = 0
        self._slow_until = float("-inf")

    def is_quick(self, now: float) -> bool:
        """Say whether an event loop may wait for a commit."""
        return now >= self._slow_until

    def note(self, took: float, now: float) -> None:
        """Note how long a commit has taken in the event loop, which ended `now`."""
        self._stalls = self._stalls + 1 if took > STALL else 0
        if self._stalls >= STALLS:
            self._slow_until = now + AVOID
