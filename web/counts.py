"""Numbers that are counted so far and no further. Pure."""

from collections.abc import Collection
from typing import Final, NamedTuple

from tracker.model import Status
from tracker.views import Counts

COUNTED: Final = 1000
"""Counts above it are shown as "1,000+"."""


class Number(NamedTuple):
    """A count that may have been cut off."""

    value: int
    cut: bool

    def __str__(self) -> str:
        return f"{COUNTED:,}+" if self.cut else f"{self.value:,}"


def number_of(counts: Counts, statuses: Collection[Status]) -> Number:
    """Return how many recipients with these statuses were counted."""
    found = [counts.get(status, 0) for status in statuses]
    return Number(sum(found), cut=any(one > COUNTED for one in found) or sum(found) > COUNTED)
