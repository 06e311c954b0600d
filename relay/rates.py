"""How many messages a minute a group of MX hosts gets from this worker.

The rate is that of the cluster: each of the W workers that send to the group has a bucket whose
tokens come at 1/W of it.
Whoever finds no token is told when to come again and waits in the ledger meanwhile.
"""

from relay.bucket import Bucket, Line, Pace

_SAVED = 6.0
"""Seconds whose tokens are saved up at most, though always one."""
_FORESIGHT = 3600.0
"""Seconds ahead that somebody is told to come at most: meanwhile the rate may be another."""
_REMEMBERED = 10_000
"""Groups after which those that need not be known any more are looked for."""


class _Group:
    __slots__ = ("bucket", "line")

    def __init__(self, pace: Pace, now: float) -> None:
        self.bucket = Bucket(pace, now)
        self.line = Line()

    def is_idle(self, now: float) -> bool:
        return self.line.is_empty(now) and self.bucket.is_full(now)


class Rates:
    """Tokens by MX group, one for each message. Times are seconds of a monotonic clock."""

    def __init__(self, per_minute: int) -> None:
        """`per_minute` holds for all workers together, 0 means no limit.

        This worker begins as the only one.
        """
        self._per_second = per_minute / 60
        self._workers = 1
        self._groups: dict[str, _Group] = {}
        self._room = _REMEMBERED

    def __len__(self) -> int:
        """Groups that are remembered."""
        return len(self._groups)

    @property
    def is_limited(self) -> bool:
        """False when everybody gets a token."""
        return bool(self._per_second)

    def rebalance(self, workers: int, now: float) -> None:
        """Be one of `workers` from now on."""
        if workers == self._workers:
            return
        self._workers = workers
        for group in self._groups.values():
            group.bucket.change(self._pace, now)

    def take(self, group: str, now: float, *, has_waited: bool) -> float:
        """Take a token: 0 when it was there, else in how many seconds to come again.

        Mail that has just been accepted does not overtake what waits in the ledger.
        """
        if not self._per_second:
            return 0.0
        entry = self._groups.get(group) or self._remember(group, now)
        if (has_waited or entry.line.is_empty(now)) and entry.bucket.take(now):
            return 0.0
        return entry.line.join(now, entry.bucket.wait(now), self._per_second, _FORESIGHT)

    def is_spent(self, group: str, now: float) -> bool:
        """Say whether there is no token for `group` at present."""
        entry = self._groups.get(group)
        return entry is not None and entry.bucket.wait(now) > 0

    @property
    def _pace(self) -> Pace:
        per_second = self._per_second / self._workers
        return Pace(per_second, max(1.0, per_second * _SAVED))

    def _remember(self, group: str, now: float) -> _Group:
        if len(self._groups) >= self._room:
            self._groups = {k: entry for k, entry in self._groups.items() if not entry.is_idle(now)}
            self._room = max(_REMEMBERED, 2 * len(self._groups))
        entry = self._groups[group] = _Group(self._pace, now)
        return entry
