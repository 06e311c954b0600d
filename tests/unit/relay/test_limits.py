"""Slots of a group of hosts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.limits import GroupSlots, NoSlots
from relay.share import Share


@asynccontextmanager
async def slot(slots: GroupSlots, group: str) -> AsyncIterator[None]:
    """Hold a slot of `group`."""
    await slots.take(group)
    try:
        yield
    finally:
        slots.free(group)


async def hold(slots: GroupSlots, group: str, release: asyncio.Event, order: list[str]) -> None:
    async with slot(slots, group):
        order.append(group)
        await release.wait()


async def test_no_more_than_the_limit_at_once_and_first_come_first_served() -> None:
    slots = GroupSlots(initial=2, maximum=5)
    release, order = asyncio.Event(), list[str]()
    tasks = [asyncio.create_task(hold(slots, "mx", release, order)) for _ in range(3)]
    other = asyncio.create_task(hold(slots, "other", release, order))
    await asyncio.sleep(0)
    assert order == ["mx", "mx", "other"]
    release.set()
    await asyncio.gather(*tasks, other)
    assert order == ["mx", "mx", "other", "mx"]


async def test_n_good_deliveries_earn_one_more_and_bad_ones_take_it_back() -> None:
    slots = GroupSlots(initial=2, maximum=4)
    async with slot(slots, "mx"):
        limits = []
        for _ in range(3):
            slots.feed_back("mx", good=True)
            limits.append(slots.limit("mx"))
        assert limits == [2, 2, 3]
        for _ in range(100):
            slots.feed_back("mx", good=True)
        assert slots.limit("mx") == 4
        for _ in range(100):
            slots.feed_back("mx", good=False)
        assert slots.limit("mx") == 1


async def test_growth_lets_a_waiter_in() -> None:
    slots = GroupSlots(initial=1, maximum=2)
    release, order = asyncio.Event(), list[str]()
    tasks = [asyncio.create_task(hold(slots, "mx", release, order)) for _ in range(2)]
    await asyncio.sleep(0)
    assert len(order) == 1
    slots.feed_back("mx", good=True)
    await asyncio.sleep(0)
    assert len(order) == 2
    release.set()
    await asyncio.gather(*tasks)


async def test_a_waiter_that_is_cancelled_costs_no_slot() -> None:
    slots = GroupSlots(initial=1, maximum=1)
    release, order = asyncio.Event(), list[str]()
    holder = asyncio.create_task(hold(slots, "mx", release, order))
    await asyncio.sleep(0)
    gone = asyncio.create_task(hold(slots, "mx", release, order))
    last = asyncio.create_task(hold(slots, "mx", release, order))
    await asyncio.sleep(0)
    gone.cancel()
    release.set()
    await asyncio.gather(holder, last)
    assert order == ["mx", "mx"]


async def test_a_waiter_cancelled_as_its_slot_arrives_passes_it_on() -> None:
    slots = GroupSlots(initial=1, maximum=1)
    first, order = asyncio.Event(), list[str]()
    holder = asyncio.create_task(hold(slots, "mx", first, order))
    await asyncio.sleep(0)
    gone = asyncio.create_task(hold(slots, "mx", asyncio.Event(), order))
    await asyncio.sleep(0)
    first.set()
    await holder
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    done = asyncio.Event()
    done.set()
    async with asyncio.timeout(90):
        await hold(slots, "mx", done, order)
    assert order[-1] == "mx"


async def test_a_waiter_cancelled_just_before_a_slot_is_free_is_not_in_the_way() -> None:
    slots = GroupSlots(initial=1, maximum=2)
    release, order = asyncio.Event(), list[str]()
    tasks = [asyncio.create_task(hold(slots, "mx", release, order)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    slots.feed_back("mx", good=True)  # it is passed over before it hears of its end
    release.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]


# --- the share of a worker -------------------------------------------------------------------

GROUP = "example.net"
"""With one slot among two workers, the first has it."""
NOBODY_ELSE, FIRST, SECOND = Share(0, 1), Share(0, 2), Share(1, 2)


@pytest.mark.parametrize(
    ("initial", "maximum", "workers", "limits", "maxima"),
    [
        pytest.param(5, 20, 1, [5], [20], id="alone"),
        pytest.param(5, 20, 2, [3, 2], [10, 10], id="two"),
        pytest.param(2, 20, 4, [1, 1, 1, 1], [5, 5, 5, 5], id="begins with one at least"),
        pytest.param(1, 3, 4, [1, 1, 1, 0], [1, 1, 1, 0], id="none for one"),
        pytest.param(1, 1, 3, [1, 0, 0], [1, 0, 0], id="one for all"),
    ],
)
def test_every_worker_has_its_share(
    initial: int, maximum: int, workers: int, limits: list[int], maxima: list[int]
) -> None:
    cluster = [GroupSlots(initial=initial, maximum=maximum) for _ in range(workers)]
    for rank, slots in enumerate(cluster):
        slots.rebalance(Share(rank, workers))
    assert sorted((slots.maximum(GROUP) for slots in cluster), reverse=True) == maxima
    assert sorted((slots.limit(GROUP) for slots in cluster), reverse=True) == limits


async def test_slots_that_are_lost_are_given_up_as_deliveries_end() -> None:
    slots = GroupSlots(initial=4, maximum=4)
    ends, order = [asyncio.Event() for _ in range(6)], list[str]()
    tasks = [asyncio.create_task(hold(slots, GROUP, end, order)) for end in ends]
    await asyncio.sleep(0)
    assert len(order) == 4
    slots.rebalance(FIRST)
    for count, end in enumerate(ends[:3], start=1):
        end.set()
        await tasks[count - 1]
        await asyncio.sleep(0)
        assert len(order) == (4 if count < 3 else 5), f"{4 - count} go on, two may"
    for end in ends:
        end.set()
    await asyncio.gather(*tasks)


async def test_slots_that_are_gained_may_be_used_at_once() -> None:
    slots = GroupSlots(initial=2, maximum=2)
    slots.rebalance(FIRST)
    release, order = asyncio.Event(), list[str]()
    tasks = [asyncio.create_task(hold(slots, GROUP, release, order)) for _ in range(2)]
    await asyncio.sleep(0)
    assert len(order) == 1
    slots.rebalance(NOBODY_ELSE)
    await asyncio.sleep(0)
    assert len(order) == 2
    release.set()
    await asyncio.gather(*tasks)


async def test_without_a_share_nobody_waits() -> None:
    slots = GroupSlots(initial=1, maximum=1)
    release, order = asyncio.Event(), list[str]()
    holder = asyncio.create_task(hold(slots, GROUP, release, order))
    await asyncio.sleep(0)
    waiters = [asyncio.create_task(hold(slots, GROUP, release, order)) for _ in range(2)]
    await asyncio.sleep(0)
    slots.rebalance(SECOND)
    for waiter in waiters:
        with pytest.raises(NoSlots):
            await waiter
    with pytest.raises(NoSlots):
        await hold(slots, GROUP, release, order)
    release.set()
    await holder
    slots.rebalance(FIRST)
    await hold(slots, GROUP, release, order)
    assert len(order) == 2


async def test_who_was_sent_away_does_not_take_along_the_slots_of_others() -> None:
    slots = GroupSlots(initial=1, maximum=1)
    done, go, release, order = asyncio.Event(), asyncio.Event(), asyncio.Event(), list[str]()

    async def come_later() -> None:
        await go.wait()
        await hold(slots, GROUP, release, order)

    holder = asyncio.create_task(hold(slots, GROUP, done, order))
    again = asyncio.create_task(come_later())
    await asyncio.sleep(0)
    waiter = asyncio.create_task(hold(slots, GROUP, done, order))
    await asyncio.sleep(0)
    # In this order the holder leaves, another one comes, and only then the waiter hears of it.
    done.set()
    go.set()
    slots.rebalance(SECOND)
    slots.rebalance(FIRST)
    with pytest.raises(NoSlots):
        await waiter
    late = asyncio.create_task(hold(slots, GROUP, release, order))
    await asyncio.sleep(0)
    assert len(order) == 2, "the first, and the one who came in between"
    release.set()
    await asyncio.gather(holder, again, late)


async def test_who_is_cancelled_as_it_is_sent_away_frees_no_slot() -> None:
    slots = GroupSlots(initial=1, maximum=1)
    release, order = asyncio.Event(), list[str]()
    holder = asyncio.create_task(hold(slots, GROUP, release, order))
    waiter = asyncio.create_task(hold(slots, GROUP, release, order))
    await asyncio.sleep(0)
    slots.rebalance(SECOND)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    slots.rebalance(FIRST)
    late = asyncio.create_task(hold(slots, GROUP, release, order))
    await asyncio.sleep(0)
    assert len(order) == 1
    release.set()
    await asyncio.gather(holder, late)


async def test_what_was_learnt_is_kept_in_proportion() -> None:
    slots = GroupSlots(initial=2, maximum=8)
    async with slot(slots, GROUP):
        for _ in range(100):
            slots.feed_back(GROUP, good=True)
        limits = [slots.limit(GROUP)]
        for share in (FIRST, NOBODY_ELSE):
            slots.rebalance(share)
            limits.append(slots.limit(GROUP))
        assert limits == [8, 4, 8]
        for _ in range(100):
            slots.feed_back(GROUP, good=False)
        slots.rebalance(FIRST)
        assert slots.limit(GROUP) == 1
        slots.rebalance(NOBODY_ELSE)
        assert slots.limit(GROUP) == 2


async def test_a_group_without_slots_learns_nothing() -> None:
    slots = GroupSlots(initial=1, maximum=1)
    async with slot(slots, GROUP):
        slots.rebalance(SECOND)
        slots.feed_back(GROUP, good=True)
        assert slots.limit(GROUP) == 0


@given(
    initial=st.integers(1, 30),
    more=st.integers(0, 30),
    workers=st.integers(1, 40),
    group=st.text(max_size=20),
)
def test_the_maxima_of_all_sum_to_the_limit(
    initial: int, more: int, workers: int, group: str
) -> None:
    cluster = [GroupSlots(initial=initial, maximum=initial + more) for _ in range(workers)]
    for rank, slots in enumerate(cluster):
        slots.rebalance(Share(rank, workers))
    maxima = [slots.maximum(group) for slots in cluster]
    assert sum(maxima) == initial + more
    limits = [slots.limit(group) for slots in cluster]
    assert all((limit > 0) == (most > 0) for limit, most in zip(limits, maxima, strict=True))
    assert all(limit <= most for limit, most in zip(limits, maxima, strict=True))
    assert sum(limits) <= max(initial, min(workers, initial + more))
