"""What each worker gets of a limit of the cluster."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.share import Share, share_in
from tests.support.clock import START
from tracker.model import Census, Lease, LeaseToken

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("limit", "shares"),
    [
        pytest.param(20, [20], id="alone"),
        pytest.param(20, [10, 10], id="divides"),
        pytest.param(3, [2, 1], id="one over"),
        pytest.param(20, [6, 7, 7], id="two over"),
        pytest.param(1, [1, 0], id="fewer than workers"),
        pytest.param(2, [1, 1, 0, 0], id="far fewer than workers"),
        pytest.param(0, [0, 0], id="nothing"),
    ],
)
def test_shares_of_a_group(limit: int, shares: list[int]) -> None:
    workers = len(shares)
    assert [Share(rank, workers).of(limit, "example.net") for rank in range(workers)] == shares


def test_who_has_one_more_differs_between_groups() -> None:
    groups = [f"mx{number}.example" for number in range(400)]
    owned = [sum(Share(rank, 4).of(1, group) for group in groups) for rank in range(4)]
    assert sum(owned) == 400
    assert all(60 <= each <= 140 for each in owned)


@given(limit=st.integers(0, 10_000), workers=st.integers(1, 200), group=st.text())
def test_shares_sum_to_the_limit_and_are_even(limit: int, workers: int, group: str) -> None:
    shares = [Share(rank, workers).of(limit, group) for rank in range(workers)]
    assert sum(shares) == limit
    assert max(shares) - min(shares) <= 1


@given(
    small=st.integers(0, 50), more=st.integers(0, 50), workers=st.integers(1, 60), group=st.text()
)
def test_whoever_has_of_a_small_limit_has_no_less_of_a_larger(
    small: int, more: int, workers: int, group: str
) -> None:
    for rank in range(workers):
        share = Share(rank, workers)
        assert share.of(small, group) <= share.of(small + more, group)


def census(*leases: tuple[str, int]) -> Census:
    """Return a census of tokens and the minutes for which each is still alive."""
    return Census(
        now=START,
        leases=tuple(
            Lease(
                token=LeaseToken(token),
                node="a",
                worker=0,
                opened_at=START,
                renewed_at=START,
                until=START + minutes * MINUTE,
            )
            for token, minutes in leases
        ),
    )


@pytest.mark.parametrize(
    ("lease", "share"),
    [
        pytest.param("A", Share(0, 3), id="first"),
        pytest.param("D", Share(2, 3), id="last, the dead are not counted"),
        pytest.param("B", None, id="run out"),
        pytest.param("X", None, id="unknown"),
    ],
)
def test_the_share_follows_the_living(lease: str, share: Share | None) -> None:
    living = census(("D", 1), ("A", 1), ("B", 0), ("C", 2))
    assert share_in(living, LeaseToken(lease)) == share
