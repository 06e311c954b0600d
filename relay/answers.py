"""Answers of the DNS in the form they are used in, for as long as they are good. Pure.

dnspython keeps answers too, but to find one there and to read it costs more than all else that is
done for a message. Times are seconds of a monotonic clock.
"""

from typing import Generic, TypeVar

_Records = TypeVar("_Records")


class Answers(Generic[_Records]):
    """Records by name."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` answers; with 0 none."""
        self._limit = limit
        self._known: dict[str, tuple[float, _Records]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, name: str, now: float) -> _Records | None:
        """Return what is known of `name` and still good."""
        known = self._known.get(name)
        if known is None:
            return None
        if known[0] <= now:
            del self._known[name]
            return None
        return known[1]

    def keep(self, name: str, records: _Records, until: float) -> None:
        """Keep `records` until then; what has been kept longest makes room."""
        if not self._limit:
            return
        self._known.pop(name, None)
        if len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        self._known[name] = (until, records)
