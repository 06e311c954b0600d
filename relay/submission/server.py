"""The submission server: listeners, their certificates, and the end of it all."""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from config.settings import Listener, Settings
from relay.certificates import build_server_context
from relay.clock import Clock
from relay.submission.admission import Connections, TrustedNetworks
from relay.submission.connection import HANDSHAKE_TIMEOUT, LINGER
from relay.submission.deadlines import Deadlines
from relay.submission.entrance import Behind, Entrance
from relay.submission.intake import Intake, Observer, RefusalRecorder
from relay.submission.services import Closed, Door, Open, Patience, Services, all_open
from relay.submission.session import RelaySMTP
from relay.submission.telling import Teller
from tracker.attendance import Attendance
from tracker.guard import LogInGuard
from tracker.passwords import Passwords
from tracker.store import Accounts, LogInFailures

BACKLOG = 1024
"""Connections that may wait to be accepted."""

FAREWELL: Final = 1.0
"""Seconds clients have to read their last reply when the server stops."""


class SubmissionServer:
    """Takes mail in on every listener of the settings, in the running loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        intake: Intake,
        accounts: Accounts,
        failures: LogInFailures,
        passwords: Passwords,
        observer: Observer,
        refusals: RefusalRecorder,
        workers: int = 1,
        closed: Closed = all_open,
        attendance: Attendance | None = None,
    ) -> None:
        """Build it; nothing listens yet.

        `workers` is how many processes share the listeners: each takes its part of the
        connections, while the limit for one client holds in each of them. `attendance` is told
        who may bring a message soon. Raises OSError and
        ssl.SSLError when a certificate cannot be read, ValueError when one is missing.
        """
        submission = settings.submission
        self._settings = settings
        patience = Patience(
            command=submission.command_timeout.total_seconds(),
            progress=submission.data_progress_timeout.total_seconds(),
            content=submission.data_timeout.total_seconds(),
        )
        self._services = Services(
            settings=settings,
            clock=clock,
            intake=intake,
            accounts=accounts,
            passwords=passwords,
            observer=observer,
            refusals=refusals,
            trusted=TrustedNetworks(submission.trusted_networks),
            connections=Connections(
                -(-submission.max_connections // workers), submission.max_connections_per_client
            ),
            guard=LogInGuard(
                failures,
                limit=submission.auth_failures_per_client,
                window=submission.auth_failure_window,
                now=clock.now,
            ),
            patience=patience,
            teller=Teller(delivery_lines=settings.log.delivery_lines),
            deadlines=Deadlines(min(patience.command, patience.progress, patience.content, LINGER)),
            closed=closed,
            attendance=attendance or Attendance(),
        )
        self._contexts = [self._build_context_for(listener) for listener in submission.listeners]
        self._servers: list[asyncio.Server] = []

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """Host and port of each listener, in the order of the settings, as really bound."""
        return [server.sockets[0].getsockname()[:2] for server in self._servers]

    @property
    def clients(self) -> int:
        """Connections of clients that are open."""
        return len(self._services.open)

    async def start(self, *, reuse_port: bool = False) -> None:
        """Listen. Raises OSError when an address cannot be bound; nothing listens then."""
        # One line per connection and command is too much; what matters is logged by us.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        try:
            for listener, context in zip(
                self._settings.submission.listeners, self._contexts, strict=True
            ):
                self._servers.append(await self._listen(listener, context, reuse_port))
        except BaseException:
            self._close_listeners()
            raise

    async def _listen(
        self, listener: Listener, context: ssl.SSLContext | None, reuse_port: bool
    ) -> asyncio.Server:
        host, port = listener.host_port()
        implicit = context if listener.tls == "implicit" else None
        door = Door(auth=listener.auth, starttls=None if implicit else context)
        loop = asyncio.get_running_loop()
        if listener.proxy_protocol:
            proxies = TrustedNetworks(self._settings.submission.trusted_proxies)
            behind = Behind(proxies, implicit)
            return await loop.create_server(
                lambda: Entrance(self._services, door, behind),
                host,
                port,
                backlog=BACKLOG,
                reuse_port=reuse_port,
            )
        return await loop.create_server(
            lambda: RelaySMTP(self._services, door),
            host,
            port,
            backlog=BACKLOG,
            ssl=implicit,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT if implicit else None,
            ssl_shutdown_timeout=LINGER if implicit else None,
            reuse_port=reuse_port,
        )

    async def stop(self, grace: timedelta) -> None:
        """Stop accepting; let transactions end within `grace`, then cut what is left.

        Clients between transactions get `421 4.3.2` at once.
        """
        self._close_listeners()
        self._services.connections.close()  # a handshake may yet end
        conversations = list(self._services.open)
        for conversation in conversations:
            conversation.stop()
        try:
            async with asyncio.timeout(grace.total_seconds()):
                await self._wait_ended(conversations)
        except TimeoutError:
            for conversation in conversations:
                conversation.cut()
        await self._wait_ended(conversations)
        try:
            async with asyncio.timeout(FAREWELL):
                await self._wait_lost(conversations)
        except TimeoutError:
            for conversation in conversations:
                conversation.abort()
        await self._wait_lost(conversations)

    async def _wait_ended(self, conversations: Sequence[Open]) -> None:
        for conversation in conversations:
            await conversation.wait_ended()

    async def _wait_lost(self, conversations: Sequence[Open]) -> None:
        for conversation in conversations:
            await conversation.wait_lost()

    def _close_listeners(self) -> None:
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()

    def _build_context_for(self, listener: Listener) -> ssl.SSLContext | None:
        if listener.tls == "none":
            return None
        pair = self._settings.submission.certificate_for(listener)
        if pair is None:
            raise ValueError(f"the listener {listener.address} has TLS and no certificate")
        return build_server_context(pair.certificate, pair.private_key)
