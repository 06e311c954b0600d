"""Messages that were read in pieces are put together again: pure, for both ledgers."""

from collections.abc import Iterable, Mapping

from tracker.model import MessageId
from tracker.sql.rows import Columns


def whole_only(rows: Iterable[Columns]) -> Mapping[MessageId, bytes]:
    """Join the pieces of each message from rows of its id, its size, a number and that piece.

    Half a message must not pass for a whole one: where pieces are missing it is left out.
    """
    sizes: dict[MessageId, int] = {}
    pieces: dict[MessageId, dict[int, bytes]] = {}
    for identifier, size, number, piece in rows:
        sizes[identifier] = size
        pieces.setdefault(identifier, {})[number] = piece
    joined = {
        identifier: b"".join(numbered[number] for number in sorted(numbered))
        for identifier, numbered in pieces.items()
    }
    return {each: octets for each, octets in joined.items() if len(octets) == sizes[each]}
