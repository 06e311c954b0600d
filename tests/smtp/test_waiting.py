"""What waits: behind a dead destination, on hold, without a resolver. A whole relay, its time
turned by hand."""

import asyncio
import contextlib
import smtplib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from relay.dns import ResolverSilent
from tests.support.clock import START, FakeClock
from tests.support.dns import FakeResolver
from tests.support.ports import free_port
from tests.support.resting import Restful, open_restful, rest
from tests.support.settings import mx_at, relay_in
from tracker.model import (
    EventKind,
    Gate,
    MessageKind,
    Origin,
    Outcome,
    Recipient,
    Scope,
    Status,
    Trigger,
)
from tracker.search import Query
from tracker.states import OPEN
from tracker.views import Row, Timeline

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

EVERYTHING = Scope()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class House:
    """A relay, its ledger, and the clock that it lives by."""

    def __init__(
        self,
        restful: Restful,
        clock: FakeClock,
        resolver: FakeResolver,
        remote_port: int,
    ) -> None:
        self._restful = restful
        self.relay = restful.relay
        self.ledger = restful.ledger
        self.clock = clock
        self.resolver = resolver
        self.remote_port = remote_port

    async def submit(self, *forward_paths: str, sender: str = "alice@example.com") -> None:
        """Hand in one message for each of `forward_paths`."""
        host, port = self.relay.submission.addresses[0]

        def send() -> None:
            with smtplib.SMTP(host, port) as client:
                for forward_path in forward_paths:
                    client.sendmail(sender, [forward_path], b"Subject: hi\r\n\r\nhello\r\n")

        await asyncio.to_thread(send)

    async def rows(self, kind: MessageKind = MessageKind.MAIL) -> Sequence[Row]:
        """Return what is on record, oldest first."""
        page = await self.ledger.search(Query(), EVERYTHING, limit=500)
        return [row for row in reversed(page.rows) if row.message.kind is kind]

    async def timeline(self, row: Row) -> Timeline:
        found = await self.ledger.timeline(row.message.id, EVERYTHING)
        assert found is not None
        return found

    async def until(
        self, is_so: Callable[[Sequence[Row]], bool], step: timedelta = timedelta()
    ) -> Sequence[Row]:
        """Wait until `is_so` holds of the mail; the relay's time passes by `step` meanwhile."""
        async with asyncio.timeout(90):
            while not is_so(rows := await self.rows()):
                self.clock.advance(step)
                await asyncio.sleep(0.02)
        return rows

    async def live(self, span: timedelta, step: timedelta = MINUTE) -> None:
        """Let `span` pass in steps; the relay comes to rest after each."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            self.clock.advance(min(step, end - self.clock.now()))
            await rest(self._restful)


def is_idle(recipient: Recipient) -> bool:
    return not recipient.leased


def far_side(received: list[bytes], gate: asyncio.Event | None = None) -> Conversation:
    """Return a server that takes every message, behind `gate` if there is one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if gate is not None:
            await gate.wait()
        writer.write(b"220 mx.example.net ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                received.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 2.0.0 Ok: queued as 4bXyZ12Q\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 mx.example.net\r\n")
        writer.close()

    return serve


@contextlib.asynccontextmanager
async def listening(conversation: Conversation, house: House) -> AsyncIterator[None]:
    """Have the far side listen. In the end nobody waits for the connections that are kept open."""
    server = await asyncio.start_server(conversation, "127.0.0.1", house.remote_port)
    try:
        yield
    finally:
        server.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    remote_port = free_port()
    loaded = relay_in(
        tmp_path,
        STORE__LEASE="1h",
        DELIVERY__CONCURRENCY_INITIAL="1",
        DELIVERY__CONCURRENCY_MAX="1",
        **mx_at(remote_port),
    )
    clock = FakeClock()
    resolver = FakeResolver(
        mx={name: [(10, "mx.example.net")] for name in ("dead.example", "example.com")},
        addresses={"mx.example.net": ["127.0.0.1"]},
    )
    async with open_restful(loaded, clock=clock, resolver=resolver) as restful:
        yield House(restful, clock, resolver, remote_port)


async def test_a_dead_destination_is_probed_and_not_hammered(house: House) -> None:
    await house.submit("first@dead.example")
    await house.until(lambda rows: rows[0].recipient.status is Status.DEFERRED)
    await house.submit(*(f"r{number}@dead.example" for number in range(20)))
    rows = await house.until(
        lambda rows: len(rows) == 21 and all(is_idle(row.recipient) for row in rows)
    )
    later = [row.recipient for row in rows if "first" not in row.recipient.forward_path]
    assert len(later) == 20
    for recipient in later:
        assert (recipient.status, recipient.attempts) == (Status.QUEUED, 0)
        assert recipient.gate is Gate.DESTINATION
        assert recipient.gate_detail == "Connection refused"
        assert recipient.next_attempt_at is not None
        assert recipient.next_attempt_at > START
    await house.live(2 * HOUR)
    attempts = sum(row.recipient.attempts for row in await house.rows())
    # One probe after 1, 2, 5, 10 and then every 15 minutes, for all of them together.
    assert 8 <= attempts <= 14


async def test_every_sender_hears_of_the_delay_once_without_another_dial(house: House) -> None:
    await house.submit(*(f"r{number}@dead.example" for number in range(8)))
    await house.until(lambda rows: len(rows) == 8 and all(is_idle(row.recipient) for row in rows))
    await house.live(5 * HOUR)
    for row in await house.rows():
        timeline = await house.timeline(row)
        notices = [event for event in timeline.events if event.kind is EventKind.DSN_SENT]
        assert len(notices) == 1, row.recipient
        assert notices[0].detail == "Action: delayed"
        assert row.recipient.delay_dsn_at is not None
    presumed = [
        attempt
        for row in await house.rows()
        for attempt in (await house.timeline(row)).attempts
        if attempt.detail.startswith("Not dialled")
    ]
    assert presumed
    assert {(a.outcome, a.origin) for a in presumed} == {(Outcome.DEFERRED, Origin.NETWORK)}
    assert not any(attempt.tries for attempt in presumed)


async def test_behind_a_dead_destination_everybody_expires_at_the_deadline(house: House) -> None:
    await house.submit(*(f"r{number}@dead.example" for number in range(5)))
    await house.until(lambda rows: len(rows) == 5 and all(is_idle(row.recipient) for row in rows))
    await house.live(7 * DAY - HOUR, step=HOUR)
    await house.live(HOUR + 20 * MINUTE, step=10 * MINUTE)
    for row in await house.rows():
        assert row.recipient.status is Status.EXPIRED
        assert row.recipient.status_since - START < 7 * DAY + 20 * MINUTE
        timeline = await house.timeline(row)
        sent = [event.detail for event in timeline.events if event.kind is EventKind.DSN_SENT]
        assert sent == ["Action: delayed", "Action: failed"]
    (today, *_) = await house.ledger.balance(START)
    assert today.difference == 0


async def test_a_destination_that_comes_back_gets_all_its_mail_after_one_probe(
    house: House,
) -> None:
    await house.submit(*(f"r{number}@dead.example" for number in range(10)))
    await house.until(lambda rows: len(rows) == 10 and all(is_idle(row.recipient) for row in rows))
    received: list[bytes] = []

    async with listening(far_side(received), house):
        await house.live(16 * MINUTE)
        await house.until(
            lambda rows: all(row.recipient.status is Status.DELIVERED for row in rows)
        )
    assert len(received) == 10


async def test_mail_for_a_busy_destination_says_so_and_goes_on(house: House) -> None:
    received: list[bytes] = []
    gate = asyncio.Event()
    async with listening(far_side(received, gate), house):
        await house.submit(*(f"r{number}@dead.example" for number in range(6)))
        rows = await house.until(
            lambda rows: sum(row.recipient.gate is Gate.CONCURRENCY for row in rows) == 4,
            step=timedelta(seconds=5),
        )
        waiting = [row.recipient for row in rows if row.recipient.gate is Gate.CONCURRENCY]
        assert {(r.status, r.attempts, r.leased) for r in waiting} == {(Status.QUEUED, 0, False)}
        gate.set()
        await house.until(
            lambda rows: all(row.recipient.status is Status.DELIVERED for row in rows)
        )
    assert len(received) == 6


@contextlib.contextmanager
def ledger_that_cannot_be_written(house: House) -> Iterator[None]:
    """Keep the write lock, as a full disk would keep everybody from writing."""
    with contextlib.closing(sqlite3.connect(house.ledger.place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_mail_that_could_not_be_given_back_is_not_forgotten(house: House) -> None:
    received: list[bytes] = []
    gate = asyncio.Event()
    async with listening(far_side(received, gate), house):
        await house.submit(*(f"r{number}@dead.example" for number in range(6)))
        with ledger_that_cannot_be_written(house):
            for _ in range(8):
                house.clock.advance(timedelta(seconds=5))
                await asyncio.sleep(0.02)
        gate.set()
        await house.until(
            lambda rows: all(row.recipient.status is Status.DELIVERED for row in rows),
            step=timedelta(seconds=5),
        )
    assert len(received) == 6


async def test_a_worker_goes_on_claiming_after_a_fault_of_the_ledger(house: House) -> None:
    with contextlib.closing(sqlite3.connect(house.ledger.place, isolation_level=None)) as other:
        other.execute("DELETE FROM leases")
        other.execute(
            "CREATE TRIGGER fault BEFORE INSERT ON leases BEGIN SELECT RAISE(ABORT, 'fault'); END"
        )
        await house.submit("r@dead.example")
        await asyncio.sleep(0.1)
        other.execute("DROP TRIGGER fault")
    received: list[bytes] = []
    async with listening(far_side(received), house):
        async with asyncio.timeout(90):
            while not received:
                house.clock.advance(timedelta(seconds=1))
                await asyncio.sleep(0.02)


async def test_held_mail_expires_at_its_deadline_untried_and_its_sender_is_told(
    house: House,
) -> None:
    house.resolver.faults["mx dead.example"] = ResolverSilent("Our resolver does not answer")
    await house.submit("held@dead.example")
    (row,) = await house.until(lambda rows: rows[0].recipient.gate is Gate.DNS)
    held = await house.ledger.change_status(
        [row.recipient.id],
        Status.HELD,
        scope=EVERYTHING,
        actor="admin@example.org",
        reason="looks stolen",
        now=house.clock.now(),
    )
    assert held == 1
    await house.live(7 * DAY + HOUR, step=HOUR)
    (row,) = await house.until(lambda rows: rows[0].recipient.status is Status.EXPIRED)
    assert row.recipient.attempts == 0
    timeline = await house.timeline(row)
    (attempt,) = timeline.attempts
    assert (attempt.origin, attempt.trigger) == (Origin.POLICY, Trigger.DEADLINE)
    assert "held until its deadline" in attempt.detail
    assert [event.kind for event in timeline.events if event.kind is EventKind.DSN_SENT]


async def test_who_waits_for_something_of_ours_has_the_sender_told_once_too(house: House) -> None:
    """Four hours are four hours, whatever it is that mail waits for."""
    house.resolver.faults["mx dead.example"] = ResolverSilent("Our resolver does not answer")
    house.resolver.faults["mx example.com"] = ResolverSilent("Our resolver does not answer")
    await house.submit("r@dead.example")
    await house.until(lambda rows: rows[0].recipient.gate is Gate.DNS)
    await house.live(3 * HOUR, step=HOUR / 4)
    assert await house.rows(MessageKind.DSN) == []
    await house.live(5 * HOUR, step=HOUR / 4)
    (dsn,) = await house.rows(MessageKind.DSN)
    assert dsn.message.header.subject.startswith("Delayed")
    (row,) = await house.rows()
    assert (row.recipient.attempts, row.recipient.gate) == (0, Gate.DNS)
    (attempt,) = (await house.timeline(row)).attempts
    assert not attempt.is_try
    assert attempt.detail == "Not dialled: Our resolver does not answer"


async def test_without_a_resolver_nothing_counts_as_an_attempt_but_the_deadline_holds(
    house: House,
) -> None:
    house.resolver.faults["mx dead.example"] = ResolverSilent("Our resolver does not answer")
    await house.submit("r@dead.example")
    await house.until(lambda rows: rows[0].recipient.gate is Gate.DNS)
    await house.live(DAY, step=HOUR)
    (row,) = await house.rows()
    assert (row.recipient.attempts, row.recipient.gate) == (0, Gate.DNS)
    assert row.recipient.status in OPEN
    await house.live(6 * DAY + HOUR, step=HOUR)
    (row,) = await house.rows()
    assert row.recipient.status is Status.EXPIRED
    assert row.recipient.attempts == 0
    assert row.last_attempt is not None
    assert not row.last_attempt.is_try
    assert row.last_attempt.origin is Origin.LOCAL


async def test_mail_whose_content_is_lost_expires_and_its_sender_is_told(house: House) -> None:
    await house.submit("r@dead.example")
    await house.until(lambda rows: rows[0].recipient.status is Status.DEFERRED)
    with contextlib.closing(sqlite3.connect(house.ledger.place, isolation_level=None)) as other:
        other.execute("DELETE FROM content")
    await house.live(7 * DAY + HOUR, step=HOUR)
    (row,) = await house.rows()
    assert row.recipient.status is Status.EXPIRED
    sent = [e for e in (await house.timeline(row)).events if e.kind is EventKind.DSN_SENT]
    assert len(sent) == 2, "of the delay, and of the failure"
