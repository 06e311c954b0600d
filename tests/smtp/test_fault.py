"""A fault of our own after the remote server has taken the message: recorded, never sent again.

Nor does who has been delivered get it again, when the fault comes while others are tried.
"""

import asyncio
import contextlib
import smtplib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.app import open_relay
from relay.clock import SystemClock
from tests.smtp.test_waiting import EVERYTHING, far_side
from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.mail import make_submission
from tests.support.ports import free_port
from tests.support.resting import Restful, open_restful, rest
from tests.support.settings import next_hop_at, relay_in
from tracker.model import Outcome, Status
from tracker.search import Query
from tracker.store import Ledger
from tracker.views import Row


class BrokenDie(FakeClock):
    """A clock whose die, thrown only once a delivery is to be decided on, always breaks."""

    def __init__(self, received: list[bytes]) -> None:
        super().__init__()

    def chance(self) -> float:
        raise RuntimeError("the die is broken")


class BrokenMint(FakeClock):
    """A clock that makes no id when the first attempt is to be written down, and then does."""

    def __init__(self, received: list[bytes]) -> None:
        super().__init__()
        self._received = received
        self._is_broken = True

    def mint(self) -> str:
        if self._received and self._is_broken:
            self._is_broken = False
            raise RuntimeError("the mint is broken")
        return super().mint()


@asynccontextmanager
async def run_house(
    folder: Path, clock: FakeClock, received: list[bytes]
) -> AsyncIterator[Restful]:
    """Run a relay that routes everything to a server which takes it."""
    remote_port = free_port()
    loaded = relay_in(
        folder, STORE__LEASE="1h", RETRY__UNCERTAIN="hold", **next_hop_at(remote_port)
    )
    async with (
        await asyncio.start_server(far_side(received), "127.0.0.1", remote_port),
        open_restful(loaded, clock=clock, resolver=FakeResolver()) as opened,
    ):
        yield opened


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        pytest.param(BrokenDie, Status.DELIVERED, Outcome.DELIVERED, id="while deciding"),
        pytest.param(BrokenMint, Status.HELD, Outcome.UNCERTAIN, id="before it is written down"),
    ],
)
async def test_it_is_on_record_and_not_sent_again(
    tmp_path: Path,
    kind: Callable[[list[bytes]], FakeClock],
    status: Status,
    outcome: Outcome,
) -> None:
    received: list[bytes] = []
    clock = kind(received)
    async with run_house(tmp_path, clock, received) as house:
        host, port = house.relay.submission.addresses[0]

        def send() -> None:
            with smtplib.SMTP(host, port) as client:
                client.sendmail("a@example.com", ["b@example.org"], b"Subject: hi\r\n\r\nhello\r\n")

        await asyncio.to_thread(send)
        for _ in range(40):
            await rest(house)
            clock.advance(timedelta(seconds=30))
        page = await house.ledger.search(Query(), EVERYTHING, limit=5)
    (row,) = page.rows
    assert len(received) == 1
    assert row.recipient.status is status
    assert row.last_attempt is not None
    assert row.last_attempt.outcome is outcome


class OneByOne:
    """A server that takes a message at once, and the next one only when it may."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        """Whom it has taken a message for."""
        self.asked = asyncio.Event()
        """Set when a message to the second recipient is offered."""
        self.may_go_on = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.net ESMTP\r\n")
        whom = ""
        while line := await reader.readline():
            if line.startswith(b"RCPT"):
                whom = line.decode().partition("<")[2].partition(">")[0]
            if line.startswith(b"DATA"):
                if self.taken:
                    self.asked.set()
                    await self.may_go_on.wait()
                writer.write(b"354 go on\r\n")
                with contextlib.suppress(asyncio.IncompleteReadError):
                    await reader.readuntil(b"\r\n.\r\n")
                    self.taken.append(whom)
            writer.write(b"250 2.0.0 Ok\r\n")
        writer.close()


@contextlib.contextmanager
def ledger_in_other_hands(place: str) -> Iterator[None]:
    """Let nobody else write to a ledger."""
    with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


BOB_AND_EVE = ("bob@example.org", "eve@example.org")


@pytest.mark.parametrize("uncertain", ["retry", "hold"])
async def test_who_is_delivered_gets_it_once_when_the_lease_runs_out_behind_him(
    tmp_path: Path, uncertain: str
) -> None:
    """The ledger takes no renewal meanwhile, so nothing may be sent to the second recipient."""
    far_side, clock, remote_port = OneByOne(), FakeClock(), free_port()
    loaded = relay_in(
        tmp_path,
        STORE__LEASE="30s",
        RETRY__UNCERTAIN=uncertain,
        DELIVERY__RECIPIENTS_PER_TRANSACTION="1",
        **next_hop_at(remote_port),
    )
    async with (
        await asyncio.start_server(far_side.serve, "127.0.0.1", remote_port),
        open_relay(loaded, clock=clock, resolver=FakeResolver()) as (relay, ledger),
        asyncio.timeout(90),
    ):
        await ledger.accept(make_submission(*BOB_AND_EVE), clock.now(), None)
        relay.worker.wake()
        await far_side.asked.wait()
        with ledger_in_other_hands(f"{tmp_path}/ledger.db"):
            for _ in range(8):
                clock.advance(timedelta(seconds=5))
                await asyncio.sleep(0.02)
            far_side.may_go_on.set()
            await asyncio.sleep(0.2)
        while len(set(far_side.taken)) < 2:
            clock.advance(timedelta(seconds=30))
            await asyncio.sleep(0.02)
        rows = await until_at_rest(ledger)
    assert sorted(far_side.taken) == sorted(BOB_AND_EVE)
    assert {row.recipient.forward_path: row.recipient.attempts for row in rows} == {
        "bob@example.org": 1,
        "eve@example.org": 1,
    }


async def test_who_is_delivered_is_on_record_when_the_time_to_stop_is_over(tmp_path: Path) -> None:
    """The second recipient is still waited for then: nothing is known of him, all of the first."""
    far_side, remote_port = OneByOne(), free_port()
    loaded = relay_in(
        tmp_path,
        STORE__LEASE="1h",
        DELIVERY__RECIPIENTS_PER_TRANSACTION="1",
        **next_hop_at(remote_port),
    )
    async with await asyncio.start_server(far_side.serve, "127.0.0.1", remote_port):
        async with (
            open_relay(loaded, clock=SystemClock()) as (relay, ledger),
            asyncio.timeout(90),
        ):
            now = datetime.now(UTC)
            await ledger.accept(make_submission(*BOB_AND_EVE, now=now), now, None)
            relay.worker.wake()
            await far_side.asked.wait()
            await relay.stop(timedelta(seconds=0.1))
            page = await ledger.search(Query(), EVERYTHING, limit=5)
        far_side.may_go_on.set()
    bob, eve = (row.recipient for row in reversed(page.rows))
    assert (bob.forward_path, bob.status) == ("bob@example.org", Status.DELIVERED)
    assert (eve.status, eve.attempts, eve.leased) == (Status.QUEUED, 0, False)
    assert far_side.taken == ["bob@example.org"]


async def until_at_rest(ledger: Ledger) -> Sequence[Row]:
    """Wait until nobody holds any of the mail; return it."""
    while True:
        page = await ledger.search(Query(), EVERYTHING, limit=5)
        if all(row.recipient.status is Status.DELIVERED for row in page.rows):
            return page.rows
        await asyncio.sleep(0.02)
