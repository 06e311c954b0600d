"""Mail that a dead next hop holds up, sent another way: a whole relay, real sockets."""

import asyncio
import contextlib
import smtplib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from relay.app import Relay, open_relay
from relay.clock import SystemClock
from tests.support.dns import FakeResolver
from tests.support.mail import mint
from tests.support.ports import free_port
from tests.support.settings import mx_at, relay_in
from tracker.acting import reroute_of
from tracker.model import (
    Act,
    ActId,
    Attempt,
    Deed,
    Errand,
    ErrandId,
    ErrandKind,
    EventKind,
    Outcome,
    Recipient,
    Scope,
    Status,
)
from tracker.routing import Routes
from tracker.search import Query, parse
from tracker.store import Ledger

EVERYTHING = Scope()
ANNA = "admin@example.com"


class Server:
    """A mail server on a port of loopback that can say "later", and notes what it hears."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.says_later = False
        self.heard: list[str] = []
        self.sessions: list[list[str]] = []

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def taken(self) -> list[str]:
        """The recipients named to it, sorted."""
        return sorted(line[9:-1] for line in self.heard if line.startswith("RCPT TO:"))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session: list[str] = []
        self.sessions.append(session)
        writer.write(b"220 mx.test ESMTP\r\n")
        while line := (await reader.readline()).decode().strip():
            session.append(line)
            self.heard.append(line)
            verb = line[:4].upper()
            if verb == "EHLO":
                writer.write(b"250-mx.test\r\n250 AUTH PLAIN LOGIN\r\n")
            elif verb == "AUTH":
                writer.write(b"235 2.7.0 welcome\r\n")
            elif verb == "RCPT" and self.says_later:
                writer.write(b"451 4.7.1 Come back later\r\n")
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 2.0.0 Ok: queued as 4bXyZ12Q\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 fine\r\n")
        writer.close()

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator["Server"]:
        async with await asyncio.start_server(self.serve, "127.0.0.1", self.port):
            yield self


class House:
    """Where a relay lives; two servers that may be alive or not: its mail's, and another."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mx, self.other = Server(free_port()), Server(free_port())
        self.settings: dict[str, str] = {}
        self.relay: Relay
        self.ledger: Ledger
        self.routes: Routes

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        loaded = relay_in(self.directory, **mx_at(self.mx.port), **self.settings)
        self.routes = Routes.of(loaded.settings)
        resolver = FakeResolver(
            mx={name: [(10, "mx.test")] for name in ("dead.example", "too.example", "example.com")},
            addresses={"mx.test": ["127.0.0.1"]},
        )
        async with open_relay(loaded, clock=SystemClock(), resolver=resolver) as opened:
            self.relay, self.ledger = opened
            yield

    async def send(self, *forward_paths: str) -> None:
        host, port = self.relay.submission.addresses[0]

        def hand_in() -> None:
            with smtplib.SMTP(host, port) as client:
                client.sendmail(
                    "a@example.com", list(forward_paths), b"Subject: hi\r\n\r\nhello\r\n"
                )

        await asyncio.to_thread(hand_in)

    async def recipients(self) -> list[Recipient]:
        page = await self.ledger.search(Query(), EVERYTHING, limit=100)
        found = [r.recipient for r in page.rows if r.message.reverse_path == "a@example.com"]
        return sorted(found, key=lambda one: one.forward_path)

    async def until(self, is_so: Callable[[Recipient], bool]) -> list[Recipient]:
        """Wait until it holds of every recipient, and none is in hand."""
        async with asyncio.timeout(90):
            while True:
                found = await self.recipients()
                if found and all(is_so(one) and not one.leased for one in found):
                    return found
                await asyncio.sleep(0.02)

    async def reroute(self, next_hop: str, query: str = "") -> None:
        """Ask for it as the panel does, and let a worker carry it out."""
        now = datetime.now(UTC)
        act = Act(
            id=ActId(mint(now)),
            key=mint(),
            deed=Deed.REROUTE,
            next_hop=next_hop,
            actor=ANNA,
            account=None,
            scope=EVERYTHING,
            query=query,
            created_at=now,
            begins_at=now,
            expected=0,
        )
        await self.ledger.plan_act(act)
        async with asyncio.timeout(90):
            while (after := await self.ledger.act(act.id, EVERYTHING)) and not after.is_over:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def retry(self) -> None:
        """Make all due now."""
        ids = [one.id for one in await self.recipients()]
        await self.ledger.retry_now(ids, scope=EVERYTHING, actor=ANNA, now=datetime.now(UTC))

    async def attempts(self, recipient: Recipient) -> list[Attempt]:
        timeline = await self.ledger.timeline(recipient.message_id, EVERYTHING)
        assert timeline is not None
        return [one for one in timeline.attempts if one.recipient_id == recipient.id]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def tried(number: int) -> Callable[[Recipient], bool]:
    return lambda one: one.attempts >= number


def is_delivered(recipient: Recipient) -> bool:
    return recipient.status is Status.DELIVERED


async def test_mail_behind_a_dead_server_arrives_by_another_one(house: House) -> None:
    async with house.running(), house.other.alive():
        await house.send("bob@dead.example")
        (before,) = await house.until(tried(1))
        assert before.status is Status.DEFERRED
        await house.reroute(house.other.name)
        (one,) = await house.until(is_delivered)
        assert house.other.taken == ["bob@dead.example"]
        assert not any(line.startswith("AUTH") for line in house.other.heard)
        _, last = await house.attempts(one)
        assert last.target is not None
        assert (last.target.host, last.target.port) == ("127.0.0.1", house.other.port)
        assert (last.destination, one.destination) == (house.other.name, house.other.name)
        timeline = await house.ledger.timeline(one.message_id, EVERYTHING)
        assert timeline is not None
        (event,) = [each for each in timeline.events if each.kind is EventKind.REROUTED]
        assert (event.actor, event.detail) == (
            ANNA,
            f"{house.other.name} instead of the MX of dead.example",
        )
        query = parse("mx:127.0.0.1", now=datetime.now(UTC), zone=ZoneInfo("UTC"))
        assert len((await house.ledger.search(query, EVERYTHING, limit=9)).rows) == 1
        state = await house.ledger.destination(house.other.name)
        assert state is not None
        assert state.last_success_at is not None


async def test_a_deferral_there_keeps_the_way_until_it_goes_as_configured_again(
    house: House,
) -> None:
    async with house.running(), house.other.alive() as other:
        await house.send("bob@dead.example")
        await house.until(tried(1))
        other.says_later = True
        await house.reroute(other.name)
        (one,) = await house.until(tried(2))
        assert (one.status, one.next_hop, one.destination) == (
            Status.DEFERRED,
            other.name,
            other.name,
        )
        await house.retry()
        (one,) = await house.until(tried(3))
        assert one.next_hop == other.name
        assert other.taken == ["bob@dead.example"] * 2
        async with house.mx.alive() as mx:
            await house.reroute("")
            (one,) = await house.until(is_delivered)
            assert (one.next_hop, one.destination) == ("", "dead.example")
            assert mx.taken == ["bob@dead.example"]
        assert [attempt.outcome for attempt in await house.attempts(one)] == [
            Outcome.DEFERRED,
            Outcome.DEFERRED,
            Outcome.DEFERRED,
            Outcome.DELIVERED,
        ]


async def test_a_restart_keeps_the_way(house: House) -> None:
    async with house.running():
        await house.send("bob@dead.example")
        await house.until(tried(1))
        await house.reroute(house.other.name)
        await house.until(tried(2))
    async with house.running(), house.other.alive() as other, house.mx.alive():
        await house.retry()
        await house.until(is_delivered)
        assert other.taken == ["bob@dead.example"]
        assert house.mx.heard == []


async def test_recipients_of_one_message_go_their_ways_apart(house: House) -> None:
    async with house.running():
        await house.send("a@dead.example", "b@dead.example", "c@too.example")
        await house.until(tried(1))
        async with house.other.alive() as other, house.mx.alive() as mx:
            await house.reroute(other.name, "to:a@dead.example")
            await house.reroute(other.name, "to:c@too.example")
            await house.retry()
            await house.until(is_delivered)
        assert other.taken == ["a@dead.example", "c@too.example"]
        assert mx.taken == ["b@dead.example"]


async def test_a_password_goes_only_where_its_route_leads(house: House) -> None:
    paid = Server(free_port())
    house.settings = {
        "ROUTES": f'[{{"domain": "paid.example", "next_hop": "{paid.name}",'
        ' "username": "us", "password": "secret", "allow_cleartext_password": true}]'
    }
    async with house.running(), house.other.alive() as other, paid.alive():
        await house.send("a@dead.example", "b@too.example")
        await house.until(tried(1))
        await house.reroute(paid.name, "to:a@dead.example")
        await house.reroute(other.name, "to:b@too.example")
        await house.until(is_delivered)
    assert (paid.taken, other.taken) == (["a@dead.example"], ["b@too.example"])
    assert [line[:10] for line in paid.heard if "AUTH" in line] == ["AUTH PLAIN"]
    assert not any("AUTH" in line for line in other.heard)


async def test_who_has_a_way_of_their_own_shares_no_transaction_with_a_route_to_the_same_place(
    house: House,
) -> None:
    """Two routes to one server, of which only one has a password: one destination, two ways."""
    house.settings = {
        "ROUTES": f'[{{"domain": "paid.example", "next_hop": "{house.other.name}",'
        ' "username": "us", "password": "secret", "allow_cleartext_password": true},'
        f' {{"domain": "free.example", "next_hop": "{house.other.name}"}}]'
    }
    async with house.running():
        await house.send("a@dead.example", "b@free.example")
        await house.until(tried(1))
        await house.reroute(house.other.name, "to:a@dead.example")
        await house.until(lambda one: one.destination == house.other.name and one.attempts > 0)
        async with house.other.alive() as other:
            await house.retry()
            await house.until(is_delivered)
    named = [
        ([line for line in session if line.startswith("RCPT")], any("AUTH" in x for x in session))
        for session in other.sessions
    ]
    assert sorted((rcpt[0][9:-1], has_auth) for rcpt, has_auth in named if rcpt) == [
        ("a@dead.example", True),
        ("b@free.example", False),
    ]


async def test_a_next_hop_that_does_not_answer_lets_the_mail_wait(house: House) -> None:
    async with house.running():
        await house.send("bob@dead.example")
        await house.until(tried(1))
        await house.reroute("no.such.host:2525")
        (one,) = await house.until(tried(2))
        assert (one.status, one.destination) == (Status.DEFERRED, "no.such.host:2525")
        assert "next hop" in (await house.attempts(one))[-1].detail


async def test_a_probe_asks_where_the_mail_is_sent(house: House) -> None:
    async with house.running(), house.other.alive() as other:
        await house.send("bob@dead.example")
        (one,) = await house.until(tried(1))
        await house.ledger.change_status(
            [one.id], Status.HELD, scope=EVERYTHING, actor="", reason="", now=datetime.now(UTC)
        )
        way = reroute_of(one, other.name, house.routes)
        assert way is not None
        assert await house.ledger.reroute(
            [way], scope=EVERYTHING, actor=ANNA, reason="", now=datetime.now(UTC)
        )
        errand = Errand(
            id=ErrandId(mint(datetime.now(UTC))),
            key=mint(),
            kind=ErrandKind.PROBE,
            actor=ANNA,
            account=ANNA,
            message_id=one.message_id,
            recipient_id=one.id,
            address=one.forward_path,
            asked_at=datetime.now(UTC),
        )
        await house.ledger.ask_errand(errand)
        async with asyncio.timeout(90):
            look = partial(house.ledger.errand, errand.id, EVERYTHING)
            while (done := await look()) and not done.ended_at:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert done is not None
        assert done.result.attempt is not None, done.result.problem
        assert done.result.attempt.outcome is Outcome.DELIVERED
        assert other.taken == ["bob@dead.example"]
        assert "DATA" not in other.heard
