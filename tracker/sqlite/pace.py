"""When a group is committed: at once, or after a moment in which others join it. Pure.

A commit costs the same for one step as for twenty, so under load it pays to let some gather. With
one client at a time nobody else would come, and the client would only wait: whether company comes
is found out by waiting once, and what was in vain is not repeated for a while. Time is an
argument: seconds of any one clock.
"""

GATHER = 0.010
"""Seconds from the beginning of a group to that of the next at most while it is worth while."""

COMPANY = 3
"""Clients that have to come together in that time, in the middle, to make it worth while."""

RETRY = 1.0
"""Seconds until it is tried again after it was not."""

_LATELY = 0.1
"""Seconds over which the number of clients is told: two by chance are no load."""

_FADING = 0.9
"""What is left, with each group, of the most clients that came together."""


class Pace:
    """Decides for one writer when its next group may begin."""

    __slots__ = ("_began", "_company", "_is_gathering", "_most", "_rate", "_try_at")

    def __init__(self) -> None:
        self._began = float("-inf")
        self._rate = 0.0
        """Clients a second, of late."""
        self._is_gathering = False
        self._company = 0.0
        """Clients that came together, in the middle of the last groups."""
        self._most = 1.0
        """Clients that came together at most, of late: when so many wait, all are there."""
        self._try_at = float("-inf")

    def begins_at(self, clients: int, now: float) -> float:
        """Return when a group may begin for which so many clients wait; `now` means at once."""
        if not self._is_gathering and now >= self._try_at and self._rate * GATHER > COMPANY:
            self._is_gathering = True
            self._company = 1.2 * COMPANY  # one wait in vain is enough
            self._most = float("inf")
        if not self._is_gathering or clients >= self._most:
            return now
        return max(now, self._began + GATHER)

    def begin(self, clients: int, now: float) -> None:
        """Note that a group begins for which so many clients wait."""
        between = max(now - self._began, 1e-6)
        self._began = now
        self._rate += (clients / between - self._rate) * min(1.0, between / _LATELY)
        faded = self._most * _FADING if self._most < float("inf") else 0.0
        self._most = max(float(clients), faded)
        self._company += (clients - self._company) / 4
        if self._is_gathering and self._company < COMPANY:
            self._is_gathering = False
            self._try_at = now + RETRY


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
