"""Groups wait for those who are about to come, and event loops for disks that are quick."""

from collections.abc import Iterator

import pytest

from tracker.sqlite.pace import AVOID, GATHER, STALL, STALLS, Disk, Pace

TAKES = 0.0005
"""Seconds that a commit takes."""
APART = 0.00025
"""Seconds between two clients that come back."""
TALK = 0.0015
"""Seconds from the first word of a client until its message is there."""


def circle(pace: Pace, clients: int, rest: float, seconds: float) -> Iterator[tuple[int, float]]:
    """Let each of `clients` bring the next message `rest` seconds after it was served.

    Yields how many each group had, and how long the first of them had waited when it began.
    """
    now, began, coming = 0.0, float("-inf"), [n * APART for n in range(clients)]
    while now < seconds:
        coming.sort()
        now = max(now, coming[0])
        waiting = 1
        while True:
            present = sum(began < each and each - TALK <= now for each in coming)
            begins_at = pace.begins_at(waiting, present, now)
            following = coming[waiting] if waiting < len(coming) else float("inf")
            if following > begins_at:
                break
            now, waiting = max(now, following), waiting + 1
        now = began = max(now, begins_at)
        pace.begin(waiting, now)
        yield waiting, now - coming[0]
        now += TAKES
        coming[:waiting] = [now + rest + n * APART for n in range(waiting)]


def test_the_first_group_begins_at_once() -> None:
    assert Pace().begins_at(1, 5, 5.0) == 5.0


@pytest.mark.parametrize("rest", [0.0003, 0.001, 0.01, 0.1])
def test_a_single_client_never_waits(rest: float) -> None:
    assert {wait for _, wait in circle(Pace(), 1, rest, seconds=5)} == {0.0}


def test_with_little_to_do_nobody_waits_for_others() -> None:
    pace, now = Pace(), 0.0
    for _ in range(1000):
        now += 0.02
        assert pace.begins_at(1, 2, now) == now
        pace.begin(1, now)


@pytest.mark.parametrize("clients", [8, 20, 100])
def test_many_clients_gather(clients: int) -> None:
    groups = list(circle(Pace(), clients, rest=0.002, seconds=2))
    late = groups[len(groups) // 2 :]
    assert sum(size for size, _ in late) / len(late) > min(clients, 20) / 2
    assert max(wait for _, wait in groups) <= GATHER + TAKES


@pytest.mark.parametrize("clients", [8, 10, 20])
def test_when_all_are_there_nobody_waits_on(clients: int) -> None:
    """Whoever is served comes back later: the first has waited for the last, and no longer."""
    groups = list(circle(Pace(), clients, rest=0.002, seconds=2))
    for size, wait in groups[len(groups) // 2 :]:
        assert size == clients
        assert wait == pytest.approx((clients - 1) * APART)


def under_load() -> tuple[Pace, float]:
    """Return a pace that has seen many clients, and the time."""
    pace, now = Pace(), 0.0
    for _ in range(100):
        now += GATHER
        pace.begin(20, now)
    return pace, now


def test_one_who_never_ends_is_waited_for_no_longer_than_it_pays() -> None:
    pace, began = under_load()
    assert pace.begins_at(1, 2, began + 0.003) == began + GATHER
    late = began + 2 * GATHER
    assert pace.begins_at(1, 2, late) == late


def test_under_load_all_who_are_present_are_enough() -> None:
    pace, began = under_load()
    assert pace.begins_at(7, 7, began + 0.003) == began + 0.003


def test_who_brings_mail_by_another_way_is_not_counted_as_present() -> None:
    """What the relay itself writes, such as a message that is sent again, waits for nobody."""
    pace, began = under_load()
    assert pace.begins_at(1, 0, began + 0.003) == began + 0.003


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
