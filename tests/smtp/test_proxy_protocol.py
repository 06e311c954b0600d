"""Listeners behind a load balancer: the client is who the PROXY header says."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.certificates import Identity
from tests.support.proxy import (
    CLIENT,
    LOCAL,
    LOOPBACK,
    PORT,
    PROXIED,
    V1,
    V1_IPV6,
    encrypting,
    run_behind,
    submit,
    v2,
)
from tests.support.submission import (
    PATIENCE,
    Bench,
    plain_response,
    trusting_context,
)


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Bench]:
    """One listener in clear text, which trusts the client of most headers here."""
    async with run_behind(tmp_path, trusted_networks=(f"{CLIENT}/32", "2001:db8::/64")) as bench:
        yield bench


@pytest.mark.parametrize(
    ("header", "address"),
    [
        pytest.param(V1, CLIENT, id="v1 IPv4"),
        pytest.param(V1_IPV6, "2001:db8::1", id="v1 IPv6"),
        pytest.param(v2(), CLIENT, id="v2 IPv4"),
        pytest.param(v2("2001:db8::1"), "2001:db8::1", id="v2 IPv6"),
        pytest.param(v2(tlv=b"\2\0\4mail"), CLIENT, id="v2 with an extension"),
        pytest.param(v2(f"::ffff:{CLIENT}"), CLIENT, id="IPv4 in IPv6"),
    ],
)
async def test_the_client_is_who_the_header_says(
    behind: Bench, header: bytes, address: str
) -> None:
    client = await behind.connect()
    client.send(header)
    await client.greet()
    await submit(client)
    (taken,) = behind.intake.taken
    assert (taken.client.address, taken.client.port) == (address, PORT)
    literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    assert f"({literal})" in taken.octets.decode().partition("by relay")[0]


async def test_nothing_is_said_before_the_header(behind: Bench) -> None:
    client = await behind.connect()
    client.send(V1[:-1])
    later = await behind.connect()
    later.send(V1)
    assert (await later.reply())[:3] == "220"
    assert behind.observer.counts["opened"] == 1, "only who came later, with a whole header"
    client.send(V1[-1:])
    assert (await client.reply())[:3] == "220"


@pytest.mark.parametrize("header", [V1, v2(), v2("2001:db8::1")], ids=["v1", "v2", "v2 IPv6"])
async def test_a_header_in_pieces(behind: Bench, header: bytes) -> None:
    client = await behind.connect()
    raw = client.writer.get_extra_info("socket")
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in header:
        client.send(bytes([octet]))
        await asyncio.sleep(0)
    await client.greet()
    await submit(client)


@pytest.mark.parametrize("header", [V1, v2()], ids=["v1", "v2"])
async def test_commands_in_the_segment_of_the_header(behind: Bench, header: bytes) -> None:
    client = await behind.connect()
    client.send(header + b"EHLO client.example.net\r\nMAIL FROM:<a@example.org>\r\nQUIT\r\n")
    assert [(await client.reply())[:3] for _ in range(4)] == ["220", "250", "250", "221"]
    assert await client.rest() == ""


async def test_a_second_header_is_a_bad_command(behind: Bench) -> None:
    client = await behind.connect()
    client.send(V1 + b"PROXY TCP4 203.0.113.9 198.51.100.7 1 587\r\n")
    assert (await client.reply())[:3] == "220"
    assert (await client.reply())[:3] == "500"
    await client.say("EHLO c")
    await submit(client)
    assert behind.intake.taken[0].client.address == CLIENT


async def test_trust_goes_by_the_header(tmp_path: Path) -> None:
    """The balancer may well be in a network that is trusted; who comes through it is not."""
    async with run_behind(tmp_path, trusted_networks=("127.0.0.0/8",)) as bench:
        stranger = await bench.connect()
        stranger.send(V1)
        await stranger.greet()
        assert (await stranger.say("MAIL FROM:<a@example.org>"))[:3] == "550"


async def test_limits_go_by_the_header(tmp_path: Path) -> None:
    async with run_behind(tmp_path, max_connections_per_client=1) as bench:
        first, second, other = [await bench.connect() for _ in range(3)]
        first.send(V1)
        assert (await first.reply())[:3] == "220"
        second.send(V1)
        assert (await second.rest()).startswith("421 4.7.0 Too many connections from your")
        other.send(v2("192.0.2.2"))
        assert (await other.reply())[:3] == "220"


async def test_failed_log_ins_go_by_the_header(tmp_path: Path, identity: Identity) -> None:
    listener = encrypting(identity, "starttls")
    async with run_behind(tmp_path, listener, auth_failures_per_client=1) as bench:
        await bench.add_account("bob@example.org", "secret")

        async def log_in(header: bytes, password: str) -> str:
            client = await bench.connect()
            client.send(header)
            await client.greet()
            await client.say("STARTTLS")
            await client.start_tls()
            await client.say("EHLO c")
            return await client.say(f"AUTH PLAIN {plain_response('bob@example.org', password)}")

        assert (await log_in(V1, "wrong"))[:3] == "535"
        assert (await log_in(V1, "secret")).startswith("421 4.7.0 Too many failed log-ins")
        assert (await log_in(v2("192.0.2.2"), "secret"))[:3] == "235"


@pytest.mark.parametrize("header", [V1, v2(), v2("2001:db8::1")], ids=["v1", "v2", "v2 IPv6"])
async def test_implicit_tls_begins_behind_the_header(
    tmp_path: Path, identity: Identity, header: bytes
) -> None:
    async with run_behind(tmp_path, encrypting(identity, "implicit")) as bench:
        await bench.add_account("bob@example.org", "secret")
        client = await bench.connect()
        client.send(header)  # goes out together with the ClientHello, or just before it
        await client.start_tls()
        assert "STARTTLS" not in await client.greet()
        said = await client.say(f"AUTH PLAIN {plain_response('bob@example.org', 'secret')}")
        assert said[:3] == "235"
        await submit(client, "bob@example.org")
        (taken,) = bench.intake.taken
        assert taken.client.address in (CLIENT, "2001:db8::1")
        assert taken.client.protocol == "ESMTPSA"
        assert taken.client.tls is not None


@pytest.mark.parametrize("header", [V1, V1_IPV6, v2(), LOCAL])
async def test_header_and_client_hello_in_one_segment(
    tmp_path: Path, identity: Identity, header: bytes
) -> None:
    """Whatever the header's reader took too much would be missing in the handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    layer = trusting_context().wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        layer.do_handshake()
    async with run_behind(tmp_path, encrypting(identity, "implicit")) as bench:
        client = await bench.connect()
        client.send(header + outgoing.read())
        async with asyncio.timeout(PATIENCE):
            record = await client.reader.readexactly(6)
        assert (record[0], record[5]) == (22, 2), "a record of the handshake: ServerHello"


@pytest.mark.parametrize("header", [LOCAL, b"PROXY UNKNOWN\r\n"], ids=["v2", "v1"])
async def test_the_balancer_s_own_connections_keep_their_address(
    tmp_path: Path, header: bytes
) -> None:
    async with run_behind(tmp_path, trusted_networks=LOOPBACK) as bench:
        client = await bench.connect()
        own = client.writer.get_extra_info("sockname")
        client.send(header)
        await client.greet()
        await submit(client)
        taken = bench.intake.taken[0].client
        assert (taken.address, taken.port) == own


def test_uvloop_serves_as_well(tmp_path: Path, identity: Identity) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def converse() -> None:
        listeners = PROXIED, encrypting(identity, "starttls"), encrypting(identity, "implicit")
        async with run_behind(tmp_path, *listeners, trusted_networks=(f"{CLIENT}/32",)) as bench:
            for number, header in ((n, header) for n in range(3) for header in (V1, v2())):
                client = await bench.connect(number)
                client.send(header)
                if number == 2:
                    await client.start_tls()
                await client.greet()
                await submit(client)
                assert bench.intake.taken[-1].client.address == CLIENT
            for number, sent in ((n, sent) for n in range(3) for sent in (b"", V1[:9], LOCAL)):
                leaving, staying = await bench.connect(number), await bench.connect(number)
                leaving.send(sent)
                staying.send(sent)
                await leaving.close()
            refused = await bench.connect()
            refused.send(b"EHLO client.example.net\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert await refused.rest() == ""
            async with asyncio.timeout(PATIENCE):
                await bench.server.stop(timedelta(seconds=60))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(converse())
