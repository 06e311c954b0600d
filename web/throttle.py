"""How often something may fail: a sliding window for each key. Pure; time is an argument."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

KEYS_KEPT = 20_000
"""Keys that are remembered; beyond that the ones longest unused are forgotten."""


def network_of(address: str) -> str:
    """Return whom to count for a client address: itself, or the /64 of an IPv6 address.

    Whoever has one address of a /64 has all of them.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64)) + "/64"
    return str(parsed)


class Throttle:
    """At most `limit` failures of a key within `window`.

    A try is counted when it begins and taken back when it succeeds, so that a thousand tries
    at the same time are not all let through before the first has failed.
    """

    def __init__(self, limit: int, window: timedelta) -> None:
        self._limit = limit
        self._window = window
        self._failures: OrderedDict[str, deque[datetime]] = OrderedDict()

    def blocked_until(self, keys: Iterable[str], now: datetime) -> datetime | None:
        """Return when all of `keys` may try again; None when they may now."""
        waits = [until for key in keys if (until := self._until(key, now)) is not None]
        return max(waits, default=None)

    def begin(self, keys: Iterable[str], now: datetime) -> None:
        """Count a try of each key."""
        for key in keys:
            times = self._failures.setdefault(key, deque(maxlen=self._limit))
            times.append(now)
            self._failures.move_to_end(key)
        while len(self._failures) > KEYS_KEPT:
            self._failures.popitem(last=False)

    def take_back(self, keys: Iterable[str], began: datetime) -> None:
        """Uncount the try that began at `began`: it succeeded, or could not be judged."""
        for key in keys:
            times = self._failures.get(key)
            if times is not None and began in times:
                times.remove(began)

    def _until(self, key: str, now: datetime) -> datetime | None:
        times = self._failures.get(key)
        if times is None:
            return None
        while times and times[0] + self._window <= now:
            times.popleft()
        if not times:
            del self._failures[key]
            return None
        return times[0] + self._window if len(times) >= self._limit else None
