"""The state table of a recipient."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model import Status
from tracker.states import ARROWS, FINAL, OPEN, IllegalChange, before, check


def test_every_status_is_open_or_final() -> None:
    assert set(Status) == OPEN | FINAL
    assert not OPEN & FINAL
    assert set(ARROWS) == set(Status)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_no_arrow_leaves_a_final_status(status: Status) -> None:
    for after in Status:
        with pytest.raises(IllegalChange):
            check(status, after)


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_open_status_can_come_to_an_end_without_delivery(status: Status) -> None:
    check(status, Status.EXPIRED)
    check(status, Status.CANCELLED)


@pytest.mark.parametrize(
    ("was", "after"),
    [
        (Status.HELD, Status.DELIVERED),
        (Status.HELD, Status.BOUNCED),
        (Status.DEFERRED, Status.QUEUED),
        (Status.DELIVERED, Status.BOUNCED),
        (Status.BOUNCED, Status.QUEUED),
    ],
)
def test_what_never_happens(was: Status, after: Status) -> None:
    with pytest.raises(IllegalChange) as caught:
        check(was, after)
    assert str(caught.value) == f"a recipient that is {was} cannot become {after}"


@given(st.lists(st.sampled_from(Status)))
def test_a_life_ends_once(wanted: list[Status]) -> None:
    """However statuses are asked for, the first final one is the last."""
    life = [Status.QUEUED]
    for status in wanted:
        if status in ARROWS[life[-1]]:
            check(life[-1], status)
            life.append(status)
    assert not FINAL.intersection(life[:-1])


@pytest.mark.parametrize(
    ("after", "whence"),
    [
        (Status.QUEUED, {Status.HELD}),
        (Status.HELD, {Status.QUEUED, Status.DEFERRED}),
        (Status.CANCELLED, OPEN),
        (Status.DELIVERED, {Status.QUEUED, Status.DEFERRED}),
    ],
)
def test_whence_a_status_is_reached(after: Status, whence: set[Status]) -> None:
    assert before(after) == whence
