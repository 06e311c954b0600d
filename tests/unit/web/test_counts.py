"""Numbers that say how far they were counted."""

import pytest

from tracker.model import Status
from tracker.views import Counts
from web.track.counts import number_of

BOTH = frozenset({Status.BOUNCED, Status.EXPIRED})


@pytest.mark.parametrize(
    ("found", "cut", "shown"),
    [
        ({}, set(), "0"),
        ({Status.BOUNCED: 7, Status.EXPIRED: 5, Status.QUEUED: 90}, set(), "12"),
        ({Status.BOUNCED: 7, Status.EXPIRED: 5}, {Status.EXPIRED}, "12+"),
        ({Status.BOUNCED: 7}, {Status.QUEUED}, "7"),
        ({}, {Status.BOUNCED}, "0+"),
        ({Status.BOUNCED: 1000}, set(), "1,000"),
        ({Status.BOUNCED: 1001}, set(), "1,000+"),
        ({Status.BOUNCED: 600, Status.EXPIRED: 600}, set(), "1,000+"),
    ],
)
def test_a_number_says_whether_there_are_more(
    found: dict[Status, int], cut: set[Status], shown: str
) -> None:
    counts = Counts(found)
    counts.cut = frozenset(cut)
    number = number_of(counts, BOTH)
    assert str(number) == shown
    assert number.is_none == (shown == "0")
