"""Finding the end of data, whatever the pieces it comes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.submission.data import DataDecoder, Fault
from tests.support.smuggling import FALSE_ENDS


def decode(octets: bytes, sizes: list[int] | None = None) -> tuple[bytes, DataDecoder]:
    """Feed `octets` in pieces of these sizes, over and over, until the end of data."""
    decoder = DataDecoder()
    content = b""
    offset = step = 0
    sizes = sizes or [len(octets)]
    while offset < len(octets) and not decoder.ended:
        size = sizes[step % len(sizes)]
        content += decoder.feed(octets[offset : offset + size])
        offset += size
        step += 1
    return content, decoder


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 1000])
@pytest.mark.parametrize(
    ("octets", "content"),
    [
        pytest.param(b".\r\n", b"", id="empty"),
        pytest.param(b"\r\n.\r\n", b"\r\n", id="empty line"),
        pytest.param(b"a\r\n.\r\n", b"a\r\n", id="one line"),
        pytest.param(b"..\r\n.\r\n", b".\r\n", id="dot alone"),
        pytest.param(b"..a\r\n...\r\n.\r\n", b".a\r\n..\r\n", id="dots"),
        pytest.param(b".a\r\n.\r\n", b"a\r\n", id="needless stuffing"),
        pytest.param(b"a.\r\n.\r\n", b"a.\r\n", id="dot at the end of a line"),
        pytest.param(b"a\r\n..\r\n..\r\n.\r\n", b"a\r\n.\r\n.\r\n", id="two dot lines"),
    ],
)
def test_content(octets: bytes, content: bytes, size: int) -> None:
    found, decoder = decode(octets, [size])
    assert (found, decoder.ended, decoder.fault) == (content, True, None)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("false_end", FALSE_ENDS.values(), ids=FALSE_ENDS)
def test_no_false_end_is_the_end(false_end: bytes, size: int) -> None:
    decoder = DataDecoder()
    octets = b"hello" + false_end + b"MAIL FROM:<smuggled@x.org>\r\nDATA\r\n"
    for start in range(0, len(octets), size):
        decoder.feed(octets[start : start + size])
    assert (decoder.ended, decoder.rest) == (False, b"")
    assert decoder.fault in {Fault.BARE_CR, Fault.BARE_LF, Fault.NUL}
    decoder.feed(b".\r\nQUIT\r\n")
    assert (decoder.ended, decoder.rest) == (True, b"QUIT\r\n")


@pytest.mark.parametrize("size", [1, 64, 999, 1000, 5000])
@pytest.mark.parametrize(
    ("lines", "fault_line"),
    [
        pytest.param([998], 0, id="998"),
        pytest.param([999], 1, id="999"),
        pytest.param([0, 998, 1, 998], 0, id="several at the limit"),
        pytest.param([10, 20, 999, 5], 3, id="third"),
        pytest.param([997, 998, 70000], 3, id="very long"),
        pytest.param([500] * 50 + [999], 51, id="after many"),
    ],
)
def test_line_limit(lines: list[int], fault_line: int, size: int) -> None:
    octets = b"".join(b"x" * length + b"\r\n" for length in lines) + b".\r\n"
    _, decoder = decode(octets, [size])
    expected = Fault.LONG_LINE if fault_line else None
    assert (decoder.fault, decoder.fault_line, decoder.ended) == (expected, fault_line, True)


def test_a_stuffed_dot_does_not_count_for_the_line() -> None:
    _, decoder = decode(b"." + b"." * 998 + b"\r\n.\r\n")
    assert decoder.fault is None


def test_what_follows_the_end_comes_back() -> None:
    content, decoder = decode(b"a\r\n.\r\nQUIT\r\n")
    assert (content, decoder.rest) == (b"a\r\n", b"QUIT\r\n")


def test_octets_beyond_ascii_are_noticed() -> None:
    assert decode(b"a\r\n.\r\n")[1].is_ascii
    assert not decode(b"\xe4\r\n.\r\n")[1].is_ascii


LINES = st.lists(
    st.binary(max_size=40).map(lambda line: bytes(o for o in line if o not in b"\r\n\0")),
    max_size=12,
)


@given(LINES, st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_stuffing_comes_off_whatever_the_pieces(lines: list[bytes], sizes: list[int]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
    found, decoder = decode(stuffed + b".\r\n", sizes)
    assert (found, decoder.ended, decoder.fault) == (content, True, None)


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\0", b"a", b"\r\n"]), max_size=30),
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
)
def test_only_crlf_dot_crlf_ends_and_nothing_bare_passes(
    parts: list[bytes], sizes: list[int]
) -> None:
    octets = b"".join(parts)
    content, decoder = decode(octets, sizes)
    end = (b"\r\n" + octets).find(b"\r\n.\r\n")
    assert decoder.ended == (end >= 0)
    if decoder.ended and decoder.fault is None:
        assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
        assert b"\0" not in content
