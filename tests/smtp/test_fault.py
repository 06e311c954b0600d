"""A fault of our own after the remote server has taken the message: recorded, never sent again."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from config.loader import load
from tests.smtp.test_waiting import EVERYTHING, far_side
from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.ports import free_port
from tests.support.resting import Restful, open_restful, rest
from tracker.model import Outcome, Status
from tracker.search import Query


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
    environment = {
        "SENDTRACE_HOSTNAME": "relay.example.org",
        "SENDTRACE_STATE_DIRECTORY": str(folder / "state"),
        "SENDTRACE_STORE__URL": f"sqlite:{folder}/ledger.db",
        "SENDTRACE_STORE__LEASE": "1h",
        "SENDTRACE_DELIVERY__ALLOW_PRIVATE_DESTINATIONS": "true",
        "SENDTRACE_RETRY__UNCERTAIN": "hold",
        "SENDTRACE_ROUTES": f'[{{"domain": "*", "next_hop": "127.0.0.1:{remote_port}"}}]',
        "SENDTRACE_SUBMISSION__LISTENERS__0__ADDRESS": "127.0.0.1:0",
    }
    async with (
        await asyncio.start_server(far_side(received), "127.0.0.1", remote_port),
        open_restful(load(None, environment), clock=clock, resolver=FakeResolver()) as opened,
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
