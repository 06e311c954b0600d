"""Clients that mean harm, or have lost their mind."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.submission import connection
from tests.support.submission import PATIENCE, Bench, run_server

MIB = 1024 * 1024


@pytest.mark.parametrize("length", [510, 998, 999, 12_290, MIB, 10 * MIB])
async def test_long_commands(bench: Bench, length: int) -> None:
    client = await bench.connect()
    await client.greet()
    command = b"NOOP " + b"x" * (length - 5)
    client.send(command + b"\r\n")
    expected = "250 2.0.0 Ok" if length <= 510 else "500 5.5.2 Line too long"
    assert await client.reply() == expected
    assert await client.say("NOOP") == "250 2.0.0 Ok"


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\0", id="NUL"),
        pytest.param(b"MAIL FROM:<a\0@x.org>", id="NUL in a path"),
        pytest.param(b"\xff\xfe\xfd", id="no UTF-8"),
        pytest.param(bytes(set(range(256)) - {10, 13}), id="every octet"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="TLS in clear text"),
    ],
)
async def test_garbage_is_refused_and_forgotten(bench: Bench, octets: bytes) -> None:
    client = await bench.connect()
    await client.greet()
    client.send(octets + b"\r\n")
    assert (await client.reply())[:4] in {"500 ", "501 "}
    assert await client.say("NOOP") == "250 2.0.0 Ok"


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.binary(max_size=60), max_size=15))
def test_any_session_ends_in_order(tmp_path: Path, lines: list[bytes]) -> None:
    async def converse() -> None:
        async with run_server(tmp_path) as bench:
            client = await bench.connect()
            client.send(b"EHLO c\r\n" + b"\r\n".join(lines) + b"\r\n.\r\nQUIT\r\n")
            client.writer.write_eof()
            text = await client.rest()
            for line in text.splitlines():
                assert line[:3].isdigit()
                assert line[3] in " -"
            assert bench.intake.taken == []

    asyncio.run(converse())


async def test_twenty_bad_commands_are_enough(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    for _ in range(19):
        assert (await client.say("XYZZY"))[:3] == "500"
    assert (await client.say("NOOP"))[:3] == "250"
    client.send(b"XYZZY\r\n" * 30)
    lines = (await client.rest()).splitlines()
    assert lines[:20] == ["500 5.5.2 Command not recognized"] * 20
    assert lines[20:] == ["421 4.7.0 Too many errors"]


async def test_passing_time_is_limited(bench: Bench) -> None:
    client = await bench.connect()
    client.send(b"NOOP\r\n" * 300)
    lines = (await client.rest()).splitlines()
    assert lines[-1] == "421 4.7.0 Too many commands without mail"
    assert len(lines) == 1 + 200 + 1


async def test_a_client_that_reads_nothing_is_not_served_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replies pile up in the socket until the server gives up on the client."""
    # The time that a client has to read its last reply: nobody waits for that here.
    monkeypatch.setattr(connection, "LINGER", 3600.0)
    limits: dict[str, Any] = {
        "command_timeout": timedelta(milliseconds=300),
        "max_recipients": 10**9,
    }
    async with run_server(tmp_path, **limits) as bench:
        client = await bench.connect()
        client.send(b"EHLO c\r\nMAIL FROM:<a@x.org>\r\n")
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(200):
            client.send(b"RCPT TO:<b@x.org>\r\n" * 5000)
        await bench.observer.seen("closed")


async def test_silence(tmp_path: Path) -> None:
    async with run_server(tmp_path, command_timeout=timedelta(milliseconds=100)) as bench:
        client = await bench.connect()
        await client.reply()
        assert (await client.rest()).startswith("421 4.4.2 ")


async def test_a_command_that_drips_is_cut(tmp_path: Path) -> None:
    """The time is for the whole line: one octet now and then does not win more of it."""
    async with run_server(tmp_path, command_timeout=timedelta(milliseconds=300)) as bench:
        client = await bench.connect()
        await client.reply()

        async def drip() -> None:
            while True:
                client.send(b"N")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        # What follows it may be a reset, by what dripped on after the end.
        assert (await client.reply()).startswith("421 4.4.2 ")
        dripping.cancel()


@pytest.mark.parametrize(
    ("progress", "total"),
    [
        pytest.param(timedelta(milliseconds=100), timedelta(minutes=1), id="no progress"),
        pytest.param(timedelta(minutes=1), timedelta(milliseconds=300), id="too slow in all"),
    ],
)
async def test_content_that_does_not_come(
    tmp_path: Path, progress: timedelta, total: timedelta
) -> None:
    limits: dict[str, Any] = {"data_progress_timeout": progress, "data_timeout": total}
    async with run_server(tmp_path, **limits) as bench:
        client = await bench.connect()
        await client.greet()
        await client.begin()
        await client.say("DATA")
        client.send(b"Subject: x\r\n\r\nhalf a mes")
        assert (await client.rest()).startswith("421 4.4.2 ")
        assert bench.intake.taken == []


async def test_five_hundred_idle_clients_do_not_keep_a_good_one_waiting(tmp_path: Path) -> None:
    async with run_server(tmp_path, max_connections_per_client=600) as bench:
        idle = await asyncio.gather(*(bench.connect() for _ in range(500)))
        for client in idle:
            client.send(b"N")
        good = await bench.connect()
        async with asyncio.timeout(PATIENCE):
            await good.greet()
            await good.begin()
            assert (await good.submit(b"hi\r\n.\r\n"))[:3] == "250"


async def test_message_size(tmp_path: Path) -> None:
    async with run_server(tmp_path, max_message_size=100_000) as bench:
        client = await bench.connect()
        await client.greet()
        await client.begin()
        too_much = (b"x" * 98 + b"\r\n") * 1001
        assert (await client.submit(too_much + b".\r\n")).startswith("552 5.3.4 ")
        await client.begin()
        exactly = (b"x" * 98 + b"\r\n") * 1000
        assert (await client.submit(exactly + b".\r\n"))[:3] == "250"
        assert len(bench.intake.taken) == 1


async def test_a_header_of_a_hundred_thousand_fields(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    octets = b"X-Header: something\r\n" * 100_000 + b"\r\n.\r\n"
    assert (await client.submit(octets)).startswith("552 5.3.4 ")


async def test_recipients(tmp_path: Path) -> None:
    async with run_server(tmp_path, max_recipients=2) as bench:
        client = await bench.connect()
        await client.greet()
        await client.begin("a@x.org", "b@x.org", "c@x.org")
        assert (await client.say("RCPT TO:<d@x.org>")).startswith("452 4.5.3 ")
        assert (await client.submit(b"hi\r\n.\r\n"))[:3] == "250"
        assert len(bench.intake.taken[0].envelope.recipients) == 2


async def test_connections_of_one_client(tmp_path: Path) -> None:
    async with run_server(tmp_path, max_connections_per_client=2) as bench:
        first, second = await bench.connect(), await bench.connect()
        await first.reply()
        await second.reply()
        third = await bench.connect()
        assert (await third.rest()).startswith("421 4.7.0 ")
        assert (await first.say("QUIT"))[:3] == "221"
        await first.rest()
        fourth = await bench.connect()
        assert (await fourth.reply())[:3] == "220"
        assert bench.observer.counts["connection refused"] == 1


async def test_connections_in_all_are_shared_by_the_workers(tmp_path: Path) -> None:
    async with run_server(tmp_path, workers=2, max_connections=3) as bench:
        assert (await (await bench.connect()).reply())[:3] == "220"
        assert (await (await bench.connect()).reply())[:3] == "220"
        assert (await (await bench.connect()).reply()).startswith("421 4.3.2 ")
