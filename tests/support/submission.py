"""A submission server on loopback, and a client that says exactly what it is told."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from config.settings import Listener, Settings, SubmissionSettings
from relay.submission import SubmissionServer
from relay.submission.services import Closed, all_open
from tests.support.clock import FakeClock
from tests.support.intake import (
    CountingObserver,
    MemoryAccounts,
    MemoryFailures,
    RecordingIntake,
    RecordingRefusals,
)
from tracker.model import Account, Role
from tracker.passwords import Passwords
from tracker.store import LogInFailures

HOSTNAME = "relay.example.org"
PATIENCE = 90.0
"""Seconds after which a test gives up waiting."""

PLAIN = Listener(address="127.0.0.1:0")


class Conversation:
    """A raw client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, octets: bytes) -> None:
        """Send without waiting for anything."""
        self.writer.write(octets)

    async def line(self) -> str:
        """Return the next line of the server; empty at the end."""
        async with asyncio.timeout(PATIENCE):
            return (await self.reader.readline()).decode()

    async def reply(self) -> str:
        """Return the next reply, all its lines."""
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return "".join(lines).rstrip("\r\n").replace("\r\n", "\n")

    async def say(self, command: str) -> str:
        """Send a line and return the reply."""
        self.send(command.encode() + b"\r\n")
        return await self.reply()

    async def greet(self) -> str:
        """Read the greeting, say EHLO and return its reply."""
        await self.reply()
        return await self.say("EHLO client.example.net")

    async def begin(self, reverse_path: str = "a@example.org", *forward_paths: str) -> None:
        """Bring a transaction to the point where DATA may follow."""
        assert (await self.say(f"MAIL FROM:<{reverse_path}>"))[:3] == "250"
        for path in forward_paths or ("b@example.net",):
            assert (await self.say(f"RCPT TO:<{path}>"))[:3] == "250"

    async def submit(self, octets: bytes) -> str:
        """Send DATA and `octets`, which bring their end of data along; return the reply."""
        assert (await self.say("DATA"))[:3] == "354"
        self.send(octets)
        return await self.reply()

    async def rest(self) -> str:
        """Return all that comes until the server closes."""
        async with asyncio.timeout(PATIENCE):
            return (await self.reader.read()).decode()

    async def start_tls(self) -> None:
        """Do the client's half of a TLS handshake, trusting everybody."""
        await self.writer.start_tls(trusting_context())

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (OSError, ssl.SSLError):
            return


def trusting_context() -> ssl.SSLContext:
    """Return a client's context that verifies nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def plain_response(address: str, password: str) -> str:
    """Return the initial response of AUTH PLAIN."""
    return base64.b64encode(f"\0{address}\0{password}".encode()).decode()


@dataclass
class Bench:
    """A running server and all its ends."""

    server: SubmissionServer
    intake: RecordingIntake
    accounts: MemoryAccounts
    observer: CountingObserver
    clock: FakeClock
    passwords: Passwords
    refusals: RecordingRefusals
    clients: list[Conversation] = field(default_factory=list)

    async def connect(self, listener: int = 0, *, tls: bool = False) -> Conversation:
        """Open a connection; with `tls` it begins with a handshake."""
        host, port = self.server.addresses[listener]
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(
                host, port, ssl=trusting_context() if tls else None
            )
        client = Conversation(reader, writer)
        self.clients.append(client)
        return client

    async def add_account(self, address: str, password: str, role: Role = Role.USER) -> None:
        """Make an account that can log in."""
        account = Account(
            address=address,
            role=role,
            password_hash=await self.passwords.hash(password),
            created_at=self.clock.now(),
        )
        assert await self.accounts.add_account(account)


@asynccontextmanager
async def run_server(
    state: Path,
    *listeners: Listener,
    workers: int = 1,
    failures: LogInFailures | None = None,
    closed: Closed = all_open,
    **submission: Any,
) -> AsyncIterator[Bench]:
    """Run a server with these listeners and settings of the section `submission`."""
    settings = Settings(
        hostname=HOSTNAME,
        state_directory=state,
        submission=SubmissionSettings(listeners=listeners or (PLAIN,), **submission),
    )
    clock, refusals = FakeClock(), RecordingRefusals()
    intake, accounts, observer = RecordingIntake(), MemoryAccounts(), CountingObserver()
    # The cheapest parameters: how slow a hash is does not matter to what is tested here.
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Passwords(hasher, monotonic=clock.monotonic)
    server = SubmissionServer(
        settings,
        clock=clock,
        intake=intake,
        accounts=accounts,
        failures=failures or MemoryFailures(),
        passwords=passwords,
        observer=observer,
        refusals=refusals,
        workers=workers,
        closed=closed,
    )
    await server.start(reuse_port=False)
    bench = Bench(server, intake, accounts, observer, clock, passwords, refusals)
    try:
        yield bench
    finally:
        for client in bench.clients:
            await client.close()
        await server.stop(timedelta(seconds=5))
        passwords.close()
