"""Content on its way: pieces of messages, cut anew to the size that a ledger stores."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import NamedTuple


class Piece(NamedTuple):
    """Some octets of a message's content."""

    message_id: str
    data: bytes


class StoredPiece(NamedTuple):
    """A piece as a row: the n-th of its message, from 0."""

    message_id: str
    n: int
    data: bytes


async def cut(pieces: AsyncIterable[Piece], size: int) -> AsyncIterator[StoredPiece]:
    """Yield rows of `size` octets, shorter only where a message ends.

    `pieces` come message by message, in order. Empty content stays one empty row.
    """
    message_id, n, gathered = "", 0, bytearray()
    async for piece in pieces:
        if piece.message_id != message_id:
            if message_id and (gathered or n == 0):
                yield StoredPiece(message_id, n, bytes(gathered))
            message_id, n, gathered = piece.message_id, 0, bytearray()
        gathered += piece.data
        start = 0
        while len(gathered) - start >= size:
            yield StoredPiece(message_id, n, bytes(gathered[start : start + size]))
            start, n = start + size, n + 1
        del gathered[:start]
    if message_id and (gathered or n == 0):
        yield StoredPiece(message_id, n, bytes(gathered))
