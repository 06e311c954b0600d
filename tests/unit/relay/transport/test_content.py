"""Dot-stuffing across chunks, and what never goes out."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.transport.content import (
    DotStuffer,
    UnfitContent,
    UnreadableContent,
    header_is_ascii,
    read,
)
from tests.support.outward import Octets


def stuff(*chunks: bytes) -> bytes:
    stuffer = DotStuffer()
    return b"".join(map(stuffer.feed, chunks)) + stuffer.end()


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        pytest.param(b"", b".\r\n", id="nothing"),
        pytest.param(b"a\r\n", b"a\r\n.\r\n", id="a line"),
        pytest.param(b".\r\n", b"..\r\n.\r\n", id="a dot alone"),
        pytest.param(b"..\r\n", b"...\r\n.\r\n", id="two dots"),
        pytest.param(b"a\r\n.b\r\n", b"a\r\n..b\r\n.\r\n", id="a dot at the head"),
        pytest.param(b"a.\r\nb.c\r\n", b"a.\r\nb.c\r\n.\r\n", id="dots elsewhere"),
        pytest.param(b"\r\n.\r\n\r\n.\r\n", b"\r\n..\r\n\r\n..\r\n.\r\n", id="false ends"),
        pytest.param(b"a", b"a\r\n.\r\n", id="no end of line"),
    ],
)
def test_stuffing_is_the_same_for_every_cut(content: bytes, sent: bytes) -> None:
    assert stuff(content) == sent
    for first in range(len(content) + 1):
        for second in range(first, len(content) + 1):
            assert stuff(content[:first], content[first:second], content[second:]) == sent


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a\n.\r\nb\r\n", id="LF dot CRLF"),
        pytest.param(b"a\r\n.\nb\r\n", id="CRLF dot LF"),
        pytest.param(b"a\n.\nb\r\n", id="LF dot LF"),
        pytest.param(b"a\r.\rb\r\n", id="CR dot CR"),
        pytest.param(b"a\r\n.\rb\r\n", id="CRLF dot CR"),
        pytest.param(b"a\r\r\n.\r\r\nb\r\n", id="CR CRLF"),
        pytest.param(b"\na\r\n", id="LF first"),
        pytest.param(b"a\r\n\r", id="CR last"),
        pytest.param(b"a\0b\r\n", id="NUL"),
    ],
)
def test_smuggling_is_refused_for_every_cut(content: bytes) -> None:
    for cut in range(len(content) + 1):
        with pytest.raises(UnfitContent):
            stuff(content[:cut], content[cut:])
    with pytest.raises(UnfitContent):
        stuff(*(content[i : i + 1] for i in range(len(content))))


@given(
    st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"\0", b".", b"a\x85"]), max_size=9), st.data()
)
def test_nothing_else_is_refused(parts: list[bytes], data: st.DataObject) -> None:
    content = b"".join(parts)
    cut = data.draw(st.integers(0, len(content)))
    if re.search(rb"\r(?!\n)|(?<!\r)\n|\0", content):
        with pytest.raises(UnfitContent):
            stuff(content[:cut], content[cut:])
    else:
        assert stuff(content[:cut], content[cut:]).endswith(b".\r\n")


@given(st.lists(st.sampled_from([b"\r\n", b".", b"a", b"..", b"\r\n."]), max_size=12), st.data())
def test_a_receiver_gets_back_what_was_sent(parts: list[bytes], data: st.DataObject) -> None:
    content = b"".join(parts) + b"\r\n"
    cut = data.draw(st.integers(0, len(content)))
    wire = stuff(content[:cut], content[cut:])
    assert wire.endswith(b"\r\n.\r\n")
    body = wire[:-3]
    assert b"\r\n.\r\n" not in b"\r\n" + body
    lines = body.split(b"\r\n")
    assert b"\r\n".join(line.removeprefix(b".") for line in lines) == content


async def test_reading_from_a_function_begins_anew_each_time() -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    for _ in range(2):
        assert [chunk async for chunk in read(source)] == [b"a", b"b"]


@pytest.mark.parametrize("reader", ["read", "header_is_ascii"])
async def test_leaving_early_closes_what_was_open(reader: str) -> None:
    closed: list[bool] = []

    async def source() -> AsyncIterator[bytes]:
        try:
            yield b"Subject: \xc3\xa4\r\n"
            yield b"more"
        finally:
            closed.append(True)

    if reader == "header_is_ascii":
        assert not await header_is_ascii(source)
    else:
        async with aclosing(read(source)) as chunks:
            async for _ in chunks:
                break
    assert closed == [True]


async def test_a_fault_of_the_ledger_has_a_name() -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"a"
        raise KeyError("gone")

    with pytest.raises(UnreadableContent, match="gone"):
        async for _ in read(source):
            pass


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"Subject: a\r\n\r\nbody\r\n", True, id="ASCII"),
        pytest.param(b"Subject: a\r\n\r\nb\xc3\xb6dy\r\n", True, id="only the body is not"),
        pytest.param(b"Subject: \xc3\xa4\r\n\r\nbody\r\n", False, id="header is not"),
        pytest.param(b"Subject: a\r\n", True, id="header alone"),
        pytest.param(b"\r\n\xc3\xa4\r\n", True, id="no header"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 3, 1000])
async def test_header_is_ascii(content: bytes, expected: bool, chunk: int) -> None:
    assert await header_is_ascii(Octets(content, chunk)) is expected
