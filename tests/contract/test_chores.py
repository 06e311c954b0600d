"""Chores: held by one at a time, in whatever process, and by the next when that is gone."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.contract.conftest import Opener
from tests.contract.ledger import Ledger
from tests.support.clock import START

HOLD = """
import asyncio, sys
from tests.contract.ledger import open_by_locator

async def hold():
    ledger = await open_by_locator(sys.argv[1])
    async with ledger.alone("sweeping") as mine:
        print("mine" if mine else "not mine", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


async def test_a_chore_is_held_by_one_at_a_time(opener: Opener) -> None:
    one, two = await opener(), await opener()
    async with one.alone("sweeping") as mine:
        assert mine
        async with two.alone("sweeping") as theirs:
            assert not theirs
        async with one.alone("sweeping") as again:
            assert not again, "nor a second time by the same"
        async with two.alone("dusting") as other:
            assert other, "another chore is free"
    async with two.alone("sweeping") as theirs:
        assert theirs


async def test_a_chore_that_fails_is_free_again(opener: Opener) -> None:
    one, two = await opener(), await opener()
    with pytest.raises(ZeroDivisionError):
        async with one.alone("sweeping") as mine:
            assert mine
            raise ZeroDivisionError
    async with two.alone("sweeping") as mine:
        assert mine


async def test_a_chore_that_is_cancelled_is_free_again(opener: Opener) -> None:
    one, two = await opener(), await opener()
    held = asyncio.Event()

    async def hold() -> None:
        async with one.alone("sweeping"):
            held.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await held.wait()
    task.cancel()
    await asyncio.wait([task])
    async with two.alone("sweeping") as mine:
        assert mine


async def test_the_ledger_goes_on_beside_a_chore(ledger: Ledger) -> None:
    async with ledger.alone("sweeping") as mine:
        assert mine
        await asyncio.gather(*(ledger.ping() for _ in range(20)))
        await ledger.tend(START)


@asynccontextmanager
async def holder(locator: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run another process that asks for the chore and has the answer on its output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, locator, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answer_of(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await asyncio.wait_for(process.stdout.readline(), 90)


async def test_whoever_is_killed_has_its_chore_no_more(locator: str, opener: Opener) -> None:
    ledger = await opener()
    async with holder(locator) as first:
        assert await answer_of(first) == b"mine\n"
        async with ledger.alone("sweeping") as mine:
            assert not mine
        async with holder(locator) as second:
            assert await answer_of(second) == b"not mine\n"
        first.kill()
        await first.wait()
        async with asyncio.timeout(90):
            # A server may notice a little later.
            while not await is_free(ledger):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def is_free(ledger: Ledger) -> bool:
    async with ledger.alone("sweeping") as mine:
        return mine
