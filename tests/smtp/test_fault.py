"""A fault of our own after the remote server has taken the message: recorded, never sent again."""

import asyncio
import smtplib
from datetime import timedelta
from pathlib import Path

from config.loader import load
from relay.app import open_relay
from tests.smtp.test_waiting import EVERYTHING, far_side
from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.waiting import free_port
from tracker.model import Outcome, Status
from tracker.search import Query


class FaultyClock(FakeClock):
    """A clock with a broken die, which is thrown only once a delivery is to be decided on."""

    def chance(self) -> float:
        raise RuntimeError("the die is broken")


async def test_what_was_delivered_is_recorded_whatever_breaks_afterwards(tmp_path: Path) -> None:
    remote_port = free_port()
    environment = {
        "SENDTRACE_HOSTNAME": "relay.example.org",
        "SENDTRACE_STATE_DIRECTORY": str(tmp_path / "state"),
        "SENDTRACE_STORE__URL": f"sqlite:{tmp_path}/ledger.db",
        "SENDTRACE_STORE__LEASE": "1h",
        "SENDTRACE_DELIVERY__ALLOW_PRIVATE_DESTINATIONS": "true",
        "SENDTRACE_ROUTES": f'[{{"domain": "*", "next_hop": "127.0.0.1:{remote_port}"}}]',
        "SENDTRACE_SUBMISSION__LISTENERS__0__ADDRESS": "127.0.0.1:0",
    }
    clock = FaultyClock()
    received: list[bytes] = []
    async with (
        await asyncio.start_server(far_side(received), "127.0.0.1", remote_port),
        open_relay(load(None, environment), clock=clock, resolver=FakeResolver()) as (
            relay,
            ledger,
        ),
    ):
        host, port = relay.submission.addresses[0]

        def send() -> None:
            with smtplib.SMTP(host, port) as client:
                client.sendmail("a@example.com", ["b@example.org"], b"Subject: hi\r\n\r\nhello\r\n")

        await asyncio.to_thread(send)
        for _ in range(40):
            await asyncio.sleep(0.02)
            clock.advance(timedelta(seconds=30))
        page = await ledger.search(Query(), EVERYTHING, limit=5)
    (row,) = page.rows
    assert len(received) == 1
    assert row.recipient.status is Status.DELIVERED
    assert row.last_attempt is not None
    assert row.last_attempt.outcome is Outcome.DELIVERED
