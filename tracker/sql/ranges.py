"""Ranges of ids that a search looks through, and where it begins and ends."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tracker.model import RecipientId

Range = tuple[str, str]
"""From an id to an id, both of them included."""

BEHIND_ALL: Final = "~"


class Bounds(NamedTuple):
    """Which ids are wanted: between two of them, which are left out, and from which end on."""

    before: RecipientId | None
    after: RecipientId | None
    newest_first: bool

    def within(self, after: str, before: str) -> "Bounds":
        """Return those that also lie between two others."""
        high = before if self.before is None else min(self.before, before)
        low = after if self.after is None else max(self.after, after)
        return self._replace(before=RecipientId(high), after=RecipientId(low))

    def clamp(self, identifier: str) -> RecipientId:
        """Return it, or the bound that it is beyond."""
        high = identifier if self.before is None else min(self.before, identifier)
        return RecipientId(high if self.after is None else max(self.after, high))

    @property
    def ends(self) -> Range:
        """The lowest id that may be wanted, and one above the highest."""
        return above(self.after) if self.after else "", self.before or BEHIND_ALL


def clipped(ranges: Iterable[Range], low: str, high: str) -> Iterator[Range]:
    """Yield what of ranges is from `low` on and below `high`."""
    for first, last in ranges:
        if (start := max(first, low)) <= last and start < high:
            yield start, last if last < high else below(high)


def apart(ranges: Iterable[Range]) -> list[Range]:
    """Return ranges in order, without what is within another one."""
    kept = list[Range]()
    for first, last in sorted(ranges, key=_by_first):
        if not kept or first > kept[-1][1]:
            kept.append((first, last))
    return kept


def _by_first(bounds: Range) -> tuple[str, bool]:
    """Order ranges so that a block comes before whoever is alone and its first."""
    first, last = bounds
    return first, first == last


def above(identifier: str) -> str:
    """Return what is above `identifier` and below every other id that is."""
    return identifier + "0"


def below(identifier: str) -> str:
    """Return what is below `identifier` and above every other id that is."""
    return identifier[:-1] + chr(ord(identifier[-1]) - 1) + "~"
