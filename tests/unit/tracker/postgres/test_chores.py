"""Chores are done by one process at a time, and by another when that one dies or is cut off."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.unit.tracker.postgres.proxy import Proxy
from tracker.postgres.chores import CLASS, Chores, number_of
from tracker.postgres.dialling import Dialler
from tracker.store import StoreUnavailable

_HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1"

HOLDER = """
import asyncio, sys
from tracker.postgres.chores import Chores
from tracker.postgres.dialling import Dialler
from tracker.store import StoreUnavailable

async def hold():
    heartbeat, patience = map(float, sys.argv[2:])
    chores = Chores(Dialler(sys.argv[1], pooled=False), heartbeat=heartbeat, patience=patience)
    try:
        async with chores.alone("tidy") as mine:
            print(mine, flush=True)
            await asyncio.Event().wait()
    except StoreUnavailable as lost:
        print(lost, flush=True)

asyncio.run(hold())
"""


@pytest.fixture
async def chores(url: str) -> AsyncIterator[Chores]:
    chores = Chores(Dialler(url, pooled=False))
    yield chores
    await chores.close()


@asynccontextmanager
async def holder(url: str, *, heartbeat: float, patience: float) -> AsyncIterator[Process]:
    """Run a process that holds a chore."""
    arguments = ["-c", HOLDER, url, str(heartbeat), str(patience)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE)
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"True\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_ours(chores: Chores) -> None:
    """Wait until the chore can be had."""
    async with asyncio.timeout(90):
        while True:
            async with chores.alone("tidy") as mine:
                if mine:
                    return
            await asyncio.sleep(0.05)


async def test_one_does_it_and_then_another(chores: Chores, url: str) -> None:
    others = Chores(Dialler(url, pooled=True))
    for _ in range(3):
        async with chores.alone("tidy") as mine, others.alone("tidy") as theirs:
            assert (mine, theirs) == (True, False)
            async with others.alone("prune") as another:
                assert another
        async with others.alone("tidy") as theirs:
            assert theirs


async def test_what_the_body_raises_comes_out_and_the_chore_is_free(chores: Chores) -> None:
    for error in (KeyError("ours"), TimeoutError("ours"), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            async with chores.alone("tidy"):
                raise error
        async with chores.alone("tidy") as mine:
            assert mine


async def test_the_numbers_of_locks_never_change() -> None:
    assert CLASS == 1397050948
    assert [number_of(chore) for chore in ("tidy", "prune")] == [710377283, -363198848]


async def test_holding_keeps_vacuum_from_nothing(
    chores: Chores, outside: asyncpg.Connection
) -> None:
    holders = (
        "SELECT a.state, a.backend_xmin, a.backend_xid FROM pg_stat_activity AS a"
        " JOIN pg_locks AS l ON l.pid = a.pid AND l.locktype = 'advisory'"
    )
    async with chores.alone("tidy"):
        rows = await outside.fetch(holders)
        assert [tuple(row) for row in rows] == [("idle in transaction", None, None)]


async def test_whoever_dies_has_it_no_more(chores: Chores, url: str) -> None:
    async with holder(url, heartbeat=60, patience=600) as process:
        async with chores.alone("tidy") as mine:
            assert not mine
        process.kill()
        await until_ours(chores)


async def test_whoever_is_stopped_loses_it_and_hears_of_it(chores: Chores, url: str) -> None:
    async with holder(url, heartbeat=1, patience=3) as process:
        os.kill(process.pid, signal.SIGSTOP)
        await until_ours(chores)
        os.kill(process.pid, signal.SIGCONT)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"lost hold of the chore tidy\n"
        assert await process.wait() == 0


async def test_whoever_works_on_keeps_it_longer_than_the_patience(
    chores: Chores, url: str, outside: asyncpg.Connection
) -> None:
    # Each question is to be answered within a heartbeat, which a busy machine takes part of.
    patient = Chores(Dialler(url, pooled=False), heartbeat=1.5, patience=4)
    async with patient.alone("tidy"):
        await asyncio.sleep(6)
        async with chores.alone("tidy") as mine:
            assert not mine
    assert await outside.fetchval(_HELD, CLASS) == 0


async def test_a_body_hears_that_its_connection_is_gone(proxied_url: str, proxy: Proxy) -> None:
    chores = Chores(Dialler(proxied_url, pooled=False), heartbeat=0.05)
    with pytest.raises(StoreUnavailable, match="lost hold of the chore tidy"):
        async with asyncio.timeout(90), chores.alone("tidy"):
            proxy.cut()
            await asyncio.Event().wait()
    async with chores.alone("tidy") as mine:
        assert mine


async def test_without_a_server_nobody_has_it(proxied_url: str, proxy: Proxy) -> None:
    await proxy.refuse()
    with pytest.raises(StoreUnavailable):
        async with Chores(Dialler(proxied_url, pooled=False)).alone("tidy"):
            pytest.fail("it was held")
