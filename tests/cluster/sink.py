"""The receiving side of the internet: it takes mail for everybody, and counts every copy."""

import asyncio
import contextlib
import re
import time
from collections import Counter, defaultdict

from tests.cluster.background import Background

_REPORTS_ON = re.compile(rb"^Final-Recipient: *rfc822; *(\S+)", re.MULTILINE | re.IGNORECASE)
_LARGEST = 1024 * 1024

UNKNOWN = "nobody-"
"""How the local part begins of whom it does not know."""


def key_of_report(forward_path: str) -> str:
    """Return under what the DSN about `forward_path` is counted."""
    return f"dsn:{forward_path}"


class Sink:
    """A server at several addresses of the loopback, each a destination of its own.

    It answers the final dot after `latency` seconds; from the dot on the message is its own,
    whether anybody still listens or not.
    """

    def __init__(self, background: Background, addresses: int) -> None:
        self.hosts = [f"127.0.0.{n}" for n in range(1, addresses + 1)]
        self.latency = 0.0
        self.copies: Counter[str] = Counter()
        """By forward-path; DSNs by whom they report on (`key_of_report`)."""
        self.taken_at: dict[str, float] = {}
        """When the last copy came, by `time.monotonic`."""
        self.under_way: set[str] = set()
        """Of which the dot has come, and the answer has not gone out."""
        self.open: Counter[str] = Counter()
        """Connections by the address that they came to."""
        self.most: dict[str, int] = defaultdict(int)
        """The most of them at the same time, since `forget_most`."""
        self._background = background
        self._servers: list[asyncio.Server] = []
        self.port = 0
        background.call(self._listen())

    def forget_most(self) -> None:
        """Count the most connections anew."""
        self.most.clear()

    def close(self) -> None:
        """Take no more."""
        self._background.call(self._close())

    async def _listen(self) -> None:
        for host in self.hosts:
            server = await asyncio.start_server(
                self._serve, host, self.port, limit=_LARGEST, backlog=500
            )
            self.port = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = writer.get_extra_info("sockname")[0]
        self.open[host] += 1
        self.most[host] = max(self.most[host], self.open[host])
        # Cancelled at the end; the stream would report that as a fault.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._converse(reader, writer)
        self.open[host] -= 1
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink.test ESMTP\r\n")
        forward_paths: list[str] = []
        while True:
            line = (await reader.readuntil(b"\r\n")).decode("ascii", "replace").strip()
            verb = line[:4].upper()
            answer = b"250 2.0.0 Ok\r\n"
            if verb == "MAIL":
                forward_paths = []
            elif verb == "RCPT":
                forward_path = line.partition("<")[2].partition(">")[0]
                if forward_path.startswith(UNKNOWN):
                    answer = b"550 5.1.1 No such user\r\n"
                else:
                    forward_paths.append(forward_path)
            elif verb == "DATA" and not forward_paths:
                answer = b"503 5.5.1 Nobody to take it\r\n"
            elif verb == "DATA":
                writer.write(b"354 Go on\r\n")
                await self._take(await reader.readuntil(b"\r\n.\r\n"), forward_paths)
            elif verb == "QUIT":
                writer.write(b"221 2.0.0 Bye\r\n")
                return
            writer.write(answer)
            await writer.drain()

    async def _take(self, content: bytes, forward_paths: list[str]) -> None:
        about = _REPORTS_ON.search(content)
        keys = [key_of_report(about[1].decode())] if about else forward_paths
        self.copies.update(keys)
        self.taken_at.update(dict.fromkeys(keys, time.monotonic()))
        self.under_way.update(keys)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.under_way.difference_update(keys)
