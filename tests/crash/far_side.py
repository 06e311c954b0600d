"""A receiving server that stops at a named step until it is told to go on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CONNECT = "connect"
RCPT = "rcpt"
FINAL_DOT = "final-dot"


class FarSide:
    """Knows everybody but `unknown@…`; counts what it took by forward-path."""

    def __init__(self) -> None:
        self.port = 0
        self.taken: Counter[str] = Counter()
        self._pauses: dict[str, asyncio.Event] = {}
        self._reached: dict[str, asyncio.Event] = {}
        self._took = asyncio.Condition()

    def pause_at(self, step: str) -> None:
        """Stop before the answer to `step` when it comes next."""
        self._pauses[step] = asyncio.Event()
        self._reached[step] = asyncio.Event()

    async def reached(self, step: str) -> None:
        """Return when a client waits at `step`."""
        async with asyncio.timeout(150):
            await self._reached[step].wait()

    def go_on(self, step: str) -> None:
        """Answer now, and from now on."""
        self._pauses.pop(step).set()

    async def wait_for(self, forward_path: str, count: int) -> None:
        """Return when it has taken `count` copies for `forward_path`."""
        async with asyncio.timeout(150), self._took:
            await self._took.wait_for(lambda: self.taken[forward_path] >= count)

    async def _come_to(self, step: str) -> None:
        pause = self._pauses.get(step)
        if pause is not None:
            self._reached[step].set()
            await pause.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._come_to(CONNECT)
            writer.write(b"220 far.test ESMTP\r\n")
            await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the relay was killed
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        forward_path = ""
        while True:
            line = (await reader.readuntil(b"\r\n")).decode("ascii", "replace").strip()
            verb = line.upper()
            if verb.startswith("RCPT"):
                forward_path = line.partition("<")[2].partition(">")[0]
                await self._come_to(RCPT)
                known = not forward_path.startswith("unknown@")
                writer.write(b"250 2.1.5 Ok\r\n" if known else b"550 5.1.1 User unknown\r\n")
            elif verb == "DATA":
                writer.write(b"354 Go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                await self._come_to(FINAL_DOT)
                writer.write(b"250 2.0.0 Ok: queued as F00\r\n")
                await self._count(forward_path)
            elif verb == "QUIT":
                writer.write(b"221 2.0.0 Bye\r\n")
                return
            else:
                writer.write(b"250 Ok\r\n")
            await writer.drain()

    async def _count(self, forward_path: str) -> None:
        async with self._took:
            self.taken[forward_path] += 1
            self._took.notify_all()


@asynccontextmanager
async def serve_far_side() -> AsyncIterator[FarSide]:
    """Listen on a free port of the loopback until the end."""
    far_side = FarSide()
    server = await asyncio.start_server(far_side._serve, "127.0.0.1", 0)
    far_side.port = server.sockets[0].getsockname()[1]
    try:
        yield far_side
    finally:
        server.close()
