"""A refusal that an operator has explained: the sender reads that, and no address is closed."""

import asyncio
import smtplib
from pathlib import Path

import pytest

from relay.app import open_relay
from relay.clock import SystemClock
from tests.contract.test_rules import correction
from tests.support.dns import FakeResolver
from tests.support.ports import free_port
from tests.support.settings import next_hop_at, relay_in
from tracker.model import Scope
from tracker.sqlite import open_ledger


class FarSide:
    """Refuses bob in words that the shipped rules know, and takes everything else."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[str] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.org ESMTP\r\n")
        while line := await reader.readline():
            if line.startswith(b"DATA"):
                writer.write(b"354 Go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                self.taken.put_nowait(" ".join(content.decode().split()))
            is_bob = line.upper().startswith(b"RCPT TO:<BOB@")
            writer.write(
                b"550 5.1.1 User unknown, computer says no\r\n" if is_bob else b"250 Ok\r\n"
            )
        writer.close()


@pytest.mark.parametrize(
    ("is_corrected", "told", "closed"),
    [
        (False, "This address does not exist at the recipient's mail server.", 1),
        (True, "A rule of the recipient's server forbids this message.", 0),
    ],
)
async def test_the_sender_is_told_by_the_operators_rules(
    tmp_path: Path, is_corrected: bool, told: str, closed: int
) -> None:
    if is_corrected:
        before = await open_ledger(tmp_path / "ledger.db")
        await before.add_correction(correction())
        await before.close()
    remote_port, far_side = free_port(), FarSide()
    loaded = relay_in(tmp_path, TRACKING__SUPPRESS_UNKNOWN="true", **next_hop_at(remote_port))
    async with (
        await asyncio.start_server(far_side.serve, "127.0.0.1", remote_port),
        open_relay(loaded, clock=SystemClock(), resolver=FakeResolver()) as (
            relay,
            _,
        ),
        asyncio.timeout(90),
    ):
        host, port = relay.submission.addresses[0]

        def send() -> None:
            with smtplib.SMTP(host, port) as client:
                client.sendmail(
                    "a@example.com", ["bob@example.org"], b"Subject: hi\r\n\r\nhello\r\n"
                )

        await asyncio.to_thread(send)
        dsn = await far_side.taken.get()
        assert told in dsn
        assert "computer says no" in dsn, "the server's own words are always there"
    again = await open_ledger(tmp_path / "ledger.db")
    try:
        assert len(await again.suppressions(Scope(), limit=5)) == closed
    finally:
        await again.close()
