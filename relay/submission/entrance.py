"""The entrance behind a load balancer: the PROXY header first, then the conversation."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final, cast

import structlog

from relay.submission.admission import TrustedNetworks, parse_address
from relay.submission.connection import HANDSHAKE_TIMEOUT, LINGER
from relay.submission.proxy_header import (
    FIRST_WANTED,
    Incomplete,
    MalformedHeader,
    Source,
    parse_proxy_header,
)
from relay.submission.services import Door, Services
from relay.submission.session import RelaySMTP

HEADER_TIMEOUT: Final = 5.0
"""Seconds a balancer has for the whole header; it sends it with its first segment."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Behind:
    """What a listener behind load balancers asks of a connection before it is a conversation."""

    proxies: TrustedNetworks
    """The networks whose header is believed; nobody else gets in."""
    implicit_tls: ssl.SSLContext | None
    """Not None: the handshake follows the header."""


class Entrance(asyncio.BufferedProtocol):
    """Reads one PROXY header, exactly, and hands the connection over to a conversation.

    A buffered protocol says how much may be read at once. We ask for what surely belongs to the
    header and no more, so that all that follows is read by its owner, be it SMTP or TLS.
    """

    def __init__(self, services: Services, door: Door, behind: Behind) -> None:
        self._services = services
        self._door = door
        self._behind = behind
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._proxy = ""
        self._octets = b""
        self._buffer = bytearray()
        self._wanted = FIRST_WANTED
        self._timer: asyncio.TimerHandle | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._left = asyncio.Event()

    # --- what the transport tells ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the balancers in, and nobody else."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if not peer:  # it was gone before we looked
            self._transport.abort()
            return
        address = parse_address(peer[0])
        self._proxy = str(address)
        self._services.open.add(self)
        if address not in self._behind.proxies:
            self._refuse("the peer is not in submission.trusted_proxies")
            return
        self._timer = self._loop.call_later(HEADER_TIMEOUT, self._time_out)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return room for what surely belongs to the header."""
        self._buffer = bytearray(self._wanted)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take `nbytes` of the header; hand over when it is whole."""
        self._octets += self._buffer[:nbytes]
        try:
            step = parse_proxy_header(self._octets)
        except MalformedHeader as error:
            self._refuse(f"no PROXY header: {error}")
            return
        if isinstance(step, Incomplete):
            self._wanted = step.wanted
            return
        self._stop_timer()
        self._hand_over(step.source)

    def eof_received(self) -> bool:
        """Close as well: nothing has begun yet."""
        if self._octets and self._handshake is None:
            self._refuse("no PROXY header: the connection ended in it")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Take note that the connection is gone."""
        self._stop_timer()
        self._leave()

    # --- refusing, handing over -----------------------------------------------------------------

    def _time_out(self) -> None:
        self._refuse(f"no PROXY header within {HEADER_TIMEOUT:g} s")

    def _refuse(self, problem: str) -> None:
        """Close without a word: what is at the other end may not even speak SMTP."""
        log.warning("connection refused", peer=self._proxy, problem=problem)
        self.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hand_over(self, source: Source | None) -> None:
        transport, context = self._transport, self._behind.implicit_tls
        if transport is None:
            return
        transport.pause_reading()
        conversation = RelaySMTP(self._services, self._door, source)
        if context is not None:
            self._handshake = self._loop.create_task(
                self._shake_hands(transport, conversation, context)
            )
            return
        transport.set_protocol(conversation)
        transport.resume_reading()
        conversation.connection_made(transport)
        self._leave()

    async def _shake_hands(
        self, transport: asyncio.Transport, conversation: RelaySMTP, context: ssl.SSLContext
    ) -> None:
        try:
            stream = await self._loop.start_tls(
                transport,
                conversation,
                context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
                ssl_shutdown_timeout=LINGER,
            )
        except (OSError, ssl.SSLError) as error:
            # A balancer that checks our health hangs up here: no reason to alarm anybody.
            log.debug("handshake failed", peer=self._proxy, problem=type(error).__name__)
            transport.abort()
        else:
            if stream is not None:
                conversation.connection_made(stream)
        finally:
            self._leave()

    def _leave(self) -> None:
        """Be forgotten by the server: the connection is gone, or a conversation's."""
        self._services.open.discard(self)
        self._left.set()

    # --- when the server stops ------------------------------------------------------------------

    def stop(self) -> None:
        """End now: no transaction is under way."""
        self.abort()

    def cut(self) -> None:
        """End now."""
        self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    async def wait_ended(self) -> None:
        """Return when the connection is gone or a conversation's."""
        await self._left.wait()

    async def wait_lost(self) -> None:
        """Return when the connection is gone or a conversation's."""
        await self._left.wait()
