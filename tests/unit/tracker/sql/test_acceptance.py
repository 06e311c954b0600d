"""How content is divided for the ledger."""

from collections.abc import Iterator, Sequence

import pytest

from tracker.model.envelope import WholeContent
from tracker.sql.acceptance import pieces


class InChunks:
    """Content that comes in chunks of given lengths."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self._octets = bytes(n % 251 for n in range(sum(lengths)))
        self._lengths = lengths

    @property
    def size(self) -> int:
        return len(self._octets)

    def chunks(self) -> Iterator[bytes]:
        start = 0
        for length in self._lengths:
            yield self._octets[start : start + length]
            start += length


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], [0]),
        ([0], [0]),
        ([3], [3]),
        ([8], [8]),
        ([9], [8, 1]),
        ([8, 8, 4], [8, 8, 4]),
        ([3, 8, 8], [8, 8, 3]),
        ([5, 3, 8], [8, 8]),
        ([20, 4, 1], [8, 8, 8, 1]),
        ([1] * 17, [8, 8, 1]),
        ([7, 0, 30], [8, 8, 8, 8, 5]),
    ],
)
def test_pieces_have_the_length_that_is_wanted(lengths: list[int], expected: list[int]) -> None:
    content = InChunks(lengths)
    found = list(pieces(content, 8))
    assert [len(piece) for piece in found] == expected
    assert b"".join(found) == b"".join(content.chunks())


def test_a_piece_that_comes_as_a_chunk_is_not_copied() -> None:
    whole = bytes(1000)
    (piece,) = pieces(WholeContent(whole), 1000)
    assert piece is whole
