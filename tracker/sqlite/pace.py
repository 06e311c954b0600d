"""How long a group waits for company before it is committed. Pure; time is an argument.

A commit costs the same for one step as for twenty, so under load it pays to let some gather. With
one client at a time nobody else would come, and the client would only wait: whether company comes
is found out by waiting once, and a wait that was in vain is not repeated for a while.
"""

COMPANY = 6
"""Steps for which it was worth while to wait."""

GATHER = 0.004
"""Seconds between the beginnings of two groups while it is."""

RETRY = 0.5
"""Seconds until it is tried again after it was not."""


class Pace:
    """Decides for one writer when its next group begins. Times are seconds of any one clock."""

    __slots__ = ("_began", "_is_gathering", "_rate", "_try_at")

    def __init__(self) -> None:
        self._began = float("-inf")
        self._rate = 0.0
        """Steps a second, of late."""
        self._is_gathering = False
        self._try_at = float("-inf")

    def begins_at(self, now: float) -> float:
        """Return when the group that gathers may begin; `now` or earlier means at once."""
        if not self._is_gathering and now >= self._try_at and self._rate * GATHER > COMPANY / 2:
            self._is_gathering = True
        return self._began + GATHER if self._is_gathering else now

    def begin(self, steps: int, now: float) -> None:
        """Note that a group of so many steps begins."""
        between = max(now - self._began, 1e-6)
        self._rate += (steps / between - self._rate) * min(1.0, between / GATHER)
        if self._is_gathering and steps < COMPANY:
            self._is_gathering = False
            self._try_at = now + RETRY
        self._began = now


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
