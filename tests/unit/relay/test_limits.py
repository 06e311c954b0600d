"""Slots of a group of hosts."""

import asyncio

from relay.limits import GroupSlots


async def hold(slots: GroupSlots, group: str, release: asyncio.Event, order: list[str]) -> None:
    async with slots.slot(group):
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
    async with slots.slot("mx"):
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
    async with asyncio.timeout(5):
        await hold(slots, "mx", done, order)
    assert order[-1] == "mx"
