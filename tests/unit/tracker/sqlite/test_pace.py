"""Groups wait for company where it comes, and event loops for disks that are quick."""

from collections.abc import Iterator

import pytest

from tracker.sqlite.pace import AVOID, COMPANY, GATHER, RETRY, STALL, STALLS, Disk, Pace

TAKES = 0.0005
"""Seconds that a commit takes."""
APART = 0.00025
"""Seconds between two clients that come back."""


def circle(pace: Pace, clients: int, rest: float, seconds: float) -> Iterator[tuple[int, float]]:
    """Let each of `clients` come back `rest` seconds after it was served.

    Yields how many each group had, and how long the first of them had waited when it began.
    """
    now, coming = 0.0, [n * APART for n in range(clients)]
    while now < seconds:
        coming.sort()
        now = max(now, coming[0])
        waiting = 1
        while True:
            begins_at = pace.begins_at(waiting, now)
            following = coming[waiting] if waiting < len(coming) else float("inf")
            if following > begins_at:
                break
            now, waiting = max(now, following), waiting + 1
        now = max(now, begins_at)
        pace.begin(waiting, now)
        yield waiting, now - coming[0]
        now += TAKES
        coming[:waiting] = [now + rest + n * APART for n in range(waiting)]


def test_the_first_group_begins_at_once() -> None:
    assert Pace().begins_at(1, 5.0) == 5.0


@pytest.mark.parametrize("rest", [0.0003, 0.001, 0.01, 0.1])
def test_a_single_client_hardly_ever_waits(rest: float) -> None:
    """It comes again as soon as it is served, so nobody joins it however long it waits."""
    waits = [wait for _, wait in circle(Pace(), 1, rest, seconds=20)]
    assert sum(waits) < 0.1 * 20
    assert max(waits) <= GATHER


def test_with_little_to_do_nothing_waits() -> None:
    pace, now = Pace(), 0.0
    for _ in range(1000):
        now += 0.02
        assert pace.begins_at(1, now) == now
        pace.begin(1, now)


@pytest.mark.parametrize("clients", [8, 20, 100])
def test_many_clients_gather(clients: int) -> None:
    groups = list(circle(Pace(), clients, rest=0.002, seconds=2))
    late = groups[len(groups) // 2 :]
    assert sum(size for size, _ in late) / len(late) > min(clients, 20) / 2
    assert max(wait for _, wait in groups) <= GATHER + TAKES


def test_when_all_are_there_nobody_waits_on() -> None:
    """Where every client waits already, no other can come until they have been served."""
    groups = list(circle(Pace(), 10, rest=0.002, seconds=2))
    waits = [wait for _, wait in groups[len(groups) // 2 :]]
    assert sum(waits) / len(waits) < GATHER / 2


def test_it_stops_when_company_stays_away() -> None:
    pace = Pace()
    groups = list(circle(pace, 20, rest=0.002, seconds=1))
    assert groups[-1][0] > COMPANY
    now = 1.1
    for _ in range(20):
        now = pace.begins_at(1, now + 0.001)
        pace.begin(1, now)
    assert pace.begins_at(1, now + 0.001) == now + 0.001
    assert RETRY > 20 * 0.001


@pytest.mark.parametrize("pause", [1.0, 3600.0])
def test_after_a_pause_the_first_does_not_wait(pause: float) -> None:
    pace = Pace()
    *_, (_, _) = circle(pace, 20, rest=0.002, seconds=1)
    now = 1.1 + pause
    assert pace.begins_at(1, now) == now


def test_a_disk_is_quick_until_it_stalls_several_times_in_a_row() -> None:
    disk = Disk()
    for _ in range(10):
        for _ in range(STALLS - 1):
            disk.note(2 * STALL, 1.0)
        disk.note(STALL / 2, 1.0)
    assert disk.is_quick(1.0)
    for _ in range(STALLS):
        disk.note(2 * STALL, 1.0)
    assert not disk.is_quick(1.0 + 0.9 * AVOID)
    assert disk.is_quick(1.0 + AVOID)


def test_a_slow_disk_gets_one_chance_at_a_time() -> None:
    disk = Disk()
    for _ in range(STALLS):
        disk.note(2 * STALL, 1.0)
    disk.note(2 * STALL, 1.0 + AVOID)
    assert not disk.is_quick(1.0 + 1.5 * AVOID)
    disk.note(STALL / 2, 1.0 + 2 * AVOID)
    assert disk.is_quick(1.0 + 2 * AVOID)
