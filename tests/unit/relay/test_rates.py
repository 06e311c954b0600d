"""Messages a minute, by group."""

import pytest

from relay.rates import Rates


def served(rates: Rates, at: float, count: int, group: str = "mx", *, fresh: bool = False) -> int:
    """Return how many of `count` messages get a token."""
    return sum(not rates.take(group, at, has_waited=not fresh) for _ in range(count))


def test_without_a_limit_nobody_waits_and_nothing_is_remembered() -> None:
    rates = Rates(0)
    assert served(rates, 0, 1000) == 1000
    assert not rates.is_spent("mx", 0)


def test_the_limit_is_one_of_each_group() -> None:
    rates = Rates(60)
    assert served(rates, 0, 10) == 6, "six seconds' worth is saved up"
    assert served(rates, 0, 10, "other") == 6
    assert rates.is_spent("mx", 0.5)
    assert not rates.is_spent("mx", 1)
    assert not rates.is_spent("unknown", 0)
    assert served(rates, 3, 10) == 3


@pytest.mark.parametrize(
    ("workers", "at_once", "in_a_minute"),
    [(1, 12, 120), (2, 6, 60), (3, 4, 40), (24, 1, 5)],
)
def test_a_worker_has_its_part(workers: int, at_once: int, in_a_minute: int) -> None:
    rates = Rates(120)
    rates.rebalance(workers, 0)
    assert served(rates, 0, 100) == at_once
    assert sum(served(rates, second, 100) for second in range(1, 61)) == in_a_minute


def test_a_part_changes_at_once() -> None:
    rates = Rates(60)
    assert served(rates, 0, 6) == 6
    rates.rebalance(2, 0)
    assert served(rates, 2, 9) == 1
    rates.rebalance(1, 2)
    assert served(rates, 4, 9) == 2


def test_who_finds_none_is_told_when_each_in_turn() -> None:
    rates = Rates(60)
    served(rates, 0, 6)
    assert [rates.take("mx", 0, has_waited=True) for _ in range(3)] == pytest.approx([1, 2, 3])
    assert [served(rates, second, 2) for second in (1, 2, 3)] == [1, 1, 1]


def test_new_mail_does_not_overtake_what_waits() -> None:
    rates = Rates(60)
    served(rates, 0, 8)
    assert rates.take("mx", 1, has_waited=False) > 0
    assert served(rates, 1, 1) == 1
    assert served(rates, 30, 6, fresh=True) == 6, "nobody waits any more"


def test_nobody_is_told_to_come_after_more_than_an_hour() -> None:
    rates = Rates(1)
    waits = [rates.take("mx", 0, has_waited=True) for _ in range(100)]
    assert waits[:3] == pytest.approx([0, 60, 120])
    assert max(waits) == 3600


def test_groups_that_nobody_uses_are_forgotten_and_others_are_not() -> None:
    rates = Rates(60)
    served(rates, 0, 6, "spent")
    for number in range(10_001):
        rates.take(f"mx{number}", 5, has_waited=True)
    assert served(rates, 5, 6, "spent") == 5
    for number in range(10_001, 20_002):
        rates.take(f"mx{number}", 100, has_waited=True)
    assert len(rates) <= 10_002
