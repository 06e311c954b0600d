"""One TCP connection to a server: commands out, replies in, strictly paired.

aiosmtplib's protocol class carries the connection, its flow control and the upgrade to TLS.
Replies are read here instead: it keeps one reply at a time, without its lines, and drops what a
server says out of turn, where we need pipelining (RFC 2920) and evidence.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from typing import cast

from aiosmtplib import SMTPResponse, SMTPResponseException
from aiosmtplib.protocol import COMMAND_INJECTION_REGEX, SMTPProtocol

from relay.transport.replies import Garbled, ReplyReader
from tracker.model import Origin, Reply

BLOCK = 65_536
"""Octets of content that are handed to the network at once."""


class WireFault(Exception):
    """The connection is of no more use; the text is one sentence for the record."""

    def __init__(self, detail: str, origin: Origin, reply: Reply | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.origin = origin
        self.reply = reply
        """What the server said out of turn, if anything."""


class Wire(SMTPProtocol):
    """Every command sent expects one reply; a reply that nothing asked for is a fault."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._reader = ReplyReader()
        self._expected = 1  # the greeting
        self._fault: WireFault | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.upgrade_reply: Reply | None = None
        """The reply to STARTTLS."""

    @property
    def is_usable(self) -> bool:
        """True while nothing speaks against sending a command."""
        return self._fault is None and self.is_connected and not self._reader.is_midway

    # --- what the event loop calls -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast(asyncio.WriteTransport, transport).set_write_buffer_limits(high=BLOCK)

    def data_received(self, data: bytes) -> None:
        if self._fault is not None:
            return
        before = len(self._reader.replies)
        try:
            self._reader.feed(data)
        except Garbled as problem:
            self._fail(WireFault(str(problem), Origin.REMOTE))
        self._expected -= len(self._reader.replies) - before
        if self._expected < 0:
            strays = [self._reader.replies.pop() for _ in range(-self._expected)]
            self._fail(WireFault("The server spoke out of turn", Origin.REMOTE, strays[-1]))
        self._wake()

    def eof_received(self) -> bool:
        self._fail(WireFault("The server closed the connection", Origin.NETWORK))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        detail = "The connection was lost" if exc is None else f"The connection was lost: {exc}"
        self._fail(WireFault(detail, Origin.NETWORK))

    # --- what a session calls ------------------------------------------------------------------

    def send(self, lines: Sequence[bytes]) -> None:
        """Send commands in one write. Raises WireFault; ValueError for control characters."""
        if any(COMMAND_INJECTION_REGEX.search(line) for line in lines):
            raise ValueError("a command contains a control character")
        self._check()
        self._expected += len(lines)
        self._put(b"\r\n".join(lines) + b"\r\n")

    async def send_block(self, data: bytes, timeout: float) -> None:
        """Send a block of content and wait, `timeout` seconds, until the network has taken it.

        Raises WireFault, also when the server says something meanwhile.
        """
        self._check()
        self._put(data)
        try:
            async with asyncio.timeout(timeout):
                await self._drain_helper()
        except TimeoutError:
            fault = WireFault(f"No progress within {timeout:g} s", Origin.NETWORK)
            self._fail(fault)
            raise fault from None
        except OSError:
            pass  # connection_lost has noted why
        self._check()

    def send_end(self, data: bytes) -> None:
        """Send the last octets of the content with the final dot. Raises WireFault."""
        self._check()
        self._expected += 1
        self._put(data)

    async def reply(self, timeout: float) -> Reply:
        """Return the next reply, within `timeout` seconds. Raises WireFault.

        Replies that came before a fault are returned before it is raised.
        """
        if not self._reader.replies:
            # One alarm for the whole reply: octets that trickle in do not buy more time.
            alarm = self._loop.call_later(timeout, self._expire, timeout)
            try:
                await self._news()
            finally:
                alarm.cancel()
        return self._reader.replies.popleft()

    async def upgrade(self, context: ssl.SSLContext, host: str, timeout: float) -> Reply:
        """Send STARTTLS and shake hands (RFC 3207); return the reply to STARTTLS.

        A reply other than 220 leaves the connection as it was. Raises WireFault; ssl.SSLError
        and OSError when the handshake fails.
        """
        self._check()
        self._expected += 1
        with contextlib.suppress(SMTPResponseException):  # the reply tells
            await self.start_tls(context, server_hostname=host, timeout=timeout)
        if self.upgrade_reply is None:
            raise WireFault("The server did not answer STARTTLS", Origin.NETWORK)
        return self.upgrade_reply

    async def read_response(self, timeout: float | None = None) -> SMTPResponse:
        """Answer the inherited STARTTLS: 220 is the last word in clear (RFC 3207 6)."""
        self.upgrade_reply = reply = await self.reply(timeout or 60.0)
        if reply.code == 220 and not self.is_usable:
            raise self._fault or WireFault(
                "The server sent something between STARTTLS and TLS", Origin.REMOTE
            )
        return SMTPResponse(reply.code, reply.text)

    def abort(self) -> None:
        """Cut the connection at once."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()

    def close(self) -> None:
        """Close the connection in the orderly way of its transport."""
        if self.transport is not None:
            self.transport.close()

    # --- inside --------------------------------------------------------------------------------

    async def _news(self) -> None:
        """Wait for a whole reply. Raises the fault when none comes any more."""
        while not self._reader.replies:
            if self._fault is not None:
                raise self._fault
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _check(self) -> None:
        """Raise the fault if there is one; a half reply nobody asked for is one."""
        if self._fault is None and self._expected <= 0 and self._reader.is_midway:
            self._fail(WireFault("The server spoke out of turn", Origin.REMOTE))
        if self._fault is not None:
            raise self._fault

    def _put(self, data: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            self._fail(WireFault("The connection is closed", Origin.NETWORK))
            self._check()
        cast(asyncio.WriteTransport, self.transport).write(data)

    def _fail(self, fault: WireFault) -> None:
        """Note the first fault: what follows from it is no news."""
        if self._fault is None:
            self._fault = fault
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _expire(self, timeout: float) -> None:
        self._fail(WireFault(f"No reply within {timeout:g} s", Origin.NETWORK))
