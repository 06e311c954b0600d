"""One TCP connection to a server: commands out, replies in, strictly paired.

aiosmtplib's protocol class carries the connection, its flow control and the upgrade to TLS.
Replies are read here instead: it keeps one reply at a time, without its lines, and drops what a
server says out of turn, where we need pipelining (RFC 2920) and evidence.
"""

import asyncio
import contextlib
import re
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from aiosmtplib import SMTPResponse, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol

from relay.transport.replies import Garbled, ReplyReader
from tracker.model import Origin, Reply

_PROGRESS = 65_536
"""Octets that the network has to take within the time for a block of content."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class WireFault(Exception):
    """The connection is of no more use; the text is one sentence for the record."""

    def __init__(self, detail: str, origin: Origin, reply: Reply | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.origin = origin
        self.reply = reply
        """What the server said out of turn, if anything."""


def ends_session(reply: Reply) -> bool:
    """Say whether no more replies are to be waited for after this one.

    421 announces the end (RFC 5321 3.8); who uses a code that does not exist (RFC 5321 4.2.1)
    does not speak SMTP.
    """
    return reply.code == 421 or not 200 <= reply.code < 600


class Wire(SMTPProtocol):
    """Every command sent expects one reply; a reply that nothing asked for is a fault."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` tells the seconds by which the coming of replies is put on record."""
        super().__init__(loop=asyncio.get_running_loop())
        self._now = now
        self._reader = ReplyReader()
        self._arrivals: deque[float] = deque()
        """When the replies came that the reader has."""
        self._expected = 1  # the greeting
        self._fault: WireFault | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._waits: Sequence[float] = ()
        """How long the present waiter has for each reply."""
        self._deadline = 0.0
        """Until when its next reply has to come, by the loop's clock."""
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self.upgrade_reply: Reply | None = None
        """The reply to STARTTLS."""

    @property
    def is_usable(self) -> bool:
        """True while nothing speaks against sending a command."""
        return self._fault is None and self.is_connected and not self._reader.is_midway

    # --- what the event loop calls -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast(asyncio.WriteTransport, transport).set_write_buffer_limits(high=_PROGRESS)

    def data_received(self, data: bytes) -> None:
        if self._fault is not None:
            return
        replies, arrivals = self._reader.replies, self._arrivals
        try:
            self._reader.feed(data)
        except Garbled as problem:
            self._fail(WireFault(str(problem), Origin.REMOTE))
        came = len(replies) - len(arrivals)
        if not came:
            return
        self._expected -= came
        if self._expected < 0:
            strays = [replies.pop() for _ in range(-self._expected)]
            self._fail(WireFault("The server spoke out of turn", Origin.REMOTE, strays[-1]))
        now = self._now()
        while len(arrivals) < len(replies):
            arrivals.append(now)
        self._hear()

    def eof_received(self) -> bool:
        self._fail(WireFault("The server closed the connection", Origin.NETWORK))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._alarm is not None:
            self._alarm.cancel()
        detail = "The connection was lost" if exc is None else f"The connection was lost: {exc}"
        self._fail(WireFault(detail, Origin.NETWORK))

    # --- what a session calls ------------------------------------------------------------------

    def send(self, lines: Sequence[str]) -> None:
        """Send commands in one write. Raises WireFault; ValueError for control characters."""
        for line in lines:
            # What is printable throughout, as nearly everything is, contains none.
            if not line.isprintable() and _CONTROL.search(line):
                raise ValueError("a command contains a control character")
        octets = "\r\n".join((*lines, "")).encode("utf-8")
        self._check()
        self._expected += len(lines)
        self._put(octets)

    async def send_block(self, data: bytes, timeout: float) -> None:
        """Send a block of content and wait until the network has taken most of it.

        It has to take 64 KiB every `timeout` seconds. Raises WireFault, also when the server says
        something meanwhile.
        """
        self._check()
        self._put(data)
        while self._paused and self._fault is None:
            before = self._unsent
            try:
                async with asyncio.timeout(timeout):
                    await self._drain_helper()
            except TimeoutError:
                if before - self._unsent < _PROGRESS:
                    self._fail(WireFault(f"No progress within {timeout:g} s", Origin.NETWORK))
            except OSError:
                pass  # connection_lost has noted why
        self._check()

    def send_end(self, data: bytes) -> None:
        """Send the last octets of the content with the final dot. Raises WireFault."""
        self._check()
        self._expected += 1
        self._put(data)

    async def gather(self, waits: Sequence[float]) -> None:
        """Wait until as many replies are there as `waits` has, or there is no use in waiting.

        Each has so many seconds from the one before it, and not from its own first octet: what
        trickles in does not buy more time. `take` tells what has come of it.
        """
        if len(self._reader.replies) >= len(waits) or self._fault is not None:
            return
        self._waits = waits
        self._waiter = self._loop.create_future()
        try:
            self._hear()
            await self._waiter
        finally:
            self._waiter = None

    def take(self) -> tuple[Reply, float]:
        """Return the next of the gathered replies, and when it came. Raises WireFault.

        Replies that came before a fault are returned before it is raised.
        """
        if not self._reader.replies:
            raise self._fault or WireFault("No reply was waited for", Origin.LOCAL)
        return self._reader.replies.popleft(), self._arrivals.popleft()

    async def reply(self, timeout: float) -> Reply:
        """Return the next reply, within `timeout` seconds. Raises WireFault."""
        await self.gather((timeout,))
        return self.take()[0]

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

    def _hear(self) -> None:
        """Wake who waits when there is nothing more to wait for, else give the next reply time."""
        if self._waiter is None:
            return
        replies = self._reader.replies
        if len(replies) >= len(self._waits) or any(map(ends_session, replies)):
            self._wake()
        else:
            self._deadline = self._loop.time() + self._waits[len(replies)]
            self._set_alarm()

    def _set_alarm(self) -> None:
        """Have an alarm by the deadline.

        One that rings early is set again: that is seldom, and saves a timer for each reply.
        """
        if self._alarm is not None:
            if self._alarm_at <= self._deadline:
                return
            self._alarm.cancel()
        self._alarm_at = self._deadline
        self._alarm = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline:
            self._set_alarm()
        else:
            patience = self._waits[len(self._reader.replies)]
            self._fail(WireFault(f"No reply within {patience:g} s", Origin.NETWORK))

    @property
    def _unsent(self) -> int:
        """Octets that the network has not taken."""
        if self.transport is None:
            return 0
        return cast(asyncio.WriteTransport, self.transport).get_write_buffer_size()

    def _check(self) -> None:
        """Raise the fault if there is one; a half reply nobody asked for is one."""
        if self._fault is None and self._expected <= 0 and self._reader.is_midway:
            self._fail(WireFault("The server spoke out of turn", Origin.REMOTE))
        if self._fault is not None:
            raise self._fault

    def _put(self, data: bytes) -> None:
        transport = cast("asyncio.WriteTransport | None", self.transport)
        if transport is None or transport.is_closing():
            fault = WireFault("The connection is closed", Origin.NETWORK)
            self._fail(fault)
            raise fault
        transport.write(data)

    def _fail(self, fault: WireFault) -> None:
        """Note the first fault: what follows from it is no news."""
        if self._fault is None:
            self._fault = fault
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
