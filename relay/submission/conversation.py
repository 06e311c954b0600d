"""One SMTP connection: its octets, lines, limits and end; what the commands do, others say.

aiosmtpd provides the protocol class and finds the commands; everything that touches octets is
ours, because its reader takes a bare LF for a line end, its timers only know commands, and its
replies carry no enhanced status codes (RFC 2034).
"""

import asyncio
import ssl
from typing import ClassVar, Final, cast

import structlog
from aiosmtpd.smtp import SMTP

from relay.submission.admission import client_of, parse_address
from relay.submission.commands import Refused, Transaction, parse_line
from relay.submission.proxy_header import Source
from relay.submission.services import Door, Services
from relay.submission.wire import (
    BareLineFeed,
    ClientTimedOut,
    ConnectionEnded,
    Interrupted,
    LineTooLong,
    Wire,
)

BAD_COMMANDS_LIMIT = 20
"""Refused commands in a row."""

IDLE_COMMANDS_LIMIT = 200
"""Commands that move no mail, since the connection began or its last message."""

LINE_LIMIT = 12288 + 2
"""Octets of the longest line, an AUTH response (RFC 4954 4), with its CRLF."""

_COMMAND_LIMIT = 512
_COMMAND_LIMITS = {"MAIL": 2048, "RCPT": 2048, "AUTH": LINE_LIMIT}
"""Octets with CRLF (RFC 5321 4.5.3.1.4); with room for the parameters of RFC 3461 and 4954."""

_MAIL_COMMANDS = frozenset({"MAIL", "RCPT", "DATA", "AUTH", "STARTTLS"})

_FOREIGN = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH"})
"""A web page can make a browser inside a trusted network speak to us; it begins like this."""

LINGER: Final = 10.0
"""Seconds a client has to read our last reply."""

HANDSHAKE_TIMEOUT: Final = 30.0
"""Seconds for a TLS handshake."""

log = structlog.get_logger(__name__)


class _NoHandler:
    """What the base class asks for hooks: it has none, and says so at once."""

    def __dir__(self) -> list[str]:
        return []


_NO_HANDLER: Final = _NoHandler()


class Conversation(SMTP):
    """Reads commands, dispatches them, and ends well whatever happens."""

    _commands: ClassVar[dict[str, str]] = {}
    """Methods by verb."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        found = {name for base in cls.__mro__ for name in vars(base)}
        cls._commands = {n.removeprefix("smtp_"): n for n in found if n.startswith("smtp_")}

    def __init__(self, services: Services, door: Door, source: Source | None = None) -> None:
        """`source` is the client where the peer of the connection is only its proxy."""
        self.services = services
        self.door = door
        self._source = source
        loop = asyncio.get_running_loop()
        super().__init__(
            _NO_HANDLER,
            hostname=services.settings.hostname,
            ident="ESMTP Sendtrace",
            enable_SMTPUTF8=True,
            loop=loop,
        )
        self.wire = Wire(loop)
        self.transaction: Transaction | None = None
        self.helo = ""
        """Argument of HELO or EHLO; empty before it."""
        self.is_extended = False
        """True after EHLO."""
        self._stream: asyncio.Transport | None = None
        self.client_address = ""
        self.client_port = 0
        self.client = ""
        self.is_trusted = False
        self.is_over = False
        self.is_mid_content = False
        self._is_admitted = False
        self._is_idle = False
        self._is_stopping = False
        self._bad_commands = 0
        self._idle_commands = 0
        self._ended = asyncio.Event()
        self._lost = asyncio.Event()
        self._abort: asyncio.TimerHandle | None = None

    def __dir__(self) -> list[str]:
        """Name nothing: the base class looks through it three times for each connection."""
        return []

    # --- what the transport tells ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance check: the transports of uvloop have no base class of asyncio's.
        self._stream = stream = cast(asyncio.Transport, transport)
        self.wire.attach(stream)
        peer = transport.get_extra_info("peername")
        if not peer:  # it was gone before we looked
            stream.abort()
            return
        host, port = self._source or peer[:2]
        address = parse_address(str(host))
        self.client_address, self.client_port = str(address), port
        self.client = client_of(address)
        self.is_trusted = address in self.services.trusted
        refusal = self.services.connections.enter(self.client)
        if refusal is not None:
            self._turn_away(refusal)
            return
        self._is_admitted = True
        self.services.open.add(self)
        self.services.observer.connection_opened()
        self._handler_coroutine = self.loop.create_task(self._handle_client())

    def _turn_away(self, refusal: str) -> None:
        self.services.observer.connection_refused()
        self.wire.write(f"{refusal}\r\n".encode())
        self._close()

    def data_received(self, data: bytes) -> None:
        self.wire.feed(data)

    def eof_received(self) -> bool:
        """Stay open for our replies: a client may close its own direction after QUIT."""
        self.wire.end()
        return not self.is_tls

    def connection_lost(self, error: Exception | None) -> None:
        self.wire.lose()
        self._stream = None
        self._lost.set()
        if self._abort is not None:
            self._abort.cancel()
        if self._is_admitted:
            self._is_admitted = False
            self.services.connections.leave(self.client)
            self.services.observer.connection_closed()
        self._leave()

    def pause_writing(self) -> None:
        self.wire.pause_writing()

    def resume_writing(self) -> None:
        self.wire.resume_writing()

    # --- the conversation -----------------------------------------------------------------------

    async def _handle_client(self) -> None:
        try:
            await self.push(f"220 {self.hostname} {self.__ident__}")
            while not self.is_over:
                await self._take_command()
        except ConnectionEnded:
            pass
        except ClientTimedOut:
            self.wire.write(b"421 4.4.2 You took too long, closing the connection\r\n")
            if self.wire.is_blocked:
                self.abort()  # it would not read that either
        except asyncio.CancelledError:
            self.wire.write(b"421 4.3.2 Shutting down, try again later\r\n")
        except (OSError, ssl.SSLError) as error:
            log.debug("connection failed", client=self.client_address, problem=type(error).__name__)
        except Exception as error:
            await self.handle_exception(error)
        finally:
            self._close()
            self._ended.set()
            self._leave()

    async def _take_command(self) -> None:
        if self._is_stopping and self.transaction is None:
            await self.hang_up("421 4.3.2 Shutting down, try again later")
            return
        self._is_idle = True
        try:
            line = await self.wire.read_line(LINE_LIMIT, self._command_timeout)
        except Interrupted:
            return
        except LineTooLong:
            await self.push("500 5.5.2 Line too long")
            return
        except BareLineFeed:
            await self.push("500 5.5.2 A line ends with CR and LF (RFC 5321 2.3.8)")
            return
        finally:
            self._is_idle = False
        try:
            await self._obey(line)
        except Refused as refused:
            await self.push(refused.reply)
        except (ConnectionEnded, ClientTimedOut):
            raise
        except Exception as error:
            await self._recover(error)

    async def _obey(self, line: bytes) -> None:
        verb, argument = parse_line(line)
        if len(line) + 2 > _COMMAND_LIMITS.get(verb, _COMMAND_LIMIT):
            raise Refused("500 5.5.2 Line too long")
        if verb in _FOREIGN:
            await self.hang_up("421 4.7.0 This is SMTP")
            return
        if verb not in _MAIL_COMMANDS:
            self._idle_commands += 1
            if self._idle_commands > IDLE_COMMANDS_LIMIT:
                await self.hang_up("421 4.7.0 Too many commands without mail")
                return
        name = self._commands.get(verb)
        method = getattr(self, name) if name is not None else None
        if method is None:
            raise Refused("500 5.5.2 Command not recognized")
        await method(argument)

    async def _recover(self, error: Exception) -> None:
        """Answer for a fault of ours; in the middle of content only closing is safe."""
        reply = await self.handle_exception(error)
        if self.is_mid_content:
            await self.hang_up("421 4.3.0 Local error, try again later")
        else:
            await self.push(reply)

    async def handle_exception(self, error: Exception) -> str:
        """Log a fault of ours; the client learns that there was one and nothing else."""
        log.error("fault in a submission", client=self.client_address, exc_info=error)
        return "451 4.3.0 Local error, try again later"

    async def push(self, status: str | bytes) -> None:
        """Queue a reply; it goes out when we would have to wait for the client."""
        octets = status if isinstance(status, bytes) else status.encode()
        self.wire.write(octets + b"\r\n")
        if octets[:2] in (b"50", b"53"):
            self._bad_commands += 1
            if self._bad_commands >= BAD_COMMANDS_LIMIT and not self.is_over:
                await self.hang_up("421 4.7.0 Too many errors")
        else:
            self._bad_commands = 0
        if self.wire.is_flush_due:
            await self.flush()
            await asyncio.sleep(0)  # a client with many commands at once is not the only one

    async def flush(self) -> None:
        """Send what is pending before something that takes time."""
        await self.wire.flush(self.loop.time() + self._command_timeout)

    async def hang_up(self, reply: str) -> None:
        """Say `reply` and end the conversation."""
        self.is_over = True
        await self.push(reply)

    def mail_has_moved(self) -> None:
        """Take note of an accepted message: the client is not just passing time."""
        self._idle_commands = 0

    @property
    def is_tls(self) -> bool:
        """True when the connection is encrypted."""
        return self.tls_layer is not None

    @property
    def tls_layer(self) -> ssl.SSLObject | None:
        """The TLS session, None in clear text."""
        layer = self._stream.get_extra_info("ssl_object") if self._stream else None
        return layer if isinstance(layer, ssl.SSLObject) else None

    @property
    def _command_timeout(self) -> float:
        return self.services.settings.submission.command_timeout.total_seconds()

    # --- beginning TLS, ending ------------------------------------------------------------------

    async def upgrade(self, context: ssl.SSLContext) -> None:
        """Do a TLS handshake, after which nothing that came before it counts (RFC 3207 4.2)."""
        if self._stream is None:
            raise ConnectionEnded
        self.wire.detach()
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
        self._stream = stream
        self.wire.attach(stream)
        self.helo, self.is_extended, self.transaction = "", False, None

    def stop(self) -> None:
        """End now if nothing is under way, else after the transaction."""
        self._is_stopping = True
        if self._is_idle and self.transaction is None:
            self.wire.interrupt()

    def cut(self) -> None:
        """End now, whatever is under way; a message that is not yet ours is not answered 250."""
        self.is_over = True
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    def abort(self) -> None:
        """Close the connection without waiting for the client to read what we said."""
        if self._stream is not None:
            self._stream.abort()

    async def wait_ended(self) -> None:
        """Return when the last reply has been said."""
        await self._ended.wait()

    async def wait_lost(self) -> None:
        """Return when the connection is closed."""
        await self._lost.wait()

    def _leave(self) -> None:
        """Be forgotten by the server once nothing of the conversation is left."""
        if self._ended.is_set() and self._lost.is_set():
            self.services.open.discard(self)

    def _close(self) -> None:
        self.wire.send()
        stream = self._stream
        if stream is not None:
            stream.close()
            # Closing waits until the client has read everything, which it may never do.
            self._abort = self.loop.call_later(LINGER, stream.abort)
