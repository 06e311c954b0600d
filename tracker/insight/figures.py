"""Counts by time, and by what they are counted."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

SLOT: Final = timedelta(minutes=15)
"""The step of time of statistics: a day is made of whole ones in every time zone."""

SPEEDS: Final[Sequence[timedelta]] = (
    timedelta(seconds=1),
    timedelta(seconds=2),
    timedelta(seconds=5),
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(days=1),
)
"""Upper ends of the classes of time from our acceptance to theirs; one more is above the last."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def slot_start(slot: int) -> datetime:
    """Return when a slot begins; they are counted since 1970 UTC."""
    return _EPOCH + slot * SLOT


class Measure(StrEnum):
    """What is counted."""

    RECIPIENT = "recipient"
    """A recipient, at the time when we accepted it, by where it stands."""
    ATTEMPT = "attempt"
    """An attempt, at the time when it ended, by its outcome."""


class Dimension(StrEnum):
    """What figures can be told apart by."""

    SLOT = "slot"
    ACCOUNT = "account"
    ACCOUNT_DOMAIN = "account_domain"
    DESTINATION = "destination"
    RESULT = "result"
    """A status of recipients, an outcome of attempts."""
    CATEGORY = "category"
    """Of the last attempt; empty where there was none."""
    ORIGIN = "origin"
    SPEED = "speed"
    """The class of the time to accept; -1 where it was not accepted."""


class Figure(NamedTuple):
    """So many, of those that have these keys."""

    keys: tuple[str | int, ...]
    """In the order of the dimensions that were asked for."""
    number: int


def speed_of(taken: timedelta) -> int:
    """Return the class that a time to accept belongs to."""
    return next((n for n, end in enumerate(SPEEDS) if taken <= end), len(SPEEDS))


def within(counts: Sequence[tuple[int, int]], share: float) -> timedelta | None:
    """Return the end of the class in which `share` of them all are; None above the last one.

    `counts` are classes and how many are in each; also None when there is nothing.
    """
    total = sum(count for _, count in counts)
    reached = 0
    for speed, count in sorted(counts):
        reached += count
        if total and reached >= share * total:
            return SPEEDS[speed] if speed < len(SPEEDS) else None
    return None
