"""Octets of a server become replies, bounded, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.transport.replies import Garbled, ReplyReader, readable
from tracker.model import Reply
from tracker.model.reply import LIMIT


def read(*pieces: bytes) -> list[Reply]:
    reader = ReplyReader()
    for piece in pieces:
        reader.feed(piece)
    return list(reader.replies)


@pytest.mark.parametrize(
    ("octets", "code", "lines"),
    [
        pytest.param(b"250 Ok\r\n", 250, ("Ok",), id="one line"),
        pytest.param(b"250\r\n", 250, ("",), id="code alone"),
        pytest.param(b"250 \r\n", 250, ("",), id="code and space"),
        pytest.param(b"250-a\r\n250-\r\n250 b\r\n", 250, ("a", "", "b"), id="several lines"),
        pytest.param(b"250 Ok\n", 250, ("Ok",), id="bare LF"),
        pytest.param(b"250  two  \r\n", 250, (" two  ",), id="word for word"),
        pytest.param(b"250-a\r\n550 b\r\n", 550, ("a", "b"), id="the last line's code counts"),
        pytest.param("250 grüß\r\n".encode(), 250, ("grüß",), id="UTF-8"),
        pytest.param(b"250 gr\xfc\xdf\r\n", 250, (r"gr\xfc\xdf",), id="not UTF-8"),
        pytest.param(b"250 a\x00b\x1b[31m\x07\r\n", 250, (r"a\x00b\x1b[31m\x07",), id="controls"),
        pytest.param(b"250 a\rb\r\n", 250, (r"a\x0db",), id="bare CR"),
        pytest.param("250 a\u2028b\u0085c\r\n".encode(), 250, (r"a\u2028b\x85c",), id="line ends"),
        pytest.param(b"250 a\tb\r\n", 250, ("a\tb",), id="tab"),
        pytest.param(b"000 what\r\n", 0, ("what",), id="code 000"),
        pytest.param(b"999 what\r\n", 999, ("what",), id="code 999"),
    ],
)
def test_reply(octets: bytes, code: int, lines: tuple[str, ...]) -> None:
    expected = [Reply(code=code, lines=lines)]
    assert read(octets) == expected
    assert read(*(octets[i : i + 1] for i in range(len(octets)))) == expected


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"hello\r\n", id="no code"),
        pytest.param(b"\r\n", id="empty line"),
        pytest.param(b"25 Ok\r\n", id="two digits"),
        pytest.param(b"2500 Ok\r\n", id="four digits"),
        pytest.param(b"+25 Ok\r\n", id="signed"),
        pytest.param("²50 Ok\r\n".encode(), id="digits of another kind"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n", id="HTTP"),
        pytest.param(b"250-a\r\nb\r\n", id="continuation without code"),
        pytest.param(b"250_a\r\n", id="odd separator"),
        pytest.param(b"x" * 70_000, id="no end of line"),
        pytest.param(b"250-a\r\n" * 1_001, id="no last line"),
    ],
)
def test_garbled(octets: bytes) -> None:
    with pytest.raises(Garbled) as fault:
        read(octets)
    assert len(str(fault.value)) < 500
    assert str(fault.value).isprintable()


def test_replies_before_a_garbled_one_are_kept() -> None:
    reader = ReplyReader()
    with pytest.raises(Garbled):
        reader.feed(b"250 one\r\n550 two\r\nrubbish\r\n")
    assert [reply.code for reply in reader.replies] == [250, 550]


def test_a_long_reply_is_cut_and_says_so() -> None:
    lines = [f"250-{i:04} " + "x" * 500 for i in range(200)]
    (reply,) = read("\r\n".join([*lines, "250 end\r\n"]).encode())
    assert reply.truncated
    assert sum(map(len, reply.lines)) == LIMIT
    assert reply.lines[0].startswith("0000 ")


def test_a_reply_of_just_the_limit_is_whole() -> None:
    (reply,) = read(b"250 " + b"x" * LIMIT + b"\r\n")
    assert not reply.truncated
    assert len(reply.lines[0]) == LIMIT


def test_the_next_reply_after_a_long_one_is_whole() -> None:
    _, reply = read(b"250 " + b"x" * 20_000 + b"\r\n", b"250 short\r\n")
    assert reply == Reply(code=250, lines=("short",))


def test_midway() -> None:
    reader = ReplyReader()
    states = [reader.is_midway]
    for piece in (b"25", b"0-a\r\n", b"250 b\r\n"):
        reader.feed(piece)
        states.append(reader.is_midway)
    assert states == [False, True, True, False]


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_any_octets_are_bounded(pieces: list[bytes]) -> None:
    reader = ReplyReader()
    try:
        for piece in pieces:
            reader.feed(piece)
    except Garbled:
        pass
    for reply in reader.replies:
        assert 0 <= reply.code <= 999
        assert sum(map(len, reply.lines)) <= LIMIT
        assert all("\n" not in line and "\0" not in line for line in reply.lines)


@given(st.binary(max_size=300))
def test_readable_text_can_be_stored_and_logged(octets: bytes) -> None:
    text = readable(octets)
    assert text.encode("utf-8").decode("utf-8") == text
    assert not any(ord(c) < 32 and c != "\t" for c in text)
