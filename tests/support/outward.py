"""Jobs, and a delivery to carry them, for tests against servers on loopback."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from config.settings import DeliverySettings, DeliveryTimeouts, Route, Settings
from relay.clock import Clock, SystemClock
from relay.deliver import Delivered, Delivery
from relay.dns import Resolver
from relay.gates import Gates
from relay.pool import Pool
from relay.tls import ClientTls
from relay.transport.content import Source
from tests.support.clock import START
from tests.support.dns import FakeResolver
from tests.support.server import Deaf, Drip, Script, Silence
from tracker.model import (
    Attempt,
    Body,
    Client,
    HeaderFacts,
    Job,
    LeaseToken,
    Message,
    MessageId,
    MessageKind,
    Notify,
    Postponement,
    Recipient,
    RecipientId,
    Ret,
    Trigger,
    new_id,
)
from tracker.routing import Routes

TEXT = b"From: a@example.org\r\nSubject: hello\r\n\r\nHello.\r\n"


class Octets:
    """Content in memory, in chunks of a chosen size."""

    def __init__(self, octets: bytes = TEXT, chunk: int = 262_144) -> None:
        self._octets = octets
        self._chunk = chunk

    @property
    def size(self) -> int:
        return len(self._octets)

    def chunks(self) -> Iterator[bytes]:
        for at in range(0, len(self._octets), self._chunk):
            yield self._octets[at : at + self._chunk]


def make_id() -> str:
    return new_id(START, os.urandom(8))


def make_message(
    *,
    reverse_path: str = "sender@example.org",
    size: int = len(TEXT),
    body: Body = Body.SEVEN_BIT,
    smtputf8: bool = False,
    ret: Ret | None = None,
    envid: str | None = None,
) -> Message:
    return Message(
        id=MessageId(make_id()),
        kind=MessageKind.MAIL,
        accepted_at=START,
        account="sender@example.org",
        reverse_path=reverse_path,
        client=Client(address="127.0.0.1"),
        size=size,
        header=HeaderFacts(),
        ret=ret,
        envid=envid,
        body=body,
        smtputf8=smtputf8,
    )


def make_recipient(
    forward_path: str,
    message: Message,
    *,
    domain: str | None = None,
    destination: str | None = None,
    notify: frozenset[Notify] | None = None,
    orcpt: str | None = None,
    attempts: int = 0,
) -> Recipient:
    domain = domain or forward_path.rpartition("@")[2]
    return Recipient(
        id=RecipientId(make_id()),
        message_id=message.id,
        forward_path=forward_path,
        domain=domain,
        destination=destination or domain,
        notify=notify,
        orcpt=orcpt,
        status_since=START,
        attempts=attempts,
        expires_at=START + timedelta(days=7),
    )


def make_job(
    *forward_paths: str,
    message: Message | None = None,
    recipients: Sequence[Recipient] = (),
    destination: str | None = None,
) -> Job:
    """Return a job to `forward_paths`, or to `recipients`, of one message."""
    message = message or make_message()
    recipients = recipients or [make_recipient(path, message) for path in forward_paths]
    return Job(
        lease=LeaseToken("LEASE"),
        message=message,
        destination=destination or recipients[0].destination,
        recipients=tuple(recipients),
        trigger=Trigger.ACCEPTED,
    )


def make_settings(
    *,
    port: int,
    routes: Sequence[Route] = (),
    timeouts: DeliveryTimeouts | None = None,
    **delivery: Any,
) -> Settings:
    """Return settings that deliver to `port` on loopback, patient for a minute at most."""
    patience = timeouts or impatient()
    delivery.setdefault("allow_private_destinations", True)
    return Settings(
        hostname="relay.test",
        delivery=DeliverySettings(port=port, timeouts=patience, **delivery),
        routes=tuple(routes),
    )


def impatient(**phases: float) -> DeliveryTimeouts:
    """Return waits of a minute, except those of `phases`, in seconds."""
    minute = timedelta(minutes=1)
    waits = {field: minute for field in DeliveryTimeouts.__struct_fields__}
    return DeliveryTimeouts(**{**waits, **{k: timedelta(seconds=v) for k, v in phases.items()}})


def impatient_at(script: Script, **phases: float) -> DeliveryTimeouts:
    """Return those waits if a server is silent or slow in `script`; else a minute for all.

    Who answers is not to be given up on only because the machine is busy.
    """
    is_slow = any(isinstance(entry, Silence | Drip | Deaf) for entry in script)
    return impatient(**phases) if is_slow else impatient()


class Flights:
    """Remembers who was sent a final dot."""

    def __init__(self) -> None:
        self.entered: list[RecipientId] = []

    def enter(self, lease: LeaseToken, recipients: Sequence[RecipientId]) -> None:
        self.entered.extend(recipients)


class Outward:
    """A delivery with everything around it that a test looks at."""

    def __init__(
        self,
        settings: Settings,
        resolver: Resolver,
        clock: Clock,
        ca_file: Path | None,
        idle_sessions: int,
    ) -> None:
        self.flights = Flights()
        self.pool = Pool(settings.delivery, clock, most=idle_sessions)
        self.delivery = Delivery(
            settings=settings,
            routes=Routes.of(settings),
            resolver=resolver,
            clock=clock,
            pool=self.pool,
            tls=ClientTls(ca_file),
            gates=Gates(settings.delivery, clock),
            enter=self.flights.enter,
            node="node-1",
            config_revision="r1",
        )

    async def deliver(self, job: Job, source: Source | None = None) -> Delivered:
        """Deliver; a postponement is not expected."""
        result = await self.delivery.deliver(job, source or Octets())
        assert isinstance(result, Delivered), result
        assert [a.recipient_id for a in result.attempts] == [r.id for r in job.recipients]
        return result

    async def postpone(self, job: Job) -> Postponement:
        """Deliver; nothing but a postponement is expected."""
        result = await self.delivery.deliver(job, Octets())
        assert isinstance(result, Postponement), result
        return result

    async def attempt(self, job: Job, source: Source | None = None) -> Attempt:
        """Deliver to a single recipient."""
        (attempt,) = (await self.deliver(job, source)).attempts
        return attempt


@asynccontextmanager
async def outward(
    *,
    port: int = 25,
    resolver: Resolver | None = None,
    clock: Clock | None = None,
    ca_file: Path | None = None,
    settings: Settings | None = None,
    idle_sessions: int = 1000,
    **options: Any,
) -> AsyncIterator[Outward]:
    """Yield a delivery; mail for mx.test goes to 127.0.0.1 unless `resolver` says otherwise."""
    resolver = resolver or FakeResolver(
        mx={"mx.test": [(10, "mx.test")]}, addresses={"mx.test": ["127.0.0.1"]}
    )
    made = settings or make_settings(port=port, **options)
    delivering = Outward(made, resolver, clock or SystemClock(), ca_file, idle_sessions)
    try:
        yield delivering
    finally:
        await delivering.pool.close()


def with_attempts(job: Job, attempts: int) -> Job:
    """Return `job` whose recipients have had `attempts` attempts."""
    return replace(job, recipients=tuple(replace(r, attempts=attempts) for r in job.recipients))
