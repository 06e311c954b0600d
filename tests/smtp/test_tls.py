"""STARTTLS and implicit TLS."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import Listener
from tests.support.certificates import Identity
from tests.support.submission import (
    PATIENCE,
    Bench,
    plain_response,
    run_server,
    trusting_context,
)


def listener(identity: Identity, tls: str) -> Listener:
    return Listener(
        address="127.0.0.1:0",
        tls=tls,  # type: ignore[arg-type]
        certificate=identity.certificate,
        private_key=identity.private_key,
    )


@pytest.fixture
async def encrypting(tmp_path: Path, identity: Identity) -> AsyncIterator[Bench]:
    """STARTTLS on the first listener, implicit TLS on the second; nobody is trusted."""
    listeners = listener(identity, "starttls"), listener(identity, "implicit")
    async with run_server(tmp_path, *listeners, trusted_networks=()) as bench:
        await bench.add_account("bob@example.org", "secret")
        yield bench


async def test_starttls_begins_anew(encrypting: Bench) -> None:
    client = await encrypting.connect()
    assert "STARTTLS" in await client.greet()
    assert await client.say("STARTTLS") == "220 2.0.0 Go ahead"
    await client.start_tls()
    assert (await client.say("MAIL FROM:<a@x.org>")).startswith("503 5.5.1 ")
    reply = await client.say("EHLO c")
    assert "STARTTLS" not in reply
    assert "AUTH PLAIN LOGIN" in reply
    assert (await client.say("STARTTLS")).startswith("503 5.5.1 ")


async def test_commands_injected_before_the_handshake_are_forgotten(encrypting: Bench) -> None:
    client = await encrypting.connect()
    await client.greet()
    client.send(b"STARTTLS\r\nNOOP injected\r\nVRFY injected\r\n")
    assert (await client.reply())[:3] == "220"
    await client.start_tls()
    assert (await client.say("HELP")).startswith("214 "), "the first reply is to the first command"
    assert (await client.say("QUIT"))[:3] == "221"
    assert await client.rest() == ""


async def test_starttls_takes_no_argument(encrypting: Bench) -> None:
    client = await encrypting.connect()
    await client.greet()
    assert (await client.say("STARTTLS now")).startswith("501 5.5.4 ")


async def test_a_handshake_that_fails_ends_the_connection(encrypting: Bench) -> None:
    client = await encrypting.connect()
    await client.greet()
    await client.say("STARTTLS")
    client.send(b"this is no ClientHello\r\n" * 5)
    await client.rest()
    await encrypting.observer.seen("closed")
    good = await encrypting.connect()
    assert (await good.reply())[:3] == "220"


async def test_a_handshake_that_fails_is_no_fault_of_ours(encrypting: Bench) -> None:
    with capture_logs() as events:
        client = await encrypting.connect()
        await client.greet()
        await client.say("STARTTLS")
        client.send(b"this is no ClientHello\r\n" * 5)
        await client.rest()
        await encrypting.observer.seen("closed")
    assert [event for event in events if event["log_level"] != "debug"] == []


async def test_implicit_tls_with_auth(encrypting: Bench) -> None:
    client = await encrypting.connect(1, tls=True)
    reply = await client.greet()
    assert "AUTH PLAIN LOGIN" in reply
    assert "STARTTLS" not in reply
    assert (await client.say("STARTTLS")).startswith("502 5.5.1 ")
    said = await client.say(f"AUTH PLAIN {plain_response('bob@example.org', 'secret')}")
    assert said[:3] == "235"
    await client.begin("bob@example.org")
    assert (await client.submit(b"hi\r\n.\r\n"))[:3] == "250"
    assert encrypting.intake.taken[0].client.protocol == "ESMTPSA"


async def test_clear_text_at_an_implicit_listener(encrypting: Bench) -> None:
    client = await encrypting.connect(1)
    client.send(b"EHLO c\r\n")
    assert "250" not in await client.rest()
    assert encrypting.observer.counts["opened"] == 0


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_1, False, id="TLS 1.1"),
        pytest.param(ssl.TLSVersion.TLSv1_2, True, id="TLS 1.2"),
        pytest.param(ssl.TLSVersion.TLSv1_3, True, id="TLS 1.3"),
    ],
)
async def test_versions(encrypting: Bench, version: ssl.TLSVersion, accepted: bool) -> None:
    context = trusting_context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    host, port = encrypting.server.addresses[1]
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        assert not accepted
        return
    greeting = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert accepted == greeting.startswith(b"220 ")


async def test_tls_without_a_certificate_is_noticed_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has TLS and no certificate"):
        async with run_server(tmp_path, Listener(address="127.0.0.1:0", tls="implicit")):
            raise AssertionError("it must not start")


def test_uvloop_serves_as_well(tmp_path: Path, identity: Identity) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def converse() -> None:
        listeners = listener(identity, "starttls"), listener(identity, "implicit")
        async with run_server(tmp_path, *listeners) as bench:
            for number, implicit in enumerate((False, True)):
                client = await bench.connect(number, tls=implicit)
                await client.greet()
                if not implicit:
                    await client.say("STARTTLS")
                    await client.start_tls()
                    await client.say("EHLO c")
                await client.begin()
                assert (await client.submit(b"hi\r\n.\r\n"))[:3] == "250"
                assert bench.intake.taken[number].client.tls is not None

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(converse())


async def test_a_handshake_that_ends_after_the_server_brings_nobody_in(
    encrypting: Bench,
) -> None:
    """The server does not know of it when it stops, and the ledger is gone by the time it ends."""
    client = await encrypting.connect(1)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting_context().wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    client.send(outgoing.read())
    incoming.write(await client.reader.read(65536))
    await encrypting.server.stop(timedelta(seconds=5))
    tls.do_handshake()
    client.send(outgoing.read())
    said = b""
    async with asyncio.timeout(PATIENCE):
        while not said.endswith(b"\r\n"):
            incoming.write(await client.reader.read(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                said += tls.read()
    assert said.decode() == "421 4.3.2 Shutting down, try again later\r\n"
