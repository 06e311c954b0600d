"""What a worker does for people: probes, sending again, cancelling with a notice, suppressing."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from relay.app import Relay, open_relay
from relay.clock import SystemClock
from tests.support.dns import FakeResolver
from tests.support.mail import mint
from tests.support.ports import free_port
from tests.support.settings import mx_at, relay_in
from tracker.model import (
    Act,
    ActId,
    Deed,
    Errand,
    ErrandId,
    ErrandKind,
    EventKind,
    MessageId,
    MessageKind,
    Outcome,
    Phase,
    Scope,
    Status,
    Suppression,
)
from tracker.search import Query
from tracker.store import Ledger
from tracker.views import Row, Timeline

T = TypeVar("T")

EVERYTHING = Scope()
ANNA = "anna@example.com"


class Place(NamedTuple):
    """A relay with its ledger, and what the far side heard and got."""

    relay: Relay
    ledger: Ledger
    heard: list[str]
    got: list[bytes]

    def send(self, *forward_paths: str) -> None:
        host, port = self.relay.submission.addresses[0]
        with smtplib.SMTP(host, port) as client:
            client.sendmail(ANNA, list(forward_paths), b"Subject: hi\r\n\r\nhello\r\n")

    async def rows(self) -> list[Row]:
        """Return what is on record, oldest first."""
        page = await self.ledger.search(Query(), EVERYTHING, limit=100)
        return list(reversed(page.rows))

    async def timeline(self, message_id: MessageId) -> Timeline:
        found = await self.ledger.timeline(message_id, EVERYTHING)
        assert found is not None
        return found

    async def ask(self, kind: ErrandKind, address: str, row: Row | None = None) -> Errand:
        """Ask for an errand and return it once it has ended."""
        errand = Errand(
            id=ErrandId(mint(datetime.now(UTC))),
            key=mint(),
            kind=kind,
            actor=ANNA,
            account=ANNA,
            message_id=row.message.id if row else None,
            recipient_id=row.recipient.id if row else None,
            address=address,
            asked_at=datetime.now(UTC),
        )
        await self.ledger.ask_errand(errand)

        async def ended() -> Errand | None:
            found = await self.ledger.errand(errand.id, EVERYTHING)
            return found if found is not None and found.ended_at else None

        return await until(ended)


async def until(look: Callable[[], Awaitable[T | None]]) -> T:
    """Wait until there is something to see."""
    async with asyncio.timeout(90):
        while (found := await look()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: Place) -> None:
    writer.write(b"220 mx.example.net ESMTP\r\n")
    while line := (await reader.readline()).decode().strip():
        place.heard.append(line)
        if line.startswith("RCPT") and "nobody" in line:
            writer.write(b"550 5.1.1 No such user here\r\n")
        elif line.startswith("RCPT") and "later" in line:
            writer.write(b"451 4.7.1 Come back later\r\n")
        elif line == "DATA":
            writer.write(b"354 go on\r\n")
            place.got.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"250 2.0.0 Ok: queued as 4bXyZ12Q\r\n")
        elif line == "QUIT":
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(b"250 mx.example.net\r\n")
    writer.close()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    remote_port = free_port()
    loaded = relay_in(tmp_path, TRACKING__SUPPRESS_UNKNOWN="true", **mx_at(remote_port))
    resolver = FakeResolver(
        mx={name: [(10, "mx.example.net")] for name in ("example.net", "example.com")},
        addresses={"mx.example.net": ["127.0.0.1"]},
    )
    async with open_relay(loaded, clock=SystemClock(), resolver=resolver) as (relay, ledger):
        here = Place(relay, ledger, [], [])
        server = await asyncio.start_server(
            lambda reader, writer: serve(reader, writer, here), "127.0.0.1", remote_port
        )
        async with server:
            await ledger.keep_refused(True)
            yield here


async def settled(place: Place, *forward_paths: str) -> list[Row]:
    """Send a message and return its rows once nobody is at them."""
    await asyncio.to_thread(place.send, *forward_paths)

    async def rows() -> list[Row] | None:
        found = [r for r in await place.rows() if r.recipient.forward_path in forward_paths]
        is_tried = all(r.recipient.attempts and not r.recipient.leased for r in found)
        return found if found and is_tried else None

    return await until(rows)


@pytest.mark.parametrize(
    ("address", "outcome", "code"),
    [
        ("bob@example.net", Outcome.DELIVERED, 250),
        ("nobody@example.net", Outcome.FAILED, 550),
        ("later@example.net", Outcome.DEFERRED, 451),
    ],
)
async def test_a_probe_asks_and_sends_nothing(
    place: Place, address: str, outcome: Outcome, code: int
) -> None:
    errand = await place.ask(ErrandKind.PROBE, address)
    attempt = errand.result.attempt
    assert attempt is not None, errand.result.problem
    assert (attempt.outcome, attempt.phase) == (outcome, Phase.RCPT)
    assert attempt.reply is not None
    assert attempt.reply.code == code
    commands = [step.command for step in attempt.tries[0].steps]
    assert commands[-3:] == [f"MAIL FROM:<{ANNA}>", f"RCPT TO:<{address}>", "RSET"]
    assert "DATA" not in place.heard
    assert place.got == []
    assert await place.rows() == []


async def test_a_probe_about_a_message_is_on_its_timeline_and_counts_as_no_attempt(
    place: Place,
) -> None:
    (row,) = await settled(place, "later@example.net")
    errand = await place.ask(ErrandKind.PROBE, row.recipient.forward_path, row)
    assert errand.result.attempt is not None
    timeline = await place.timeline(row.message.id)
    assert timeline.events[-1].kind is EventKind.PROBED
    assert timeline.events[-1].detail == "mx.example.net answered: 451 4.7.1 Come back later"
    assert timeline.events[-1].actor == ANNA
    assert len(timeline.attempts) == 1
    assert timeline.recipients[0] == row.recipient


async def test_what_has_no_way_is_told_by_a_probe(place: Place) -> None:
    errand = await place.ask(ErrandKind.PROBE, "bob@nowhere.example")
    assert errand.result.attempt is not None
    assert errand.result.attempt.outcome is not Outcome.DELIVERED
    assert (await place.ask(ErrandKind.PROBE, "no address")).result.problem


async def test_a_message_that_came_back_is_sent_again_and_linked_both_ways(place: Place) -> None:
    (row,) = await settled(place, "nobody@example.net")
    assert row.recipient.status is Status.BOUNCED
    errand = await place.ask(ErrandKind.SEND_AGAIN, "Bob@example.net", row)
    made = errand.result.message_id
    assert made is not None, errand.result.problem

    async def delivered() -> Timeline | None:
        timeline = await place.timeline(made)
        return timeline if timeline.recipients[0].status is Status.DELIVERED else None

    timeline = await until(delivered)
    assert timeline.recipients[0].forward_path == "Bob@example.net"
    assert timeline.message.reverse_path == ANNA
    assert timeline.message.account == row.message.account
    assert any(octets.endswith(b"Subject: hi\r\n\r\nhello\r\n.\r\n") for octets in place.got)
    old = await place.timeline(row.message.id)
    links = [
        [(event.related_message_id, event.detail) for event in one.events if event.actor == ANNA]
        for one in (old, timeline)
    ]
    assert links == [
        [(made, "to Bob@example.net")],
        [(row.message.id, "after it had not reached nobody@example.net")],
    ]


async def test_an_errand_that_is_taken_up_again_sends_once(place: Place) -> None:
    (row,) = await settled(place, "nobody@example.net")
    errand = await place.ask(ErrandKind.SEND_AGAIN, "bob@example.net", row)
    # As when a worker died between the two: handed in, and not noted.
    await place.relay.errands.carry_out(errand)
    sent = [r for r in await place.rows() if r.recipient.forward_path == "bob@example.net"]
    assert len(sent) == 1


async def test_what_is_not_kept_cannot_be_sent_again(place: Place) -> None:
    (row,) = await settled(place, "bob@example.net")
    errand = await place.ask(ErrandKind.SEND_AGAIN, "carol@example.net", row)
    assert "too late" in errand.result.problem


async def test_a_sender_is_told_of_what_was_cancelled(place: Place) -> None:
    (row,) = await settled(place, "later@example.net")
    now = datetime.now(UTC)
    act = Act(
        id=ActId(mint(now)),
        key=mint(),
        deed=Deed.CANCEL,
        tells_sender=True,
        actor=ANNA,
        account=None,
        scope=EVERYTHING,
        reason="wrong month",
        chosen=(row.recipient.id,),
        created_at=now,
        begins_at=now,
        expected=1,
    )
    await place.ledger.plan_act(act)

    async def report() -> Row | None:
        found = [r for r in await place.rows() if r.message.kind is MessageKind.DSN]
        return found[0] if found else None

    await until(report)
    timeline = await place.timeline(row.message.id)
    assert timeline.recipients[0].status is Status.CANCELLED
    kinds = [event.kind for event in timeline.events]
    assert kinds[-2:] == [EventKind.CANCELLED, EventKind.DSN_SENT]
    assert "wrong month" in timeline.attempts[-1].detail
    assert [attempt.is_try for attempt in timeline.attempts] == [True, False]
    assert timeline.recipients[0].attempts == 1
    assert place.heard.count("RCPT TO:<later@example.net>") == 1, "it is not tried once more"

    async def told() -> bytes | None:
        return next((o for o in place.got if b"wrong month" in o), None)

    assert b"Action: failed" in await until(told)


async def test_an_address_that_does_not_exist_is_suppressed_where_that_is_wanted(
    place: Place,
) -> None:
    await settled(place, "nobody@example.net")

    async def listed() -> Suppression | None:
        found = await place.ledger.suppressions(EVERYTHING, limit=10)
        return found[0] if found else None

    one = await until(listed)
    assert (one.address, one.domain, one.account) == ("nobody@example.net", "example.com", "")

    async def refused() -> str | None:
        try:
            await asyncio.to_thread(place.send, "Nobody@example.net")
        except smtplib.SMTPRecipientsRefused as refusal:
            ((code, words),) = refusal.recipients.values()
            return f"{code} {words.decode()}"
        return None

    assert (await until(refused)).startswith("550 5.1.1 Nothing is sent to this address")
