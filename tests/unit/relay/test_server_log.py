"""What the panel's server logs, asked over a real socket."""

import asyncio
import io
from collections.abc import Iterator

import pytest
from aiohttp import web

from relay.log import LineWriter, configure
from relay.log.server_log import server_log

NONSENSE = (
    b"GET / HTTP/1.1\r\nno header at all\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nLong: " + b"x" * 20_000 + b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
)


class Log:
    """What was logged up to now."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self._writer = LineWriter(self._stream)
        configure("logfmt", "info", self._writer)

    def read(self) -> str:
        self._writer.close()
        return self._stream.getvalue()


@pytest.fixture
def log() -> Iterator[Log]:
    yield Log()
    configure("logfmt", "info", LineWriter())


async def _ask(request: bytes) -> bytes:
    async def fail(_: web.Request) -> web.Response:
        raise RuntimeError("what really happened")

    app = web.Application()
    app.router.add_get("/", fail)
    runner = web.AppRunner(app, access_log=None, logger=server_log())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(request)
        status = await reader.readline()
        writer.close()
        return status
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("request_", NONSENSE)
async def test_what_is_no_request_is_answered_and_no_error_of_ours(
    log: Log, request_: bytes
) -> None:
    assert b" 400 " in await _ask(request_)
    assert log.read() == ""


async def test_a_fault_of_ours_is_an_error_with_its_cause(log: Log) -> None:
    assert b" 500 " in await _ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    said = log.read()
    assert "level=error" in said
    assert "RuntimeError: what really happened" in said
