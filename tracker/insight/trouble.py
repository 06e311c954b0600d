"""Failures on our side: of which kind, at which places, and whether somebody has read of them."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from tracker.explain import Category
from tracker.model import Attempt


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Failures of one kind at one place that are ours to mend."""

    category: Category
    place: str
    count: int
    first_at: datetime
    last_at: datetime
    example: Attempt | None
    read_by: str
    """Who has marked it as read; empty when nobody has."""
    read_at: datetime | None

    @property
    def is_unread(self) -> bool:
        """True when it has come up since somebody read it."""
        return self.read_at is None or self.last_at > self.read_at


class TroubleKind(msgspec.Struct, frozen=True, kw_only=True):
    """Failures of one kind, wherever they came up."""

    category: Category
    places: int
    unread: int
    """Places that nobody has read of."""
    count: int
    first_at: datetime
    last_at: datetime
    troubles: tuple[Trouble, ...]
    """Some of the places: unread ones first, of those the latest first."""


class TroubleKey(NamedTuple):
    """Where a place stands among those of its kind, of which the latest is the first."""

    last_at: datetime
    place: str
