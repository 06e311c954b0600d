"""Tokens that come at an even pace, a few of which are saved up. Pure; time is an argument.

Times are seconds of a monotonic clock.
"""

from typing import NamedTuple

_NEARLY = 1e-9
"""What rounding may keep a token short of being whole."""


class Pace(NamedTuple):
    """How fast tokens come."""

    per_second: float
    burst: float
    """How many are saved up at most; at least 1, or none would ever be whole."""


class Bucket:
    """Gives out at most `per_second` x t + `burst` tokens in any span of t seconds."""

    __slots__ = ("_at", "_pace", "_tokens")

    def __init__(self, pace: Pace, now: float) -> None:
        """Begin full."""
        self._pace = pace
        self._tokens = pace.burst
        self._at = now

    def change(self, pace: Pace, now: float) -> None:
        """Let tokens come at another pace from `now` on."""
        self._fill(now)
        self._pace = pace
        self._tokens = min(self._tokens, pace.burst)

    def take(self, now: float) -> bool:
        """Take one token; False when there is none."""
        self._fill(now)
        if self._tokens < 1 - _NEARLY:
            return False
        self._tokens = max(0.0, self._tokens - 1)
        return True

    def wait(self, now: float) -> float:
        """Return in how many seconds there will be a token; 0 when there is one."""
        self._fill(now)
        missing = 1 - self._tokens
        return missing / self._pace.per_second if missing > _NEARLY else 0.0

    def is_full(self, now: float) -> bool:
        """Say whether it is as one that nobody has ever used."""
        self._fill(now)
        return self._tokens >= self._pace.burst

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._tokens = min(self._pace.burst, self._tokens + passed * self._pace.per_second)
        self._at = max(self._at, now)


class Line:
    """Those who found no token, one behind the other: each is told when to come again.

    All workers of the cluster serve those who come, so the line moves at the pace of the whole
    limit, whatever the share of whoever keeps it.
    """

    __slots__ = ("_end",)

    def __init__(self) -> None:
        self._end = 0.0
        """When the last of them comes."""

    def is_empty(self, now: float) -> bool:
        """Say whether everybody has been told to come by now."""
        return self._end <= now

    def join(self, now: float, wait: float, per_second: float, longest: float) -> float:
        """Return in how many seconds to come: after `wait` and all others, at most `longest`."""
        earliest = now + wait
        if not self.is_empty(now):
            earliest = max(earliest, self._end + 1 / per_second)
        self._end = min(now + longest, earliest)
        return self._end - now
