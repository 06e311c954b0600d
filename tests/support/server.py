"""An SMTP server that follows a script, word for word and fault by fault.

A script is the dialogue of one connection. Its entries are

    "=> 220 mx.test ESMTP"       say a line ("\\n" between several lines)
    "EHLO => 250 mx.test"        read a line that begins with EHLO, then say
    "CONTENT => 250 queued"      read content up to the final dot, then say
    "CONTENT"                    read, and say nothing
    "MAIL, RCPT, DATA => 250 …"  read several lines, then say
    a fault: Drop, Drip, Flood, Raw, Silence, StartTls, Deaf

Lines read that are not the expected ones, and connections beyond the scripts, are reported when
the server is left, unless the test looked at them.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self


class Drop(NamedTuple):
    """Close the connection; with `reset`, rudely."""

    reset: bool = False


class Drip(NamedTuple):
    """Say `data` one octet at a time, with `every` seconds in between."""

    data: bytes
    every: float


class Flood(NamedTuple):
    """Say `data` over and over until the client hangs up, at most `times`."""

    data: bytes
    times: int


class Raw(NamedTuple):
    """Say octets as they are."""

    data: bytes


class Silence(NamedTuple):
    """Say nothing until the client hangs up."""


class Deaf(NamedTuple):
    """Stop reading, with a small window, until the client hangs up."""


class StartTls(NamedTuple):
    """Shake hands now."""

    context: ssl.SSLContext


Entry = str | Drop | Drip | Flood | Raw | Silence | Deaf | StartTls
Script = Sequence[Entry]


class ScriptedServer:
    """Serves one script for each connection in order; the last one serves all later ones."""

    def __init__(
        self,
        *scripts: Script,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.sessions: list[list[str]] = []
        """The lines read on each connection, without content."""
        self.contents: list[bytes] = []
        self.surprises: list[str] = []
        self.received = asyncio.Event()
        """Set when content has been read."""
        self.left = asyncio.Event()
        """Set when a connection has come to its end."""
        self._scripts = list(scripts)
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, self.host, self.port, ssl=self._tls, limit=1 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if kind is None:
            assert self.surprises == []

    @property
    def lines(self) -> list[str]:
        """Every line read, of all connections."""
        return [line for session in self.sessions for line in session]

    @property
    def connections(self) -> int:
        return len(self.sessions)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        script = self._scripts[min(len(self.sessions), len(self._scripts) - 1)]
        lines: list[str] = []
        self.sessions.append(lines)
        try:
            await self._follow(script, lines, reader, writer)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass  # the client has left: what it read before is in `lines`
        except asyncio.CancelledError:
            pass  # the test is over; streams of Python 3.11 log a cancelled task as a fault
        finally:
            self._running.discard(task)
            self.left.set()
            # Not `wait_closed`: after a failed handshake nobody tells the writer of its end.
            writer.transport.abort()

    async def _follow(
        self,
        script: Script,
        lines: list[str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        for entry in script:
            if isinstance(entry, str):
                await self._converse(entry, lines, reader, writer)
            elif isinstance(entry, Drop):
                if entry.reset:
                    raw = writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            elif isinstance(entry, StartTls):
                await writer.start_tls(entry.context)
            elif isinstance(entry, Deaf):
                writer.transport.pause_reading()  # type: ignore[attr-defined]
                await asyncio.Event().wait()
            else:
                await self._misbehave(entry, reader, writer)
        writer.write_eof() if writer.can_write_eof() else writer.close()
        while await reader.read(65_536):
            pass

    async def _misbehave(
        self,
        entry: Drip | Flood | Raw | Silence,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if isinstance(entry, Raw):
            writer.write(entry.data)
            await writer.drain()
        elif isinstance(entry, Drip):
            for octet in entry.data:
                writer.write(bytes([octet]))
                await writer.drain()
                await asyncio.sleep(entry.every)
        elif isinstance(entry, Flood):
            for _ in range(entry.times):
                writer.write(entry.data)
                await writer.drain()
        else:
            while await reader.read(65_536):
                pass

    async def _converse(
        self,
        entry: str,
        lines: list[str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        expected, arrow, said = entry.partition("=> ")
        for verb in filter(None, (verb.strip() for verb in expected.split(","))):
            if verb == "CONTENT":
                self.contents.append(await _read_content(reader))
                self.received.set()
                continue
            line = (await reader.readuntil(b"\r\n"))[:-2].decode("utf-8")
            lines.append(line)
            if not line.upper().startswith(verb.upper()):
                self.surprises.append(f"expected {verb}, read {line!r}")
        if arrow:
            writer.write(said.replace("\n", "\r\n").encode() + b"\r\n")
            await writer.drain()


async def _read_content(reader: asyncio.StreamReader) -> bytes:
    """Read content with its final dot; return it without, as it came on the wire."""
    content = b""
    while not (content == b".\r\n" or content.endswith(b"\r\n.\r\n")):
        content += await reader.readuntil(b"\r\n")
    return content[:-3]


GREETING = "=> 220 mx.test ESMTP"
EHLO = "EHLO => 250-mx.test\n250-PIPELINING\n250-8BITMIME\n250-SIZE 10000000\n250 DSN"
EHLO_BARE = "EHLO => 250 mx.test"
MAIL = "MAIL => 250 2.1.0 Ok"
RCPT = "RCPT => 250 2.1.5 Ok"
DATA = "DATA => 354 End data with <CR><LF>.<CR><LF>"
CONTENT = "CONTENT => 250 2.0.0 Ok: queued as 4XYZabc123"
QUIT = "QUIT => 221 2.0.0 Bye"
HAPPY: Script = (GREETING, EHLO, MAIL, RCPT, DATA, CONTENT, QUIT)
"""One message to one recipient."""
