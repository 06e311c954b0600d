"""Spooled content: small in memory, large in a file that has no name."""

import gc
import os
from pathlib import Path

import pytest

from relay.submission.content import CHUNK, MEMORY_LIMIT, SpooledContent


def files_open() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(0, id="empty"),
        pytest.param(10, id="small"),
        pytest.param(MEMORY_LIMIT, id="at the limit"),
        pytest.param(MEMORY_LIMIT + 1, id="in a file"),
        pytest.param(3 * MEMORY_LIMIT + 7, id="large"),
    ],
)
def test_what_went_in_comes_out(tmp_path: Path, size: int) -> None:
    octets = os.urandom(size)
    content = SpooledContent(tmp_path / "state")
    for start in range(0, size, 100_000):
        content.append(octets[start : start + 100_000])
    assert content.head(50) == octets[:50]
    content.prepend(b"second\r\n")
    content.prepend(b"first\r\n")
    expected = b"first\r\nsecond\r\n" + octets
    for _ in range(2):
        chunks = list(content.chunks())
        assert b"".join(chunks) == expected
        assert all(0 < len(chunk) <= CHUNK for chunk in chunks)
    assert content.size == len(expected)
    content.close()


def test_two_readers_do_not_disturb_each_other(tmp_path: Path) -> None:
    content = SpooledContent(tmp_path)
    octets = os.urandom(2 * MEMORY_LIMIT)
    content.append(octets)
    pairs = list(zip(content.chunks(), content.chunks(), strict=True))
    assert b"".join(left for left, _ in pairs) == octets
    assert b"".join(right for _, right in pairs) == octets
    content.close()


def test_the_file_has_no_name_and_is_closed_once_nobody_needs_it(tmp_path: Path) -> None:
    before = files_open()
    content = SpooledContent(tmp_path)
    content.append(b"x" * (MEMORY_LIMIT + 1))
    assert list(tmp_path.iterdir()) == []
    assert len(files_open() - before) == 1
    del content
    gc.collect()
    assert files_open() <= before


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    content = SpooledContent(tmp_path)
    content.append(b"x" * (MEMORY_LIMIT + 1))
    content.close()
    content.close()
    assert content.size == 0
