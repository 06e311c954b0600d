"""Who waits too long is told so; nobody else is."""

import asyncio

from relay.submission.deadlines import Deadlines


class Waiter:
    """Counts how often it is told."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.told = asyncio.Event()

    def time_out(self) -> None:
        self.deadline = float("inf")
        self.told.set()


async def test_only_those_are_told_whose_time_has_come() -> None:
    now = asyncio.get_running_loop().time()
    late, patient, gone = Waiter(now), Waiter(now + 3600), Waiter(now)
    deadlines = Deadlines(0.01)
    for waiter in (patient, gone, late):
        deadlines.watch(waiter)
    deadlines.forget(gone)
    async with asyncio.timeout(90):
        await late.told.wait()
    assert not patient.told.is_set()
    assert not gone.told.is_set()


async def test_a_deadline_that_is_put_off_counts_from_then_on() -> None:
    loop = asyncio.get_running_loop()
    waiter, marker = Waiter(loop.time() + 0.01), Waiter(loop.time())
    deadlines = Deadlines(0.01)
    deadlines.watch(waiter)
    deadlines.watch(marker)
    waiter.deadline = loop.time() + 3600
    async with asyncio.timeout(90):
        await marker.told.wait()
    assert not waiter.told.is_set()


async def test_watching_begins_anew_after_nobody_was_there() -> None:
    deadlines = Deadlines(0.01)
    for _ in range(2):
        waiter = Waiter(asyncio.get_running_loop().time())
        deadlines.watch(waiter)
        async with asyncio.timeout(90):
            await waiter.told.wait()
        deadlines.forget(waiter)


class Faulty(Waiter):
    """Has a fault."""

    def time_out(self) -> None:
        super().time_out()
        raise RuntimeError("a fault")


async def test_a_fault_in_one_does_not_keep_the_others_from_being_told() -> None:
    loop = asyncio.get_running_loop()
    faults: list[object] = []
    loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
    deadlines = Deadlines(0.01)
    for waiter in (Faulty(loop.time()), Waiter(loop.time())):
        deadlines.watch(waiter)
        async with asyncio.timeout(90):
            await waiter.told.wait()
    assert len(faults) == 1
