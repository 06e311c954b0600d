"""A next hop that does not take our password: it is asked now and then, not for each message."""

import asyncio
from datetime import timedelta
from pathlib import Path

from tests.smtp.test_waiting import EVERYTHING
from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.mail import make_submission
from tests.support.ports import free_port
from tests.support.resting import open_restful, rest
from tests.support.settings import relay_in
from tracker.model import Gate, Phase, Status
from tracker.search import Query

MESSAGES = 200


class Smarthost:
    """Knows the password only once it `is_mended`."""

    def __init__(self) -> None:
        self.is_mended = False
        self.tries = 0
        """How often somebody wanted to log in."""
        self.taken = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hop.test ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-hop.test\r\n250 AUTH PLAIN\r\n")
            elif verb == b"AUTH":
                self.tries += 1
                writer.write(b"235 Ok\r\n" if self.is_mended else b"535 5.7.8 Bad password\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                self.taken += 1
                writer.write(b"250 2.0.0 Ok\r\n")
            elif verb == b"QUIT":
                break
            else:
                writer.write(b"250 Ok\r\n")
        writer.close()


async def test_a_wrong_password_is_not_tried_for_each_message(tmp_path: Path) -> None:
    """A smarthost locks an account, or shuts out an address, that tries a wrong one too often."""
    far_side, clock, port = Smarthost(), FakeClock(), free_port()
    route = (
        f'[{{"domain": "*", "next_hop": "127.0.0.1:{port}", "username": "us", "password": "wrong",'
        ' "tls": "off", "allow_cleartext_password": true}]'
    )
    loaded = relay_in(tmp_path, ROUTES=route)
    async with (
        await asyncio.start_server(far_side.serve, "127.0.0.1", port),
        open_restful(loaded, clock=clock, resolver=FakeResolver()) as house,
    ):
        for n in range(MESSAGES):
            await house.ledger.accept(make_submission(f"u{n}@d.example"), clock.now(), None)
            if not n:
                house.relay.worker.wake()
                async with asyncio.timeout(90):
                    while not far_side.tries:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                await rest(house)
        for _ in range(60):
            clock.advance(timedelta(minutes=1))
            await rest(house)
        rows = (await house.ledger.search(Query(), EVERYTHING, limit=500)).rows
        assert {row.recipient.status for row in rows} <= {Status.DEFERRED, Status.QUEUED}
        assert all("Bad password" in row.recipient.gate_detail for row in rows)
        assert {row.recipient.gate for row in rows} == {Gate.DESTINATION}
        tried = [row.last_attempt for row in rows if row.last_attempt is not None]
        assert {attempt.phase for attempt in tried} == {Phase.AUTH}
        assert far_side.tries < 15  # the first one, and a probe now and then
        far_side.is_mended = True
        for _ in range(30):
            clock.advance(timedelta(minutes=1))
            await rest(house)
    assert far_side.taken == MESSAGES
