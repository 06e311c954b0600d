"""A worker that is told to stop holds what it still delivers until that is done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from config.loader import Loaded
from relay.app import open_relay
from relay.keeper import Keeper
from tests.smtp.test_waiting import EVERYTHING
from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.mail import make_submission
from tests.support.ports import free_port
from tests.support.settings import next_hop_at, relay_in
from tracker.model import Outcome, Status
from tracker.opening import open_ledger
from tracker.search import Query
from tracker.store import Ledger

LEASE = timedelta(seconds=30)
GRACE = timedelta(seconds=30)


@asynccontextmanager
async def open_other(loaded: Loaded, clock: FakeClock, directory: Path) -> AsyncIterator[Keeper]:
    """Have another node on the same ledger, ready to take over."""
    ledger = await open_ledger(loaded.settings.store)
    keeper = Keeper(
        ledger=ledger, clock=clock, directory=directory, node="mail-2", worker=0, lease_for=LEASE
    )
    try:
        await keeper.begin()
        yield keeper
        await keeper.end()
    finally:
        await ledger.close()


async def until_renewed(ledger: Ledger, clock: FakeClock) -> None:
    """Wait, without letting time pass, until the worker has renewed its lease."""
    async with asyncio.timeout(90):
        while await renewed_at(ledger, clock) < clock.now():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def renewed_at(ledger: Ledger, clock: FakeClock) -> datetime:
    (lease,) = (each for each in (await ledger.census(clock.now())).leases if each.node == "mail-1")
    return lease.renewed_at


async def test_what_is_under_way_is_not_taken_over_while_the_worker_stops(tmp_path: Path) -> None:
    remote_port = free_port()
    at_final_dot, answer = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a message, and be slow to say so."""
        writer.write(b"220 mx.example.net ESMTP\r\n")
        while line := await reader.readline():
            if line[:4].upper() == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                at_final_dot.set()
                await answer.wait()
            writer.write(b"250 2.0.0 Ok\r\n")
        writer.close()

    loaded = relay_in(
        tmp_path,
        NODE="mail-1",
        STATE_DIRECTORY=str(tmp_path / "here"),
        STORE__LEASE="30s",
        **next_hop_at(remote_port),
    )
    (tmp_path / "there").mkdir()
    clock = FakeClock()
    async with (
        await asyncio.start_server(serve, "127.0.0.1", remote_port),
        open_relay(loaded, clock=clock, resolver=FakeResolver()) as (relay, ledger),
        open_other(loaded, clock, tmp_path / "there") as there,
    ):
        await ledger.accept(make_submission("bob@example.org"), clock.now(), None)
        relay.worker.wake()
        async with asyncio.timeout(90):
            await at_final_dot.wait()
        stopping = asyncio.create_task(relay.stop(GRACE))
        try:
            for _ in range(9):
                clock.advance(LEASE / 3)
                await until_renewed(ledger, clock)
                assert await there.renew()
                await there.take_over()
        finally:
            answer.set()
            await stopping
        (row,) = (await ledger.search(Query(), EVERYTHING, limit=5)).rows
    assert (row.recipient.status, row.recipient.attempts) == (Status.DELIVERED, 1)
    assert row.last_attempt is not None
    assert row.last_attempt.outcome is Outcome.DELIVERED
