"""How often logging in may fail: a sliding window for each key. Pure; time is an argument."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

KEYS_KEPT: Final = 20_000
"""Keys that are remembered; beyond that the ones longest unused are forgotten."""


class _Key:
    __slots__ = ("here", "told", "under_way")

    def __init__(self) -> None:
        self.under_way = 0
        """Tries that nobody has judged yet."""
        self.here: list[datetime] = []
        """Failures that the ledger has not been told of, or has not answered yet."""
        self.told: tuple[datetime, ...] = ()
        """Failures on all nodes, as the ledger said last; oldest first."""


class Throttle:
    """At most `limit` failures of a key within `window`.

    Tries under way may all fail: no more are let through at the same time than failures are left.
    """

    def __init__(self, limit: int, window: timedelta) -> None:
        self._limit = limit
        self._window = window
        self._keys: OrderedDict[str, _Key] = OrderedDict()

    def blocked_until(self, keys: Collection[str], now: datetime) -> datetime | None:
        """Return when all of `keys` may try again; None when they may now."""
        waits = [until for key in keys if (until := self._until(key, now)) is not None]
        return max(waits, default=None)

    def begin(self, keys: Collection[str], now: datetime) -> bool:
        """Count a try of each key; False, and nothing is counted, when it may be one too many."""
        entries = [self._keys.get(key) for key in keys]
        taken = [entry.under_way + len(self._failures(entry, now)) for entry in entries if entry]
        if any(count >= self._limit for count in taken):
            return False
        for key in keys:
            self._entry(key).under_way += 1
        return True

    def end(self, keys: Collection[str], failed_at: datetime | None) -> None:
        """Take note that a try is over; None when it succeeded or could not be judged."""
        for key in keys:
            entry = self._entry(key)
            entry.under_way = max(0, entry.under_way - 1)
            if failed_at is not None:
                entry.here.append(failed_at)
            elif not (entry.under_way or entry.here or entry.told):
                del self._keys[key]

    def learn(self, key: str, failed_at: datetime, failures: Sequence[datetime]) -> None:
        """Count `failures`, which happened on all nodes, instead of the one here at `failed_at`.

        Answers may come in another order than they were given: the older one is not believed.
        """
        entry = self._entry(key)
        if failed_at in entry.here:
            entry.here.remove(failed_at)
        known = (entry.told, tuple(failures[-self._limit :]))
        entry.told = max(known, key=lambda times: (times[-1:], len(times)))

    def _entry(self, key: str) -> _Key:
        entry = self._keys.setdefault(key, _Key())
        self._keys.move_to_end(key)
        if len(self._keys) > KEYS_KEPT:
            self._keys.popitem(last=False)
        return entry

    def _failures(self, entry: _Key, now: datetime) -> list[datetime]:
        """Return what counts, oldest first."""
        return sorted(at for at in (*entry.told, *entry.here) if at + self._window > now)

    def _until(self, key: str, now: datetime) -> datetime | None:
        entry = self._keys.get(key)
        if entry is None:
            return None
        failures = self._failures(entry, now)
        if not failures:
            if not entry.under_way:
                del self._keys[key]
            return None
        return failures[-self._limit] + self._window if len(failures) >= self._limit else None
