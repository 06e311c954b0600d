"""Lists of blocks as they lie in a column: short, and put together by putting one behind another.

A list is made of groups of 256 blocks: the number of the group, how many of its blocks there are,
and their places in it, an octet each. Where these would be many there is a bit for each place.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

_GROUP: Final = 256
_FEW: Final = _GROUP // 8
"""So many places take as much room as all the bits."""

_BITS: Final = 255
"""Stands where the number of places would, before bits."""

MOST_BLOCKS: Final = _GROUP * _GROUP


def encode(blocks: Sequence[int]) -> bytes:
    """Return a list of blocks, which are in order and below MOST_BLOCKS."""
    encoded, start = bytearray(), 0
    while start < len(blocks):
        group = blocks[start] // _GROUP
        end = bisect_left(blocks, (group + 1) * _GROUP, start)
        places = bytes([block % _GROUP for block in blocks[start:end]])
        if len(places) < _FEW:
            encoded += bytes((group, len(places)))
            encoded += places
        else:
            encoded += bytes((group, _BITS))
            encoded += _bits_of(places)
        start = end
    return bytes(encoded)


def _bits_of(places: bytes) -> bytes:
    digits = bytearray(b"0" * _GROUP)
    for place in places:
        digits[_GROUP - 1 - place] = 49
    return int(digits, 2).to_bytes(_FEW, "little")


def decode(encoded: bytes) -> int:
    """Return a number in which the bit of each block of a list is set."""
    found, at = 0, 0
    while at < len(encoded):
        group, count = encoded[at], encoded[at + 1]
        at += 2
        if count == _BITS:
            bits = int.from_bytes(encoded[at : at + _FEW], "little")
            at += _FEW
        else:
            bits = 0
            for place in encoded[at : at + count]:
                bits |= 1 << place
            at += count
        found |= bits << group * _GROUP
    return found


def blocks_in(bits: int) -> list[int]:
    """Return the numbers of the bits that are set, in order."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found
