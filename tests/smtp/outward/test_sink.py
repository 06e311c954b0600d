"""Servers that nobody here wrote: Postfix's smtp-sink and aiosmtpd."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.outward import TEXT, Octets, make_job, make_message, outward
from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until
from tracker.model import Outcome

DOTS = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n" + b"line\r\n" * 50_000


class Mailbox:
    """Keeps what it gets; refuses nobody but nobody@."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        return "250 2.0.0 Ok: queued as SINK1"


async def test_aiosmtpd_gets_what_was_sent() -> None:
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        async with outward(port=controller.port) as relay:
            message = make_message(size=len(DOTS))
            job = make_job("bob@mx.test", "nobody@mx.test", message=message)
            attempts = (await relay.deliver(job, Octets(DOTS, 1000))).attempts
    finally:
        await asyncio.to_thread(controller.stop)
    assert [a.outcome for a in attempts] == [Outcome.DELIVERED, Outcome.FAILED]
    (envelope,) = mailbox.envelopes
    assert envelope.content == DOTS
    assert envelope.rcpt_tos == ["bob@mx.test"]


@pytest.fixture
def sink() -> Iterator[int]:
    """Yield the port of a running smtp-sink."""
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.skip("smtp-sink is not installed: it comes with Postfix")
    port = free_port()
    process = subprocess.Popen(
        [program, "-u", "nobody", f"127.0.0.1:{port}", "100"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "smtp-sink")
        yield port
    finally:
        process.terminate()
        process.wait()


async def test_smtp_sink_takes_many_messages(sink: int) -> None:
    async with outward(port=sink) as relay:

        async def deliver() -> Outcome:
            return (await relay.attempt(make_job("a@mx.test", message=make_message()))).outcome

        outcomes = await asyncio.gather(*(deliver() for _ in range(200)))
        job = make_job(*(f"user{i}@mx.test" for i in range(120)))
        attempts = (await relay.deliver(job, Octets(TEXT))).attempts
    assert set(outcomes) == {Outcome.DELIVERED}
    assert {a.outcome for a in attempts} == {Outcome.DELIVERED}
