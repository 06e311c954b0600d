"""A client that remembers every answer: what was acknowledged must never be lost."""

import asyncio
from collections import deque
from collections.abc import Iterable

_LINE = b"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\r\n"


class Refused(Exception):
    """The server answered, and not with what was hoped for."""


class Sender:
    """Submits one message for each token over several connections, each token once.

    `acknowledged` holds the tokens whose final dot was answered with 250; `unknown` those that
    were cut off after DATA had begun. A token cut off earlier, or answered with 4yz, is tried
    again.
    """

    def __init__(self, port: int, tokens: Iterable[str], *, size: int = 2000) -> None:
        self.acknowledged: set[str] = set()
        self.unknown: set[str] = set()
        self._port = port
        self._waiting = deque(tokens)
        self._body = _LINE * (size // len(_LINE))
        self._progress = asyncio.Condition()

    async def run(self, connections: int) -> None:
        """Return when every token has been acknowledged or is unknown."""
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(self._work())

    async def wait_for(self, count: int) -> None:
        """Return when `count` tokens have been acknowledged."""
        async with self._progress:
            await self._progress.wait_for(lambda: len(self.acknowledged) >= count)

    async def _work(self) -> None:
        while self._waiting:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.05)  # nobody listens until the restart
                continue
            try:
                await _expect(reader, "220")
                await _command(reader, writer, "EHLO client.test")
                while self._waiting:
                    await self._submit(reader, writer, self._waiting.popleft())
            except (OSError, asyncio.IncompleteReadError, Refused):
                continue
            finally:
                writer.close()

    async def _submit(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
    ) -> None:
        try:
            await _command(reader, writer, "MAIL FROM:<sender@source.test>")
            await _command(reader, writer, "RCPT TO:<sink@sink.test>")
            await _command(reader, writer, "DATA", "354")
        except (OSError, asyncio.IncompleteReadError, Refused):
            self._waiting.append(token)
            raise
        try:
            head = f"From: sender@source.test\r\nSubject: {token}\r\n\r\n"
            writer.write(head.encode() + self._body + b".\r\n")
            await _expect(reader, "250")
        except Refused:
            self._waiting.append(token)
            raise
        except (OSError, asyncio.IncompleteReadError):
            self.unknown.add(token)
            raise
        self.acknowledged.add(token)
        async with self._progress:
            self._progress.notify_all()


async def _command(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str, code: str = "250"
) -> None:
    writer.write(f"{line}\r\n".encode())
    await _expect(reader, code)


async def _expect(reader: asyncio.StreamReader, code: str) -> None:
    while True:
        line = (await reader.readuntil(b"\r\n")).decode("ascii", "replace")
        if line[3:4] != "-":
            break
    if not line.startswith(code):
        raise Refused(line)
