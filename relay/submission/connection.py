"""The connection of one client: octets both ways, how long they may take, and its end.

What arrives is worked off where it arrives, and the replies to all of it leave together (RFC 2920
3.2). Memory is bounded both ways: a client that sends faster than we read is not read, one that
does not read its replies is not served.
"""

import asyncio
import ssl
from typing import Final, cast

from relay.submission.admission import recognise
from relay.submission.base import PreparedSMTP
from relay.submission.core import Core
from relay.submission.proxy_header import Source
from relay.submission.services import Door, Services
from tracker.attendance import UNHEARD

HIGH_WATER = 256 * 1024
"""Octets that may wait to be worked off before the client is not read any more."""

LINGER: Final = 10.0
"""Seconds a client has to read our last reply."""

HANDSHAKE_TIMEOUT: Final = 30.0
"""Seconds for a TLS handshake."""

FOREVER: Final = float("inf")


class ConnectionEnded(Exception):
    """The client closed the connection, or it was lost."""


class Connection(PreparedSMTP):
    """Hands what arrives to the core, and sends what is said."""

    # What a connection begins with stands here and not in __init__: most of it never changes.
    client_address = ""
    client_port = 0
    client = ""
    """What limits for one client count by."""
    is_trusted = False
    tls_layer: ssl.SSLObject | None = None
    """The TLS session, None in clear text."""
    deadline = FOREVER
    """Until when the client may let us wait, by the loop's clock."""
    _stream: asyncio.Transport | None = None
    _is_admitted = False
    _has_begun = False
    _has_ended = False
    _is_lost = False
    _heard = UNHEARD
    """The round of `Services.attendance` in which the client last said something."""
    _is_mute = False
    """During a handshake nothing may be said."""
    _is_blocked = False
    """The client does not read what we have sent."""
    _is_paused = False
    """We do not read what the client sends."""
    _has_said_all = False
    """No more octets will arrive."""
    _watchers: tuple[asyncio.Future[None], ...] = ()

    def __init__(self, services: Services, door: Door, source: Source | None = None) -> None:
        """`source` is the client where the peer of the connection is only its proxy."""
        super().__init__(services.settings.hostname)
        self.services = services
        self.door = door
        self.core = Core()
        self._source = source
        self._replies: list[str] = []

    # --- what those above do --------------------------------------------------------------------

    def begin(self) -> None:
        """Greet the client."""
        raise NotImplementedError

    def work(self) -> None:
        """Work off what has arrived."""
        raise NotImplementedError

    def time_out(self) -> None:
        """Do what is to be done when the client has let us wait for too long."""
        raise NotImplementedError

    def stop(self) -> None:
        """End as soon as no transaction is under way."""
        raise NotImplementedError

    def cut(self) -> None:
        """End the transaction that is under way."""
        raise NotImplementedError

    # --- what the transport tells ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._is_lost:  # during the handshake that a load balancer's header was followed by
            return
        # Not an isinstance check: the transports of uvloop have no base class of asyncio's.
        stream = cast(asyncio.Transport, transport)
        self._attach(stream)
        peer = transport.get_extra_info("peername")
        if not peer:  # it was gone before we looked
            stream.abort()
            return
        host, self.client_port = self._source or peer[:2]
        self.client_address, self.client, self.is_trusted = recognise(
            str(host), self.services.trusted
        )
        self.services.deadlines.watch(self)
        refusal = self.services.connections.enter(self.client)
        if refusal is not None:
            self.services.observer.connection_refused()
            self._replies.append(refusal)
            self.close()
            return
        self._is_admitted = True
        self.services.open.add(self)
        self.services.observer.connection_opened()
        self._heard = self.services.attendance.hear(self._heard)
        self._has_begun = True
        self.begin()

    def _attach(self, stream: asyncio.Transport) -> None:
        self._stream = stream
        self._is_paused = False
        layer = stream.get_extra_info("ssl_object")
        self.tls_layer = layer if isinstance(layer, ssl.SSLObject) else None

    def data_received(self, data: bytes) -> None:
        if not self._has_ended:
            self._heard = self.services.attendance.hear(self._heard)
            self.core.receive(data)
            self.work()
            if self.core.waiting > HIGH_WATER:
                self.keep_pace()

    def eof_received(self) -> bool:
        """Stay open for our replies: a client may close its own direction after QUIT."""
        self._has_said_all = True
        self.work()
        return self.tls_layer is None

    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost = True
        self._stream = None
        self._has_said_all = True
        self._is_blocked = False
        self.services.deadlines.forget(self)
        self.services.attendance.leave(self._heard)
        if self._is_admitted:
            self._is_admitted = False
            self.services.connections.leave(self.client)
            self.services.observer.connection_closed()
        self.work()
        self._pass_milestone()

    def pause_writing(self) -> None:
        self._is_blocked = True

    def resume_writing(self) -> None:
        self._is_blocked = False
        self.work()

    # --- pace, replies, the end -----------------------------------------------------------------

    def keep_pace(self) -> None:
        """Read the client only as long as not too much of it waits."""
        if self._stream is None or self._has_ended:
            return
        if self._is_paused:
            if self.core.waiting <= HIGH_WATER // 2:
                self._is_paused = False
                self._stream.resume_reading()
        elif self.core.waiting > HIGH_WATER:
            self._is_paused = True
            self._stream.pause_reading()

    def send(self) -> None:
        """Hand the replies that wait to the transport, all of them at once."""
        if self._replies:
            if self._stream is not None and not self._is_mute:
                self._stream.write(("\r\n".join(self._replies) + "\r\n").encode())
            self._replies.clear()

    async def upgrade(self, context: ssl.SSLContext) -> None:
        """Do a TLS handshake, after which nothing that came before it counts (RFC 3207 4.2).

        Raises ConnectionEnded, OSError, ssl.SSLError.
        """
        if self._stream is None:
            raise ConnectionEnded
        self.send()
        self.core.forget()
        self.keep_pace()
        self._is_mute = True
        stream = await self.loop.start_tls(
            self._stream,
            self,
            context,
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=LINGER,
        )
        if stream is None:
            raise ConnectionEnded
        self._is_mute = False
        self._attach(stream)

    def close(self) -> None:
        """Say what there is left to say, and end."""
        self.send()
        self._has_ended = True
        if self._stream is not None:
            self._stream.close()
            # Closing waits until the client has read everything, which it may never do.
            self.deadline = self.loop.time() + LINGER
        self._pass_milestone()

    def abort(self) -> None:
        """Close the connection without waiting for the client to read what we said."""
        if self._stream is not None:
            self._stream.abort()

    # --- what the server waits for when it stops ------------------------------------------------

    async def wait_ended(self) -> None:
        """Return when the last reply has been said."""
        while not self._has_ended:
            await self._wait_for_milestone()

    async def wait_lost(self) -> None:
        """Return when the connection is closed."""
        while not self._is_lost:
            await self._wait_for_milestone()

    async def _wait_for_milestone(self) -> None:
        watcher = self.loop.create_future()
        self._watchers = (*self._watchers, watcher)
        await watcher

    def _pass_milestone(self) -> None:
        """Tell that the end has come nearer; be forgotten by the server once it is complete."""
        if self._has_ended and self._is_lost:
            self.services.open.discard(self)
        watchers, self._watchers = self._watchers, ()
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)
