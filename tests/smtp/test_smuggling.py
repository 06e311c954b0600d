"""Octets that servers disagree about are refused, and nothing is smuggled behind them."""

import pytest

from tests.support.smuggling import FALSE_ENDS
from tests.support.submission import Bench

SMUGGLED = (
    b"MAIL FROM:<smuggled@example.org>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\n"
    b"Subject: smuggled\r\n\r\nsmuggled\r\n"
)


@pytest.mark.parametrize("false_end", FALSE_ENDS.values(), ids=FALSE_ENDS)
async def test_a_false_end_of_data(bench: Bench, false_end: bytes) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    reply = await client.submit(b"Subject: x\r\n\r\nhi" + false_end + SMUGGLED + b".\r\n")
    assert reply.startswith("550 5.6.0 ")
    assert await client.say("NOOP") == "250 2.0.0 Ok"
    assert bench.intake.taken == []
    assert bench.observer.counts["submission refused"] == 1


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"a\nb\r\n", id="bare LF"),
        pytest.param(b"a\rb\r\n", id="bare CR"),
        pytest.param(b"a\0b\r\n", id="NUL"),
        pytest.param(b"\n", id="LF first"),
        pytest.param(b"Subject: x\n\r\n\r\n", id="LF in the header"),
    ],
)
async def test_octets_that_may_not_be_sent_on(bench: Bench, octets: bytes) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    assert (await client.submit(octets + b"\r\n.\r\n")).startswith("550 5.6.0 ")
    assert bench.intake.taken == []


@pytest.mark.parametrize("command", [b"NOOP\n", b"RSET\n", b"MAIL FROM:<a@x.org>\nRSET\r\n"])
async def test_commands_end_in_crlf(bench: Bench, command: bytes) -> None:
    client = await bench.connect()
    await client.greet()
    client.send(command)
    assert (await client.reply()).startswith("500 5.5.2 ")


@pytest.mark.parametrize(
    ("length", "reply"),
    [
        pytest.param(998, "250 2.0.0", id="998"),
        pytest.param(999, "550 5.6.0 Line 3 ", id="999"),
        pytest.param(1024 * 1024, "550 5.6.0 Line 3 ", id="1 MiB"),
    ],
)
async def test_long_lines_of_content(bench: Bench, length: int, reply: str) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    octets = b"Subject: x\r\n\r\n" + b"x" * length + b"\r\n.\r\n"
    assert (await client.submit(octets)).startswith(reply)
