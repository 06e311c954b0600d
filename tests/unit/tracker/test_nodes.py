from datetime import timedelta

import pytest

from tests.support.clock import START
from tracker.model import Census, Lease, LeaseToken, Load
from tracker.nodes import clock_of, nodes_of

SECOND = timedelta(seconds=1)


def make_lease(node: str, worker: int, *, age: int = 0, skew: float = 0.0, jobs: int = 1) -> Lease:
    """Return the lease, good for 30 s, of a worker that renewed it `age` seconds ago."""
    renewed_at = START - age * SECOND
    return Lease(
        token=LeaseToken(f"{node}-{worker}"),
        node=node,
        worker=worker,
        version="1.0",
        opened_at=START - timedelta(hours=worker + 1),
        renewed_at=renewed_at,
        until=renewed_at + 30 * SECOND,
        skew=skew * SECOND,
        load=Load(jobs=jobs, clients=2 * jobs),
    )


def test_without_leases_there_are_no_nodes() -> None:
    assert nodes_of(Census(now=START, leases=())) == ()


def test_a_node_is_its_workers_together() -> None:
    leases = (make_lease("b", 0), make_lease("a", 0, age=5, jobs=3), make_lease("a", 1, age=2))
    first, second = nodes_of(Census(now=START, leases=leases))
    assert (first.name, second.name) == ("a", "b")
    assert (first.workers, first.lost, first.serves) == (2, 0, True)
    assert first.load == Load(jobs=4, clients=8)
    assert first.seen_at == START - 2 * SECOND
    assert first.until == START + 28 * SECOND
    assert first.since == START - timedelta(hours=2)


def test_what_a_lost_worker_said_of_its_load_is_not_counted() -> None:
    leases = (make_lease("a", 0, age=31, jobs=50), make_lease("a", 1), make_lease("b", 0, age=30))
    first, second = nodes_of(Census(now=START, leases=leases))
    assert (first.workers, first.lost, first.load.jobs) == (1, 1, 1)
    assert (second.workers, second.lost, second.serves) == (0, 1, False)
    assert second.load == Load()


def test_the_latest_renewal_tells_the_skew() -> None:
    leases = (make_lease("a", 0, age=9, skew=60), make_lease("a", 1, age=1, skew=-5))
    (node,) = nodes_of(Census(now=START, leases=leases))
    assert node.skew == -5 * SECOND
    assert not node.is_off
    (node,) = nodes_of(Census(now=START, leases=(make_lease("a", 0, skew=-5.1),)))
    assert node.is_off


def test_two_versions_are_both_named() -> None:
    old, new = make_lease("a", 0), make_lease("a", 1)
    leases = (
        old,
        Lease(**{**{f: getattr(new, f) for f in new.__struct_fields__}, "version": "1.1"}),
    )
    assert nodes_of(Census(now=START, leases=leases))[0].versions == ("1.0", "1.1")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "in step"),
        (-0.4, "in step"),
        (0.5, "0.5 s ahead"),
        (-2.34, "2.3 s behind"),
        (60, "1 min ahead"),
        (-3900, "1 h 5 min behind"),
        (7200, "2 h 0 min ahead"),
    ],
)
def test_a_clock_in_words(seconds: float, words: str) -> None:
    assert clock_of(seconds * SECOND) == words
