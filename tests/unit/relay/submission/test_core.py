"""What octets mean, whatever the pieces they come in."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.submission.core import (
    BARE_LINE_FEED,
    CONTENT_LIMIT,
    LINE_LIMIT,
    LINE_TOO_LONG,
    Command,
    Content,
    Core,
    Malformed,
)

Seen = Command | Malformed | bytes
"""An event; a whole content is its octets."""


def listen(core: Core, *pieces: bytes) -> Iterator[Seen]:
    """Yield what `core` hears in `pieces`; after DATA it takes what follows for content."""
    content = b""
    for piece in pieces:
        core.receive(piece)
        while (event := core.next_event()) is not None:
            if isinstance(event, Content):
                content += event.octets
                if event.is_last:
                    yield content
                    content = b""
                continue
            yield event
            if isinstance(event, Command) and event.verb == "DATA":
                core.begin_content()


def heard(*pieces: bytes) -> list[Seen]:
    return list(listen(Core(), *pieces))


NOOP = Command("NOOP", "")


@pytest.mark.parametrize(
    ("octets", "events"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"NOOP", [], id="no line end"),
        pytest.param(b"NOOP\r", [], id="half a line end"),
        pytest.param(b"NOOP\r\n", [NOOP], id="command"),
        pytest.param(b"\r\n", [Command("", "")], id="empty line"),
        pytest.param(b"noop x y\r\nQUIT\r\nNO", [Command("NOOP", "x y"), Command("QUIT", "")]),
        pytest.param(b"NOOP\nNOOP\r\n", [BARE_LINE_FEED, NOOP], id="bare LF"),
        pytest.param(b"\nNOOP\r\n", [BARE_LINE_FEED, NOOP], id="LF alone"),
        pytest.param(b"A\rB\r\n", [Malformed("501 5.5.2 Control characters are not allowed")]),
        pytest.param(b"\xff\r\n", [Malformed("501 5.5.2 This is neither ASCII nor UTF-8")]),
        pytest.param(b"NOOP " + b"x" * 505 + b"\r\n", [Command("NOOP", "x" * 505)], id="512"),
        pytest.param(b"NOOP " + b"x" * 506 + b"\r\n", [LINE_TOO_LONG], id="513"),
        pytest.param(b"MAIL " + b"x" * 2041 + b"\r\n", [Command("MAIL", "x" * 2041)], id="2048"),
        pytest.param(b"RCPT " + b"x" * 2042 + b"\r\n", [LINE_TOO_LONG], id="2049"),
        pytest.param(b"AUTH " + b"x" * (LINE_LIMIT - 7) + b"\r\n", [Command("AUTH", "x" * 12283)]),
        pytest.param(b"AUTH " + b"x" * (LINE_LIMIT - 6) + b"\r\n", [LINE_TOO_LONG], id="12291"),
        pytest.param(b"x" * 50_000 + b"\nNOOP\r\n", [LINE_TOO_LONG, NOOP], id="very long, bare LF"),
        pytest.param(b"DATA\r\nhi\r\n.\r\nNOOP\r\n", [Command("DATA", ""), b"hi\r\n", NOOP]),
        pytest.param(b"DATA\r\n.\r\nNOOP\r\n", [Command("DATA", ""), b"", NOOP], id="no content"),
        pytest.param(b"DATA\r\n..\r\n.\r\n", [Command("DATA", ""), b".\r\n"], id="stuffed dot"),
        pytest.param(b"DATA\r\nNOOP\r\n.\r", [Command("DATA", "")], id="content without its end"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
def test_events(octets: bytes, events: list[Seen], size: int) -> None:
    pieces = [octets[start : start + size] for start in range(0, len(octets), size)]
    assert heard(*pieces) == events


PARTS = st.lists(
    st.one_of(
        st.sampled_from([b"DATA\r\n", b"\r\n.\r\n", b"NOOP\r\n", b"MAIL FROM:<a@x.org>\r\n"]),
        st.sampled_from([b"\r", b"\n", b".", b"\0", b"\r\n", b"x" * 600, b"y" * LINE_LIMIT]),
        st.binary(max_size=5),
    ),
    max_size=20,
)


@given(PARTS, st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_the_pieces_do_not_show(parts: list[bytes], sizes: list[int]) -> None:
    octets = b"".join(parts)
    pieces: list[bytes] = []
    offset = 0
    while offset < len(octets):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(octets[offset : offset + size])
        offset += size
    assert heard(*pieces) == heard(octets)


@given(PARTS)
def test_what_arrives_while_nobody_asks_is_kept(parts: list[bytes]) -> None:
    core = Core()
    for part in parts:
        core.receive(part)
    assert core.waiting == len(b"".join(parts))
    assert list(listen(core, b"")) == heard(b"".join(parts))


def test_what_is_forgotten_is_in_no_event() -> None:
    core = Core()
    core.receive(b"NOOP injected\r\nNO")
    assert core.next_event() == Command("NOOP", "injected")
    core.receive(b"OP injected\r\n")
    core.forget()
    assert (core.waiting, core.next_event()) == (0, None)
    core.receive(b"QUIT\r\n")
    assert core.next_event() == Command("QUIT", "")


def test_a_line_without_end_takes_no_memory() -> None:
    core = Core()
    for _ in range(1000):
        core.receive(b"x" * 10_000)
        assert core.next_event() is None
        assert core.waiting <= LINE_LIMIT
    core.receive(b"\r\nNOOP\r\n")
    assert (core.next_event(), core.next_event()) == (LINE_TOO_LONG, NOOP)


def test_much_content_comes_in_pieces_and_what_follows_it_is_a_command() -> None:
    core = Core()
    core.receive(b"DATA\r\n")
    core.next_event()
    core.begin_content()
    body = (b"." + b"x" * 900 + b"\r\n") * 1000
    core.receive(body.replace(b".", b"..") + b".\r\nNOOP\r\n")
    contents = []
    while isinstance(event := core.next_event(), Content):
        contents.append(event)
    assert b"".join(content.octets for content in contents) == body
    assert all(len(content.octets) <= CONTENT_LIMIT for content in contents)
    assert [content.is_last for content in contents] == [False] * (len(contents) - 1) + [True]
    assert event == NOOP


def test_lines_within_a_command_are_handed_out_as_they_are() -> None:
    core = Core()
    core.receive(b"AGFiYw==\r\n\xff\0\r\n*\n")
    assert [core.next_line() for _ in range(4)] == [b"AGFiYw==", b"\xff\0", BARE_LINE_FEED, None]
