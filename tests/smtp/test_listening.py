"""What another process has made due is delivered as soon as the ledger says so."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from config.loader import Loaded
from relay.app import Relay
from tests.smtp.test_waiting import far_side
from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.mail import make_submission
from tests.support.ports import free_port
from tests.support.settings import next_hop_at, relay_in
from tracker.model import Job, LeaseToken
from tracker.sqlite import SqliteLedger, migrate, open_ledger
from tracker.sqlite.readers import Readers
from tracker.sqlite.writer import Writer
from tracker.store import Ledger, StoreUnavailable


class RingingLedger(SqliteLedger):
    """A ledger that tells of work when a test says so, and whose bell may be broken."""

    bell: asyncio.Event
    is_broken = False

    async def wait_for_work(self) -> None:
        await self.bell.wait()
        self.bell.clear()
        if self.is_broken:
            raise StoreUnavailable("the bell is broken")


class ContendedLedger(RingingLedger):
    """A ledger where another worker claims a recipient while the first claim waits for its turn."""

    rival: Ledger
    clock: FakeClock
    is_first = True

    async def claim(
        self,
        lease: LeaseToken,
        now: datetime,
        limit: int,
        busy: Collection[str] = (),
        first: Mapping[str, int] | None = None,
    ) -> Sequence[Job]:
        if self.is_first:
            self.is_first = False
            self.clock.advance(timedelta(milliseconds=10))
            theirs = await self.rival.open_lease("rival", 1, self.clock.now(), timedelta(hours=1))
            await self.rival.claim(theirs.token, self.clock.now(), 1)
        return await super().claim(lease, now, limit, busy, first)


AnyLedger = TypeVar("AnyLedger", bound=RingingLedger)


@asynccontextmanager
async def open_ringing(path: Path, kind: type[AnyLedger]) -> AsyncIterator[AnyLedger]:
    migrate(path)
    readers = Readers()
    ledger = kind(path, Writer(path), readers, os.urandom)
    ledger.bell = asyncio.Event()
    await ledger.ping()
    await readers.open(path, 2)
    try:
        yield ledger
    finally:
        await ledger.close()


@asynccontextmanager
async def open_another(path: Path) -> AsyncIterator[SqliteLedger]:
    """Open the ledger as another process would."""
    ledger = await open_ledger(path)
    try:
        yield ledger
    finally:
        await ledger.close()


@asynccontextmanager
async def open_relay_on(ledger: Ledger, loaded: Loaded, clock: FakeClock) -> AsyncIterator[None]:
    relay = Relay(loaded, ledger, clock=clock, resolver=FakeResolver())
    await relay.start()
    try:
        yield
    finally:
        await relay.stop(timedelta(seconds=1))


def settings(folder: Path, remote_port: int) -> Loaded:
    return relay_in(folder, STATE_DIRECTORY=str(folder), **next_hop_at(remote_port))


async def until_delivered(received: list[bytes], count: int) -> None:
    async with asyncio.timeout(90):
        while len(received) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_worker_claims_when_it_is_told_of_work(tmp_path: Path) -> None:
    received: list[bytes] = []
    remote_port = free_port()
    clock = FakeClock()  # which stands still: nothing is found by looking every second
    async with (
        await asyncio.start_server(far_side(received), "127.0.0.1", remote_port),
        open_ringing(tmp_path / "ledger.db", RingingLedger) as ledger,
        open_relay_on(ledger, settings(tmp_path, remote_port), clock),
        open_another(ledger.path) as other,
    ):
        await other.accept(make_submission("first@example.org"), clock.now(), None)
        ledger.bell.set()
        await until_delivered(received, 1)

        ledger.is_broken = True
        await other.accept(make_submission("second@example.org"), clock.now(), None)
        ledger.bell.set()
        async with asyncio.timeout(90):
            while ledger.bell.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        ledger.is_broken = False
        clock.advance(timedelta(seconds=1))  # both loops have had their pause
        await until_delivered(received, 2)

        await other.accept(make_submission("third@example.org"), clock.now(), None)
        ledger.bell.set()
        await until_delivered(received, 3)


async def test_what_another_worker_left_is_claimed_without_a_pause(tmp_path: Path) -> None:
    received: list[bytes] = []
    remote_port = free_port()
    clock = FakeClock()
    hop = f"127.0.0.1:{remote_port}"
    async with (
        await asyncio.start_server(far_side(received), "127.0.0.1", remote_port),
        open_ringing(tmp_path / "ledger.db", ContendedLedger) as ledger,
        open_another(ledger.path) as rival,
    ):
        ledger.rival, ledger.clock = rival, clock
        for _ in range(3):
            await ledger.accept(make_submission(destinations=[hop]), clock.now(), None)
        async with open_relay_on(ledger, settings(tmp_path, remote_port), clock):
            await until_delivered(received, 2)
