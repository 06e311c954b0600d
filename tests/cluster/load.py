"""Clients that send mail to every node, and remember what they were told of each message."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from itertools import count
from typing import NamedTuple

from tests.cluster.background import Background
from tests.cluster.sink import UNKNOWN

_LINE = b"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\r\n"
SENDER = "sender@source.test"
_SEVERAL = 8
"""Every so many messages one has several recipients, of whom one does not exist."""


class Answer(Enum):
    """What a client knows of a message."""

    OK = "ok"
    REFUSED = "refused"
    """Or cut off before its end: it was never handed over."""
    UNKNOWN = "unknown"
    """Cut off after the final dot."""


class Said(NamedTuple):
    """What became of one message. Times are those of `time.monotonic`."""

    token: str
    answer: Answer
    reply: str
    port: int
    recipients: tuple[str, ...]
    begun: float
    dot: float
    """When the final dot was sent; 0 when it never was."""
    ended: float


class Load:
    """Sends a message over each connection, waits for the answer and `pause` seconds, and so on.

    Every message has a token of its own in its subject and in its recipients, and is sent once.
    """

    def __init__(
        self,
        background: Background,
        run: str,
        ports: Sequence[int],
        *,
        connections: int = 3,
        pause: float = 0.05,
        domains: int = 1,
    ) -> None:
        """`connections` for each of `ports`; the name `run` begins every token."""
        self.run = run
        self.said: list[Said] = []
        self.last = 0.0
        self._pause = pause
        self._domains = domains
        self._numbers = count()
        self._stopping = False
        self._busy: dict[object, int] = {}
        """The port of every connection that is open or being opened."""
        self._background = background
        self._running = background.start(self._run([p for p in ports for _ in range(connections)]))

    def stop(self) -> None:
        """Finish the messages that have been begun. Raises AssertionError when one never ends."""
        self._stopping = True
        try:
            self._running.result(150)
        except TimeoutError:
            ports = sorted(self._busy.values())
            raise AssertionError(f"no answer for 150 s; it is awaited at ports {ports}") from None

    def count(
        self, answer: Answer, *, port: int | None = None, since: float = 0.0, until: float = 9e99
    ) -> int:
        """Count messages of which `answer` was said, and that lie between two moments."""
        return sum(
            each.answer is answer and (port is None or each.port == port)
            for each in tuple(self.said)
            if each.begun > since and each.ended < until
        )

    def of(self, answer: Answer) -> Iterator[Said]:
        """Yield what was said of the messages with this answer."""
        return (each for each in tuple(self.said) if each.answer is answer)

    async def _run(self, ports: Sequence[int]) -> None:
        async with asyncio.TaskGroup() as group:
            for port in ports:
                group.create_task(self._keep_sending(port))

    async def _keep_sending(self, port: int) -> None:
        task = asyncio.current_task()
        self._busy[task] = port
        try:
            await self._send_messages(port)
        finally:
            del self._busy[task]

    async def _send_messages(self, port: int) -> None:
        while not self._stopping:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(self._pause)  # nobody is there
                continue
            try:
                await _answer(reader)
                await _command(reader, writer, "EHLO client.test")
                while not self._stopping:
                    if not await self._send(reader, writer, port):
                        break
                    await asyncio.sleep(self._pause)
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(self._pause)
            finally:
                writer.close()

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> bool:
        """Send one message; False when the connection is of no use any more."""
        number = next(self._numbers)
        token = f"{self.run}-{number:06}"
        recipients = _recipients(token, number, self._domains)
        begun, dot, reply = time.monotonic(), 0.0, ""

        def sent() -> None:
            nonlocal dot
            dot = time.monotonic()

        try:
            reply = await _transact(reader, writer, token, recipients, sent)
            answer = Answer.OK if dot and reply.startswith("250") else Answer.REFUSED
        except (OSError, asyncio.IncompleteReadError):
            answer = Answer.UNKNOWN if dot else Answer.REFUSED
        self.said.append(Said(token, answer, reply, port, recipients, begun, dot, time.monotonic()))
        return bool(reply) and not reply.startswith("421")


def _recipients(token: str, number: int, domains: int) -> tuple[str, ...]:
    domain = f"d{number % domains}.sink.test"
    if number % _SEVERAL:
        return (f"{token}@{domain}",)
    other = f"d{(number + 1) % domains}.sink.test"
    return f"{token}-a@{domain}", f"{token}-b@{domain}", f"{UNKNOWN}{token}@{other}"


async def _transact(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    token: str,
    recipients: Sequence[str],
    sent: Callable[[], None],
) -> str:
    """Return the reply that ended the transaction: a refusal, or what was said to the dot."""
    before = [f"MAIL FROM:<{SENDER}>", *(f"RCPT TO:<{each}>" for each in recipients)]
    for command in before:
        reply = await _command(reader, writer, command)
        if not reply.startswith("250"):
            await _command(reader, writer, "RSET")
            return reply
    reply = await _command(reader, writer, "DATA")
    if not reply.startswith("354"):
        await _command(reader, writer, "RSET")
        return reply
    head = f"From: {SENDER}\r\nSubject: {token}\r\n\r\n"
    writer.write(head.encode() + _LINE * 20 + b".\r\n")
    sent()
    return await _answer(reader)


async def _command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> str:
    writer.write(f"{line}\r\n".encode())
    return await _answer(reader)


async def _answer(reader: asyncio.StreamReader) -> str:
    while True:
        line = (await reader.readuntil(b"\r\n")).decode("ascii", "replace")
        if line[3:4] != "-":
            return line.strip()
