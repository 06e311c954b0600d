"""Numbers that are counted so far and no further. Pure."""

from collections.abc import Collection
from typing import Final, NamedTuple

from tracker.model import Status
from tracker.views import Counts, RefusalCount

COUNTED: Final = 1000
"""Counts above it are shown as "1,000+"."""


class Number(NamedTuple):
    """A count that may have been cut off: there are so many at least."""

    value: int
    cut: bool

    def __str__(self) -> str:
        return f"{self.value:,}+" if self.cut else f"{self.value:,}"

    @property
    def is_none(self) -> bool:
        """True when there are none for sure."""
        return not self.value and not self.cut


def number_of(counts: Counts, statuses: Collection[Status]) -> Number:
    """Return how many recipients with these statuses were counted.

    It is cut where there are more than are counted, or where the time for counting was over.
    """
    found = sum(counts.get(status, 0) for status in statuses)
    is_unfinished = not counts.cut.isdisjoint(statuses)
    return Number(min(found, COUNTED), cut=found > COUNTED or is_unfinished)


def refused_number(count: RefusalCount) -> Number:
    """Return how many submissions were not taken."""
    return Number(min(count.found, COUNTED), cut=count.found > COUNTED or count.cut)
