"""The ledger cannot be reached while a delivery is being decided on: the decision waits for it."""

import asyncio
import smtplib
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from relay.app import open_relay
from relay.clock import SystemClock
from tests.conftest import MIGRATED
from tests.support.ports import free_port
from tests.support.postgres import Server
from tests.support.settings import next_hop_at, relay_in
from tests.unit.tracker.postgres.proxy import Proxy, proxied
from tracker.model import Scope, Status
from tracker.search import Query
from tracker.store import Ledger, StoreUnavailable


class FarSide:
    """Knows nobody; says so only once the ledger cannot be reached. Asks for `patience` before."""

    def __init__(self, proxy: Proxy, patience: int) -> None:
        self._proxy = proxy
        self._patience = patience
        self._back: asyncio.Future[None] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.net ESMTP\r\n")
        while line := await reader.readline():
            is_asked = line.startswith(b"RCPT")
            writer.write(await self._refuse() if is_asked else b"250 Ok\r\n")
        writer.close()

    async def _refuse(self) -> bytes:
        if self._patience:
            self._patience -= 1
            return b"450 4.2.1 Later\r\n"
        if self._back is None:
            await self._proxy.refuse()
            # So that whoever is to decide finds nobody there.
            asyncio.get_running_loop().call_later(2, self._come_back)
        return b"550 5.1.1 Unknown\r\n"

    def _come_back(self) -> None:
        self._back = asyncio.ensure_future(self._proxy.listen())


async def bounced(ledger: Ledger) -> bool:
    try:
        page = await ledger.search(Query(), Scope(), limit=5)
    except StoreUnavailable:
        return False
    return any(row.recipient.status is Status.BOUNCED for row in page.rows)


@pytest.mark.parametrize(
    "patience",
    [
        pytest.param(0, id="with the content in memory"),
        pytest.param(1, id="with the content in the ledger"),
    ],
)
async def test_a_bounce_is_decided_on_when_the_ledger_is_back(
    migrated_postgres: Server, tmp_path: Path, patience: int
) -> None:
    name = f"away{patience}"
    migrated_postgres.create_database(name, MIGRATED)
    remote_port = free_port()
    async with proxied(migrated_postgres) as proxy:
        loaded = relay_in(
            tmp_path,
            STORE__URL=f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}",
            RETRY__SCHEDULE='["1s"]',
            **next_hop_at(remote_port),
        )
        async with (
            await asyncio.start_server(FarSide(proxy, patience).serve, "127.0.0.1", remote_port),
            open_relay(loaded, clock=SystemClock()) as (relay, ledger),
        ):
            host, port = relay.submission.addresses[0]

            def send() -> None:
                with smtplib.SMTP(host, port) as client:
                    client.sendmail(
                        "a@example.com", ["b@example.org"], b"Subject: hi\r\n\r\nhi\r\n"
                    )

            await asyncio.to_thread(send)
            while not await bounced(ledger):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    migrated_postgres.drop_database(name)


async def test_that_the_ledger_is_away_is_said_once(
    migrated_postgres: Server, tmp_path: Path
) -> None:
    migrated_postgres.create_database("silent", MIGRATED)
    async with proxied(migrated_postgres) as proxy:
        loaded = relay_in(
            tmp_path,
            STORE__URL=f"postgresql://postgres@127.0.0.1:{proxy.port}/silent",
            STORE__LEASE="3s",
        )
        async with open_relay(loaded, clock=SystemClock()):
            with capture_logs() as events:
                await proxy.refuse()
                await asyncio.sleep(6)
                await proxy.listen()
                async with asyncio.timeout(90):
                    while not any(e["event"] == "ledger can be used again" for e in events):  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
    said = [event["event"] for event in events]
    for words in ("ledger cannot be used", "ledger can be used again"):
        assert said.count(words) == 1, said
    assert len(said) < 10, said  # chores and who listens say it for themselves, once
    migrated_postgres.drop_database("silent")
