"""The network between one node and one database server, which a test may cut."""

import asyncio
import socket
import struct

from tests.cluster.background import Background

_RESET = struct.pack("ii", 1, 0)


class Wire:
    """Carries octets between a port of its own and `target`, an address on the loopback.

    `cut` is a network that says no: every connection is reset, and new ones are too. `hush` is one
    that says nothing: what was sent stays in the kernel's buffers, as packets that are sent again
    and again, and arrives after `mend`, unless its sender has given the connection up by then.
    """

    def __init__(self, background: Background, target: int) -> None:
        self.target = target
        self.delay = 0.0
        """Seconds that octets are on their way, in either direction."""
        self.is_cut = False
        self.is_silent = False
        self.links: set[_Link] = set()
        self._background = background
        self._server = background.call(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset every connection, and whatever comes."""
        self._background.call(self._cut())

    def hush(self) -> None:
        """Let nothing through, and tell nobody."""
        self._background.call(self._hush())

    def mend(self) -> None:
        """Let everything through again."""
        self._background.call(self._mend())

    def close(self) -> None:
        """Cut it for good."""
        self.cut()
        self._background.call(self._close())

    def ports(self) -> set[int]:
        """Return the ports from which the server sees our connections come."""
        return {port for link in tuple(self.links) if (port := link.far.local_port) is not None}

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Link(self).near, "127.0.0.1", 0, backlog=500)

    async def _cut(self) -> None:
        self.is_cut, self.is_silent = True, False
        for link in tuple(self.links):
            link.reset()

    async def _hush(self) -> None:
        self.is_silent = True
        for link in tuple(self.links):
            link.hush()

    async def _mend(self) -> None:
        self.is_cut = self.is_silent = False
        for link in tuple(self.links):
            link.go_on()

    async def _close(self) -> None:
        self._server.close()


class _Link:
    """One connection: its end at the node, and its end at the server."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.near, self.far = _End(self), _End(self)
        self.near.other, self.far.other = self.far, self.near
        self._dialling: asyncio.Task[None] | None = None

    def opened(self) -> None:
        """Do with a new connection what the state of the wire demands."""
        self.wire.links.add(self)
        if self.wire.is_cut:
            self.reset()
        elif self.wire.is_silent:
            self.hush()
        else:
            self.go_on()

    def hush(self) -> None:
        for end in (self.near, self.far):
            end.pause()

    def go_on(self) -> None:
        if self.far.transport is None and self._dialling is None:
            self._dialling = asyncio.create_task(self._dial())
        for end in (self.near, self.far):
            end.resume()

    def reset(self) -> None:
        for end in (self.near, self.far):
            end.reset()
        self.wire.links.discard(self)

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self.far, "127.0.0.1", self.wire.target)
        except OSError:
            self.reset()
            return
        if self not in self.wire.links:
            self.far.reset()
        elif self.wire.is_silent:
            self.hush()


class _End(asyncio.Protocol):
    """One end of a link; what it hears the other one says."""

    other: "_End"

    def __init__(self, link: _Link) -> None:
        self.link = link
        self.transport: asyncio.Transport | None = None
        self.local_port: int | None = None
        self._early = bytearray()
        """What the other end had to say before this one was connected."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.local_port = transport.get_extra_info("sockname")[1]
        if self is self.link.near:
            self.link.opened()
        elif self._early:
            transport.write(bytes(self._early))
            self._early.clear()

    def data_received(self, data: bytes) -> None:
        delay = self.link.wire.delay
        if delay:
            asyncio.get_running_loop().call_later(delay, self.other.say, data)
        else:
            self.other.say(data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.link.wire.links.discard(self.link)
        if exc is not None:
            self.other.reset()
        elif self.other.transport is not None:
            self.other.transport.close()

    def pause_writing(self) -> None:
        self.other.pause()

    def resume_writing(self) -> None:
        if not self.link.wire.is_silent:
            self.other.resume()

    def say(self, data: bytes) -> None:
        if self.transport is None:
            self._early += data
        else:
            self.transport.write(data)

    def pause(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def reset(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
