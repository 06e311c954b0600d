"""Listeners behind a load balancer: who does not get in, and who leaves."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from relay.submission import entrance
from tests.support.certificates import Identity
from tests.support.proxy import (
    CLIENT,
    LOCAL,
    LOOPBACK,
    SIGNATURE,
    V1,
    encrypting,
    run_behind,
    submit,
    v2,
)
from tests.support.submission import (
    PATIENCE,
    PLAIN,
    Bench,
    run_server,
)


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Bench]:
    """One listener in clear text, which trusts the client of most headers here."""
    async with run_behind(tmp_path, trusted_networks=(f"{CLIENT}/32", "2001:db8::/64")) as bench:
        yield bench


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as events:
        yield events


def problems(logged: list[EventDict]) -> list[str]:
    """Return what was logged above debug."""
    return [
        str(event.get("problem", event["event"]))
        for event in logged
        if event["log_level"] != "debug" and event["event"] != "message accepted"
    ]


async def test_a_handshake_that_fails_ends_the_connection(
    tmp_path: Path, identity: Identity, logged: list[EventDict]
) -> None:
    async with run_behind(tmp_path, encrypting(identity, "implicit")) as bench:
        client = await bench.connect()
        client.send(V1 + b"EHLO client.example.net\r\n" * 5)
        assert "220" not in await client.rest()
        assert bench.observer.counts["opened"] == 0
        assert problems(logged) == []


@pytest.mark.parametrize("sent", [b"", LOCAL, b"PROXY UNKNOWN\r\n"], ids=["bare", "v2", "v1"])
@pytest.mark.parametrize("tls", ["none", "implicit"])
@pytest.mark.parametrize("reset", [False, True], ids=["close", "reset"])
async def test_a_health_check_that_hangs_up_is_no_problem(
    tmp_path: Path, identity: Identity, logged: list[EventDict], sent: bytes, tls: str, reset: bool
) -> None:
    async with run_behind(tmp_path, encrypting(identity, tls)) as bench:
        client = await bench.connect()
        client.send(sent)
        if reset:
            raw = client.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await client.close()
        sane = await bench.connect()
        sane.send(V1)
        if tls == "implicit":
            await sane.start_tls()
        assert (await sane.reply())[:3] == "220"
        assert problems(logged) == []


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        pytest.param(b"EHLO client.example.net\r\n", "begins like neither version", id="SMTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9, "begins like", id="TLS"),
        pytest.param(V1.replace(b"51234", b"65536"), "a port that", id="v1 port"),
        pytest.param(b"PROXY SCTP\r\n".ljust(200, b"x"), "a line that", id="v1 line"),
        pytest.param(b"PROXY UNKNOWN ".ljust(200, b"x"), "no CRLF within", id="v1 too long"),
        pytest.param(SIGNATURE + b"\x21\x11\xff\xff", "longer than 536", id="v2 too long"),
        pytest.param(SIGNATURE + b"\x31\x11\0\0", "a version or command", id="v2 version 3"),
    ],
)
async def test_malformed_headers_end_the_connection(
    behind: Bench, logged: list[EventDict], sent: bytes, problem: str
) -> None:
    client = await behind.connect()
    client.send(sent)
    with contextlib.suppress(ConnectionResetError):
        assert await client.rest() == ""
    assert len(problems(logged)) == 1
    assert problem in problems(logged)[0]
    assert behind.observer.counts["opened"] == 0


async def test_a_header_cut_short_is_told_once(behind: Bench, logged: list[EventDict]) -> None:
    client = await behind.connect()
    client.send(V1[:20])
    client.writer.write_eof()
    assert await client.rest() == ""
    assert problems(logged) == ["no PROXY header: the connection ended in it"]


async def test_a_header_has_to_come_soon(
    behind: Bench, logged: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "HEADER_TIMEOUT", 0.05)
    silent, slow = await behind.connect(), await behind.connect()
    slow.send(V1[:-1])
    for client in (silent, slow):
        with contextlib.suppress(ConnectionResetError):  # for what it sent too late
            assert await client.rest() == ""
    assert problems(logged) == ["no PROXY header within 0.05 s"] * 2


async def test_who_came_in_time_is_not_timed_out(
    behind: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "HEADER_TIMEOUT", 3.0)
    client = await behind.connect()
    client.send(V1)
    await client.greet()
    await asyncio.sleep(3.1)  # longer than the header may take
    await submit(client)


async def test_nobody_else_gets_in(tmp_path: Path, logged: list[EventDict]) -> None:
    async with run_behind(tmp_path, trusted_proxies=("192.0.2.10/32",)) as bench:
        client = await bench.connect()
        client.send(V1)
        with contextlib.suppress(ConnectionResetError):
            assert await client.rest() == ""
        assert problems(logged) == ["the peer is not in submission.trusted_proxies"]
        assert bench.observer.counts["opened"] == 0


async def test_a_listener_without_it_believes_nobody(tmp_path: Path) -> None:
    async with run_server(tmp_path, PLAIN, trusted_proxies=LOOPBACK) as bench:
        client = await bench.connect()
        client.send(V1)
        assert (await client.reply())[:3] == "220"
        assert (await client.reply()).startswith("500 5.5.2 ")
        await client.say("EHLO c")
        await submit(client)
        assert bench.intake.taken[0].client.address == "127.0.0.1"


async def test_a_listener_without_it_takes_version_2_for_bad_commands(bench: Bench) -> None:
    client = await bench.connect()
    client.send(v2() + b"\r\n")
    replies = (await client.reply(), await client.reply())
    assert [reply[:3] for reply in replies] == ["220", "500"]


@pytest.mark.parametrize("tls", ["none", "implicit"])
async def test_a_stop_does_not_wait_for_headers(
    tmp_path: Path, identity: Identity, tls: str
) -> None:
    async with run_behind(tmp_path, encrypting(identity, tls)) as bench:
        silent, half, shaking = [await bench.connect() for _ in range(3)]
        half.send(V1[:9])
        shaking.send(LOCAL)  # with implicit TLS, a handshake that never begins
        later = await bench.connect()
        later.send(V1)
        if tls == "implicit":
            await later.start_tls()
        assert (await later.reply())[:3] == "220", "those before have been looked at"
        async with asyncio.timeout(PATIENCE):
            await bench.server.stop(timedelta(seconds=60))
        for client in (silent, half, shaking):
            with contextlib.suppress(ConnectionResetError):
                assert "250" not in await client.rest()


async def test_a_client_gone_before_the_handshake_ends_is_not_counted(
    tmp_path: Path, identity: Identity
) -> None:
    async with run_behind(tmp_path, encrypting(identity, "implicit")) as bench:
        for _ in range(20):
            client = await bench.connect()
            client.send(V1)
            await client.start_tls()
            client.writer.transport.abort()
        await bench.server.stop(timedelta(seconds=5))
        assert bench.observer.counts["opened"] == bench.observer.counts["closed"]
