"""A proxy before a server that breaks connections at the moment a test has chosen."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import Enum

from tests.support.postgres import Server

_CHUNK = 256 * 1024


class Fault(Enum):
    """What happens to the statement that carries the mark."""

    BEFORE = "it never reaches the server"
    ANSWER = "the server does it, and its answer is lost"
    SILENCE = "it reaches the server, and then nothing comes through any more"


class Proxy:
    """Carries octets to and from a server, until it is told otherwise."""

    def __init__(self, server: Server) -> None:
        self._socket = server.directory / f".s.PGSQL.{server.port}"
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._mark: bytes | None = None
        self._fault = Fault.BEFORE
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self.port = 0
        self.struck = asyncio.Event()
        """Set when the fault has happened."""

    def strike(self, mark: str, fault: Fault) -> None:
        """Let `fault` happen, once, to what carries `mark`."""
        self._mark, self._fault = mark.encode(), fault
        self.struck.clear()

    def cut(self) -> None:
        """Break every connection."""
        for pair in self._pairs:
            for writer in pair:
                writer.transport.abort()

    async def refuse(self) -> None:
        """Break every connection and take no more."""
        assert self._listener is not None
        self._listener.close()
        self.cut()
        self._listener = None

    async def listen(self) -> None:
        """Take connections (again)."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def restore(self) -> None:
        """Take connections, if that has been stopped."""
        if self._listener is None:
            await self.listen()

    async def close(self) -> None:
        """Stop, and leave nothing running."""
        if self._listener is not None:
            await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        answers, server = await asyncio.open_unix_connection(self._socket, limit=_CHUNK)
        pair = (client, server)
        self._pairs.add(pair)
        lost = asyncio.Event()

        async def forward(octets: bytes) -> bool:
            if self._mark is None or self._mark not in octets:
                server.write(octets)
                return True
            self._mark = None
            if self._fault is Fault.BEFORE:
                self.struck.set()
                return False
            lost.set()
            server.write(octets)
            if self._fault is Fault.SILENCE:
                self.struck.set()
            return True

        async def answer(octets: bytes) -> bool:
            if not lost.is_set():
                client.write(octets)
                return True
            if self._fault is Fault.ANSWER:
                self.struck.set()
                return False
            return True

        # Cancelled at the end of the test; the stream would report that as a fault.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(_pump(reader, pair, forward), _pump(answers, pair, answer))
        self._pairs.discard(pair)
        self._tasks.discard(task)


async def _pump(
    reader: asyncio.StreamReader,
    pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    carry: Callable[[bytes], Awaitable[bool]],
) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(_CHUNK):
            if not await carry(octets):
                break
    for writer in pair:
        writer.transport.abort()


@asynccontextmanager
async def proxied(server: Server) -> AsyncIterator[Proxy]:
    """Run a proxy before `server`."""
    proxy = Proxy(server)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()
