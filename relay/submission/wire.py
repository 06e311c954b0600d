"""Lines and octets of one connection.

Bytes come in through `feed`, replies go out through `write`; replies wait until we would have to
wait for the client, so that a pipelined group of commands gets its replies in one segment
(RFC 2920 3.2). Memory is bounded both ways: a client that sends faster than we read is not read,
one that does not read its replies is not served.
"""

import asyncio

HIGH_WATER = 256 * 1024
"""Octets that may wait to be read before the transport is paused."""

FLUSH_AT = 16 * 1024
"""Octets of replies that are sent even while more commands wait."""


class ConnectionEnded(Exception):
    """The client closed the connection, or it was lost."""


class ClientTimedOut(Exception):
    """The client sent nothing, or did not read its replies, for too long."""


class LineTooLong(Exception):
    """The client sent a line above the limit; all of it has been read and dropped."""


class BareLineFeed(Exception):
    """The client sent a line that ends in LF without CR; it has been read and dropped."""


class Interrupted(Exception):
    """`interrupt` was called while nothing was there to read."""


class Wire:
    """The reading and writing ends of a connection; belongs to one reading task."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._paused = False
        self._ended = False
        self._interrupted = False

    # --- what the transport tells ---------------------------------------------------------------

    def attach(self, transport: asyncio.Transport) -> None:
        """Read from and write to `transport` from now on."""
        self._transport = transport
        self._paused = False

    def detach(self) -> None:
        """Let go of the transport before a TLS handshake; what was read and not used is forgotten.

        Forgetting is what keeps commands that were injected in clear text from being obeyed
        after the handshake (RFC 3207 4.2).
        """
        self.send()
        self._incoming.clear()
        self._transport = None

    def feed(self, data: bytes) -> None:
        """Take octets that arrived."""
        self._incoming += data
        if len(self._incoming) > HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def end(self) -> None:
        """Take note that no more octets will arrive."""
        self._ended = True
        self._wake()

    def lose(self) -> None:
        """Take note that the connection is gone in both directions."""
        self._transport = None
        self._outgoing.clear()
        self.end()
        self.resume_writing()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def pause_writing(self) -> None:
        """Take note that the client does not read its replies."""
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Take note that the client reads again."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def interrupt(self) -> None:
        """Make the present or next wait for the client raise Interrupted, once."""
        self._interrupted = True
        self._wake()

    # --- reading --------------------------------------------------------------------------------

    async def read_line(self, limit: int, timeout: float) -> bytes:
        """Return the next line without its CRLF.

        `limit` counts octets with CRLF, `timeout` seconds for the whole line. Raises LineTooLong,
        BareLineFeed, ClientTimedOut, Interrupted, ConnectionEnded.
        """
        deadline = self._loop.time() + timeout
        searched = 0
        overrun = False
        while (at := self._incoming.find(b"\n", searched)) < 0:
            if len(self._incoming) > limit:
                overrun = True
            if overrun:
                self._incoming.clear()
            searched = len(self._incoming)
            await self._wait(deadline)
        line = bytes(self._incoming[: at + 1])
        del self._incoming[: at + 1]
        self._resume_reading()
        if overrun or len(line) > limit:
            raise LineTooLong
        if not line.endswith(b"\r\n"):
            raise BareLineFeed
        return line[:-2]

    async def read_some(self, deadline: float) -> bytes:
        """Return whatever has arrived, at least one octet, waiting until `deadline` of the loop.

        Raises ClientTimedOut, Interrupted, ConnectionEnded.
        """
        while not self._incoming:
            await self._wait(deadline)
        data = bytes(self._incoming)
        self._incoming.clear()
        self._resume_reading()
        return data

    def unread(self, data: bytes) -> None:
        """Put back the part of the last `read_some` that is not the caller's."""
        self._incoming[:0] = data

    def _resume_reading(self) -> None:
        if self._paused and self._transport is not None and len(self._incoming) <= HIGH_WATER // 2:
            self._paused = False
            self._transport.resume_reading()

    async def _wait(self, deadline: float) -> None:
        """Wait for more octets, sending pending replies first."""
        if self._ended:
            raise ConnectionEnded
        if self._interrupted:
            self._interrupted = False
            raise Interrupted
        self._resume_reading()
        waiting = len(self._incoming)
        await self.flush(deadline)
        if self._interrupted or self._ended or len(self._incoming) != waiting:
            return  # it happened during the flush, when nobody waited for it
        self._waiter = self._loop.create_future()
        await self._sleep(self._waiter, deadline)

    async def _sleep(self, future: "asyncio.Future[None]", deadline: float) -> None:
        """Wait for `future`. One lazy timer per connection is far cheaper than one per wait."""
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._check_deadline)
        try:
            await future
        finally:
            self._deadline = float("inf")
            self._waiter = None

    def _check_deadline(self) -> None:
        self._timer = None
        if self._deadline == float("inf"):
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)
            return
        for future in (self._waiter, self._writable):
            if future is not None and not future.done():
                future.set_exception(ClientTimedOut())
                # Nobody may be waiting for the writable side; that is no error to report.
                future.exception()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # --- writing --------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Queue `data`; it goes out with the next flush or the next wait for the client."""
        self._outgoing += data

    @property
    def is_flush_due(self) -> bool:
        """True when so many replies are pending that they should go out now."""
        return len(self._outgoing) > FLUSH_AT

    @property
    def is_blocked(self) -> bool:
        """True while the client does not read what we have sent."""
        return self._writable is not None

    async def flush(self, deadline: float) -> None:
        """Send what is pending and wait until the client takes it. Raises ClientTimedOut."""
        self.send()
        if self._writable is not None:
            await self._sleep(self._writable, deadline)

    def send(self) -> None:
        """Hand what is pending to the transport without waiting."""
        if self._outgoing and self._transport is not None:
            self._transport.write(bytes(self._outgoing))
        self._outgoing.clear()
