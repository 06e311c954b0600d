"""What readers get about many deliveries at once."""

from datetime import datetime
from typing import Final

import msgspec

from tracker.explain import Category
from tracker.model import Attempt

CAP: Final = 1000
"""Counts are exact up to this one."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages got an answer."""

    own: int
    """Of those in the reader's scope; more than CAP when it was not counted further."""
    everybody: int
    """Of the whole relay; which ones, nobody learns."""


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """Whether others have met the same answer at the same place."""

    destination: str
    place: str
    """Whose servers they are; the destination where none answered."""
    hour: Count
    day: Count
    at_destination: Count
    """Those of the day that were for the same destination."""
    since: datetime | None
    """The first such answer within a day; later than the last success when there was none since."""
    accepted_at: datetime | None
    """When the destination last took a message."""
    place_accepted_at: datetime | None
    """When any destination with the same servers did."""
    waiting: Count
    """Recipients that wait for the destination."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Recipients that wait for one destination, but for those that are being tried or held."""

    count: Count
    oldest_at: datetime | None
    """When the one in the reader's scope was accepted that waits for the longest."""


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a destination: how often, and a message that got it."""

    category: Category
    count: int
    first_at: datetime
    last_at: datetime
    example: Attempt | None
    """None when its message is not on record any more."""
