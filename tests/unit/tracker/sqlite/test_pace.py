"""Groups wait for company where it comes, and event loops for disks that are quick."""

import pytest

from tracker.sqlite.pace import AVOID, COMPANY, GATHER, RETRY, STALL, STALLS, Disk, Pace


def play(
    pace: Pace, *, steps: int, every: float, seconds: float, start: float = 0.0
) -> list[float]:
    """Let groups of `steps` be ready `every` seconds; return how long each had to wait."""
    waits, now = [], start
    while now < start + seconds:
        now += every
        begins_at = max(now, pace.begins_at(now))
        waits.append(begins_at - now)
        # What comes while the group waits joins it.
        pace.begin(steps + int((begins_at - now) / every * steps), begins_at)
        now = begins_at
    return waits


def test_the_first_group_begins_at_once() -> None:
    assert Pace().begins_at(5.0) <= 5.0


def test_with_little_to_do_nothing_waits() -> None:
    assert max(play(Pace(), steps=1, every=0.01, seconds=5)) == 0


def test_under_load_groups_gather() -> None:
    waits = play(Pace(), steps=2, every=0.0005, seconds=1)
    assert max(waits) <= GATHER
    late = waits[len(waits) // 2 :]
    assert min(late) > GATHER / 2


def test_a_single_fast_client_is_made_to_wait_once_in_a_while() -> None:
    """It comes again as soon as it is served, so nobody joins it however long it waits."""
    pace, now, waits = Pace(), 0.0, []
    while now < 10:
        now += 0.0005
        begins_at = max(now, pace.begins_at(now))
        waits.append(begins_at - now)
        now = begins_at
        pace.begin(2, now)
    assert sum(wait > 0 for wait in waits) <= 10 / RETRY
    assert sum(waits) < 0.01 * 10


def test_it_stops_when_company_stays_away() -> None:
    pace = Pace()
    play(pace, steps=2, every=0.0005, seconds=1)
    assert pace.begins_at(1.0005) > 1.0005
    pace.begin(COMPANY - 1, 1.01)
    assert pace.begins_at(1.0101) <= 1.0101


@pytest.mark.parametrize("pause", [1.0, 3600.0])
def test_after_a_pause_the_first_does_not_wait(pause: float) -> None:
    pace = Pace()
    play(pace, steps=2, every=0.0005, seconds=1)
    assert pace.begins_at(1 + pause) <= 1 + pause


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
