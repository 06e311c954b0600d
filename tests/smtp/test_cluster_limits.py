"""Limits that hold for all nodes together: two relays on one ledger, their time turned by hand.

The far side counts. Sessions stay open for more mail, so that what it counts are connections
that are used or kept, and none that is just taking its leave.
"""

import asyncio
import contextlib
import smtplib
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import combinations_with_replacement
from pathlib import Path

import pytest

from config.loader import Loaded
from relay.app import Relay
from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.ports import free_port
from tests.support.resting import Restful, open_restful, rest
from tests.support.settings import mx_at, relay_in
from tracker.model import EventKind, Gate, MessageKind, Origin, Scope, Status
from tracker.search import Query
from tracker.sqlite import open_ledger
from tracker.store import Ledger
from tracker.views import Row

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DOMAINS = ("a.example", "b.example", "c.example")
"""All of one group."""


class FarSide:
    """Takes every message, in no hurry, and counts."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.port = free_port()
        self.connections = 0
        self.most = 0
        """Connections at the same time."""
        self.arrivals: list[datetime] = []
        self.is_open = asyncio.Event()
        """Not set: messages are not answered."""
        self.is_open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.most = max(self.most, self.connections)
        try:
            with contextlib.suppress(ConnectionError):
                await self._converse(reader, writer)
        finally:
            self.connections -= 1
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.net ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                self.arrivals.append(self.clock.now())
                await self.is_open.wait()
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 Ok\r\n")
            if verb == b"QUIT":
                return


class Cluster:
    """Relays that share a ledger and a far side."""

    def __init__(
        self, folder: Path, clock: FakeClock, far_side: FarSide, settings: Mapping[str, str]
    ) -> None:
        self.clock = clock
        self.far_side = far_side
        self.ledger: Ledger
        """Of whoever started last."""
        self._nodes: list[Restful] = []
        self._folder = folder
        self._settings = settings
        hosts = {domain: f"mx.{domain}.example.net" for domain in DOMAINS}
        hosts["elsewhere.test"] = "elsewhere.test"
        self._resolver = FakeResolver(
            mx={domain: [(10, host)] for domain, host in hosts.items()},
            addresses={host: ["127.0.0.1"] for host in hosts.values()},
        )

    @asynccontextmanager
    async def node(self, name: str) -> AsyncIterator[Relay]:
        """Run one more relay."""
        loaded = self._load(name)
        async with open_restful(loaded, clock=self.clock, resolver=self._resolver) as node:
            self.ledger = node.ledger
            self._nodes.append(node)
            try:
                yield node.relay
            finally:
                self._nodes.remove(node)

    def _load(self, name: str) -> Loaded:
        return relay_in(
            self._folder,
            NODE=name,
            STATE_DIRECTORY=str(self._folder / name),
            STORE__LEASE="1h",
            DELIVERY__CONNECTION_IDLE="1d",
            DELIVERY__CONNECTION_AGE="1d",
            DELIVERY__MESSAGES_PER_CONNECTION="1000",
            **mx_at(self.far_side.port),
            **self._settings,
        )

    async def beat(self) -> None:
        """Let every relay hear of every other."""
        # With the second heartbeat on record, what the first one told has been acted upon.
        for _ in range(2):
            since = self.clock.now()
            async with asyncio.timeout(90):
                while not await self._have_renewed(since):
                    self.clock.advance(MINUTE)
                    await asyncio.sleep(0.005)

    async def _have_renewed(self, since: datetime) -> bool:
        census = await self.ledger.census(self.clock.now())
        return all(lease.renewed_at > since for lease in census.alive)

    async def submit(self, relay: Relay, count: int, domains: Sequence[str] = DOMAINS) -> None:
        """Hand in `count` messages, in turn to each of `domains`."""
        host, port = relay.submission.addresses[0]

        def send() -> None:
            with smtplib.SMTP(host, port) as client:
                for number in range(count):
                    forward_path = f"r{number}@{domains[number % len(domains)]}"
                    client.sendmail("s@example.org", [forward_path], b"Subject: hi\r\n\r\nhi\r\n")

        await asyncio.to_thread(send)

    async def rows(self) -> Sequence[Row]:
        """Return the mail on record."""
        page = await self.ledger.search(Query(), Scope(), limit=500)
        return [row for row in page.rows if row.message.kind is MessageKind.MAIL]

    async def live(self, seconds: int) -> None:
        """Let time pass second by second; all relays come to rest after each."""
        for _ in range(seconds):
            self.clock.advance(SECOND)
            await rest(*self._nodes)

    async def deliver(self, count: int, within: int = 600) -> None:
        """Live until `count` messages are delivered, at most `within` seconds."""
        for _ in range(within):
            await self.live(1)
            if await self.delivered() == count:
                return
        raise AssertionError(f"{await self.delivered()} of {count} delivered")

    async def delivered(self) -> int:
        """Return how many messages are on record as delivered."""
        return sum(row.recipient.status is Status.DELIVERED for row in await self.rows())


@asynccontextmanager
async def cluster_of(
    folder: Path, settings: Mapping[str, str] | None = None, **delivery: str
) -> AsyncIterator[Cluster]:
    """Yield a cluster without nodes; `settings` and those of the section are for each of them."""
    section = {f"DELIVERY__{name.upper()}": value for name, value in delivery.items()}
    clock = FakeClock()
    far_side = FarSide(clock)
    async with await asyncio.start_server(far_side.serve, "127.0.0.1", far_side.port):
        yield Cluster(folder, clock, far_side, section | dict(settings or {}))


@pytest.mark.parametrize("limit", [1, 3])
async def test_all_nodes_together_open_no_more_connections_than_may_be(
    tmp_path: Path, limit: int
) -> None:
    async with (
        cluster_of(tmp_path, concurrency_initial=str(limit), concurrency_max=str(limit)) as cluster,
        cluster.node("one") as one,
        cluster.node("two") as two,
    ):
        await cluster.beat()
        cluster.far_side.is_open.clear()
        await asyncio.gather(cluster.submit(one, 15), cluster.submit(two, 15))
        async with asyncio.timeout(90):
            # Until as many wait for their answer as may, while the clock ticks on.
            while len(cluster.far_side.arrivals) < limit:
                cluster.clock.advance(SECOND)
                await asyncio.sleep(0.02)
        cluster.far_side.is_open.set()
        await cluster.deliver(30)
        assert cluster.far_side.most == limit
        assert len(cluster.far_side.arrivals) == 30
        assert {row.recipient.attempts for row in await cluster.rows()} == {1}


async def test_what_a_node_may_not_deliver_another_does_and_later_itself(tmp_path: Path) -> None:
    async with cluster_of(tmp_path, concurrency_initial="1", concurrency_max="1") as cluster:
        async with cluster.node("one") as one, cluster.node("two") as two:
            await cluster.beat()
            for relay in (one, two):
                before = await cluster.delivered()
                await cluster.submit(relay, 6)
                await cluster.deliver(before + 6)
            assert cluster.far_side.most == 1
            nodes = await delivered_by(cluster)
            assert len(nodes) == 1, "whoever has the only connection"
        (owner,) = nodes
        (other,) = {"one", "two"} - nodes
        async with cluster.node(other) as left:
            await cluster.beat()
            await cluster.submit(left, 6)
            await cluster.deliver(18)
            assert await delivered_by(cluster) == {owner, other}


async def test_mail_for_another_worker_is_left_to_it_as_long_as_it_lives(tmp_path: Path) -> None:
    """The other has the only connection and does nothing: nobody takes up its mail again and
    again, or gives it up unseen, until the other is dead."""
    short = {"RETRY__LIFETIME": "5m"}
    async with cluster_of(tmp_path, short, concurrency_initial="1", concurrency_max="1") as cluster:
        ledger = await open_ledger(tmp_path / "ledger.db")
        await ledger.open_lease("silent", 0, cluster.clock.now(), timedelta(hours=1))
        await ledger.close()
        cluster.clock.advance(SECOND)
        async with cluster.node("one") as one:
            await cluster.submit(one, 6)
            await cluster.live(3)
            (gate,) = {row.recipient.gate for row in await cluster.rows()}
            assert gate is Gate.CONCURRENCY
            visits = visits_to_destinations(tmp_path)
            await cluster.live(60)
            assert visits_to_destinations(tmp_path) == visits
            cluster.clock.advance(timedelta(minutes=6))
            await cluster.live(3)
            assert visits_to_destinations(tmp_path) > visits, "the group might be another by now"
            assert {row.recipient.status for row in await cluster.rows()} == {Status.QUEUED}
            for _ in range(4):
                await cluster.beat()
            await cluster.deliver(6)


def visits_to_destinations(folder: Path) -> int:
    """Return how often anybody has claimed from a destination."""
    with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as connection:
        (turns,) = connection.execute("SELECT sum(turns) FROM destinations").fetchone()
    return int(turns)


async def delivered_by(cluster: Cluster) -> set[str]:
    """Return the nodes that have delivered something."""
    attempts = [row.last_attempt for row in await cluster.rows()]
    return {attempt.node for attempt in attempts if attempt is not None}


async def test_all_nodes_together_keep_to_the_rate(tmp_path: Path) -> None:
    """20 a minute: one that each node has saved up, then one each third second."""
    async with (
        cluster_of(tmp_path, rate_max="20") as cluster,
        cluster.node("one") as one,
        cluster.node("two") as two,
    ):
        await cluster.beat()
        await asyncio.gather(cluster.submit(one, 15), cluster.submit(two, 15))
        await cluster.live(1)
        waiting = [row.recipient for row in await cluster.rows() if row.recipient.gate is Gate.RATE]
        assert {(r.attempts, r.status, r.leased) for r in waiting} == {(0, Status.QUEUED, False)}
        assert len(waiting) == 28
        assert waiting[0].gate_detail == "example.net gets at most 20 messages a minute"
        assert len({each.next_attempt_at for each in waiting}) >= 14, "each has a turn"
        await cluster.deliver(30)
        arrivals = cluster.far_side.arrivals
        assert len(arrivals) == 30
        for begin, end in combinations_with_replacement(arrivals, 2):
            between = sum(begin <= at <= end for at in arrivals)
            assert between <= (end - begin).total_seconds() * 20 / 60 + 2
        assert arrivals[-1] - arrivals[0] <= timedelta(minutes=3), "the rate is used"
        assert {row.recipient.attempts for row in await cluster.rows()} == {1}


async def test_what_the_rate_holds_back_until_the_deadline_expires(tmp_path: Path) -> None:
    cluster_of_one = cluster_of(
        tmp_path, {"RETRY__LIFETIME": "5m"}, rate_max="1", concurrency_max="5"
    )
    async with cluster_of_one as cluster, cluster.node("one") as one:
        await cluster.submit(one, 9)
        await cluster.live(330)
        rows = await cluster.rows()
        expired = [row for row in rows if row.recipient.status is Status.EXPIRED]
        assert len(expired) + await cluster.delivered() == 9
        assert 5 <= await cluster.delivered() <= 6
        for row in expired:
            timeline = await cluster.ledger.timeline(row.message.id, Scope())
            assert timeline is not None
            (attempt,) = timeline.attempts
            assert attempt.origin is Origin.POLICY
            assert attempt.detail == "Not dialled: example.net gets at most 1 message a minute"
            assert any(event.kind is EventKind.DSN_SENT for event in timeline.events)


async def test_other_mail_overtakes_what_the_rate_holds_back(tmp_path: Path) -> None:
    async with (
        cluster_of(tmp_path, rate_max="1", ready_queue="4") as cluster,
        cluster.node("one") as one,
    ):
        await cluster.submit(one, 30)
        await cluster.live(3)
        assert await cluster.delivered() == 1
        await cluster.submit(one, 1, ["elsewhere.test"])
        await cluster.live(2)
        assert await cluster.delivered() == 2
