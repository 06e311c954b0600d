"""How the server ends."""

import asyncio
import socket
import struct
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Listener
from tests.support.submission import PATIENCE, PLAIN, Bench, run_server

GRACE = timedelta(seconds=60)
NO_GRACE = timedelta(milliseconds=50)
SHUTTING_DOWN = "421 4.3.2 Shutting down, try again later"


async def test_idle_clients_are_told(bench: Bench) -> None:
    silent, greeted = await bench.connect(), await bench.connect()
    await silent.reply()
    await greeted.greet()
    async with asyncio.timeout(PATIENCE):
        await bench.server.stop(GRACE)
    for client in (silent, greeted):
        assert await client.rest() == f"{SHUTTING_DOWN}\r\n"


async def test_nobody_new_gets_in(bench: Bench) -> None:
    host, port = bench.server.addresses[0]
    await bench.server.stop(GRACE)
    assert bench.server.addresses == []
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)


async def test_a_transaction_may_end(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    stopping = asyncio.create_task(bench.server.stop(GRACE))
    assert (await client.submit(b"hi\r\n.\r\n"))[:3] == "250"
    assert await client.rest() == f"{SHUTTING_DOWN}\r\n"
    await stopping
    assert len(bench.intake.taken) == 1


async def test_a_message_that_is_being_stored_is_answered(bench: Bench) -> None:
    bench.intake.gate = asyncio.Event()
    client = await bench.connect()
    await client.greet()
    await client.begin()
    await client.say("DATA")
    client.send(b"hi\r\n.\r\n")
    await bench.intake.entered.wait()
    stopping = asyncio.create_task(bench.server.stop(GRACE))
    await asyncio.sleep(0)
    bench.intake.gate.set()
    assert (await client.reply())[:3] == "250"
    assert await client.reply() == SHUTTING_DOWN
    await stopping


async def test_what_is_not_done_in_time_is_cut(bench: Bench) -> None:
    in_data, in_envelope, storing = [await bench.connect() for _ in range(3)]
    for client in (in_data, in_envelope, storing):
        await client.greet()
        await client.begin()
    await in_data.say("DATA")
    in_data.send(b"half a mes")
    await storing.say("DATA")
    bench.intake.gate = asyncio.Event()
    storing.send(b"hi\r\n.\r\n")
    await bench.intake.entered.wait()
    async with asyncio.timeout(PATIENCE):
        await bench.server.stop(NO_GRACE)
    for client in (in_data, in_envelope, storing):
        assert await client.rest() == f"{SHUTTING_DOWN}\r\n"
    assert bench.intake.taken == []


async def test_a_client_that_leaves_while_we_store_does_not_stop_us(bench: Bench) -> None:
    """Whether it is stored must not depend on when the connection breaks."""
    bench.intake.gate = asyncio.Event()
    client = await bench.connect()
    await client.greet()
    await client.begin()
    await client.say("DATA")
    client.send(b"hi\r\n.\r\n")
    await bench.intake.entered.wait()
    # Without lingering, closing resets the connection: the server learns at once.
    raw = client.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()
    await bench.observer.seen("closed")
    bench.intake.gate.set()
    await bench.server.stop(GRACE)
    assert len(bench.intake.taken) == 1


async def test_an_address_that_is_taken_leaves_nothing_behind(tmp_path: Path) -> None:
    async with run_server(tmp_path) as bench:
        host, port = bench.server.addresses[0]
        taken = Listener(address=f"{host}:{port}")
        with pytest.raises(OSError, match="in use"):
            async with run_server(tmp_path, PLAIN, taken):
                raise AssertionError("it must not start")
