"""A sender and a sink of ours that note when each message was accepted, and when it arrived.

What belongs together tells a number in the header field `X-Bench`, which relays leave alone. Both
run in one event loop, on one clock, so that no clocks need to be compared.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

_NUMBER = re.compile(rb"^X-Bench: (\d+)\r\n", re.MULTILINE)
_LIMIT = 1 << 20


class Stamps(NamedTuple):
    """When each message was sent (its final dot), accepted (the 250), arrived and was answered."""

    sent: dict[int, float]
    accepted: dict[int, float]
    arrived: dict[int, float]
    replied: dict[int, float]
    """When the reply to the final dot was on its way to the relay."""
    copies: Counter[int]
    """How often each arrived."""
    arrival: asyncio.Event
    """Set by every arrival."""

    async def wait_for(self, messages: int) -> None:
        """Return when so many have arrived."""
        while len(self.arrived) < messages:
            self.arrival.clear()
            await self.arrival.wait()


def new_stamps() -> Stamps:
    """Return none yet."""
    return Stamps({}, {}, {}, {}, Counter(), asyncio.Event())


def message(number: int, size: int) -> bytes:
    """Return a message of about `size` octets, its final dot included."""
    header = f"X-Bench: {number}\r\nMessage-ID: <{number}@bench.example>\r\nSubject: bench\r\n\r\n"
    line = b"x" * 76 + b"\r\n"
    return header.encode() + line * max((size - len(header)) // len(line), 1) + b".\r\n"


async def send(port: int, number: int, recipient: str, size: int, stamps: Stamps) -> str:
    """Send one message on a connection of its own; return the reply to its final dot.

    Raises ConnectionError at any reply but those that are wanted.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await _reply(reader, b"220")
        for command, wanted in (
            ("EHLO bench.example", b"250"),
            ("MAIL FROM:<a@example.com>", b"250"),
            (f"RCPT TO:<{recipient}>", b"250"),
            ("DATA", b"354"),
        ):
            writer.write(f"{command}\r\n".encode())
            await _reply(reader, wanted)
        writer.write(message(number, size))
        stamps.sent[number] = time.perf_counter()
        reply = await _reply(reader, b"250")
        stamps.accepted[number] = time.perf_counter()
        writer.write(b"QUIT\r\n")
        await reader.readline()
        return reply.decode()
    finally:
        writer.close()


async def _reply(reader: asyncio.StreamReader, wanted: bytes) -> bytes:
    while (line := await reader.readline())[3:4] == b"-":
        pass
    if not line.startswith(wanted):
        raise ConnectionError(f"{line!r} instead of {wanted.decode()}")
    return line


@asynccontextmanager
async def listening(
    address: str, port: int, stamps: Stamps, *, delay: float = 0, slow_from: int = 0
) -> AsyncIterator[None]:
    """Take all mail and stamp it.

    The reply to each final dot comes after `delay` seconds, to those of messages with lower numbers
    than `slow_from` at once.
    """

    sessions: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        sessions[writer] = task
        try:
            await _take(reader, writer, stamps, delay, slow_from)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the relay has hung up
        finally:
            del sessions[writer]
            writer.close()

    server = await asyncio.start_server(converse, address, port, backlog=10_000, limit=_LIMIT)
    try:
        yield
    finally:
        server.close()
        left = dict(sessions)
        for writer in left:
            writer.transport.abort()
        await asyncio.gather(*left.values(), return_exceptions=True)


async def _take(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    stamps: Stamps,
    delay: float,
    slow_from: int,
) -> None:
    """Hold one SMTP session."""
    writer.write(b"220 sink.example ESMTP\r\n")
    while command := (await reader.readline()).upper():
        if command.startswith(b"DATA"):
            writer.write(b"354 go on\r\n")
            content = await reader.readuntil(b"\r\n.\r\n")
            number = _stamp(content, stamps)
            if delay and number >= slow_from:
                await asyncio.sleep(delay)
            stamps.replied[number] = time.perf_counter()
        elif command.startswith(b"EHLO"):
            writer.write(b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            continue
        elif command.startswith(b"QUIT"):
            writer.write(b"221 bye\r\n")
            return
        writer.write(b"250 2.0.0 Ok\r\n")


def _stamp(content: bytes, stamps: Stamps) -> int:
    """Note that a message has arrived; return its number, -1 when it has none."""
    found = _NUMBER.search(content)
    if found is None:
        return -1
    number = int(found[1])
    stamps.arrived.setdefault(number, time.perf_counter())
    stamps.copies[number] += 1
    stamps.arrival.set()
    return number
