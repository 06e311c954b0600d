"""Who writes to the index: one at a time, each in steps that go on where the last one was."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from tracker.postgres.connections import Lane, Transaction
from tracker.postgres.query import SETTINGS
from tracker.postgres.text.writing import take_step

_KNOWN = "SELECT step FROM text_state"


class Sizes(NamedTuple):
    """How much is done at once."""

    at_once: int = 512
    """Recipients that are read in one step, a multiple of those of a block."""
    segment: int = 512
    """Blocks that are written together: what is not indexed for want of as many is walked along."""
    part: int = 4096
    """Blocks of a part."""
    segments: int = 8
    """Segments that a part has before they are put together."""
    unread: int = 1000
    """Recipients with attempts that the index does not know: so many are looked at besides."""
    rest: int = 20
    """How many times as long as it took to look for these nobody looks again: many may be open."""


class Pen:
    """Writes to the index, and notices when somebody else has."""

    def __init__(self, lane: Lane, sizes: Sizes) -> None:
        self.sizes = sizes
        self._lane = lane
        self._known: int | None = None

    async def begin(self) -> bool:
        """Take the index as it is; False when it was taken already."""
        if self._known is not None:
            return False
        rows = await self._lane.rows(_KNOWN)
        self._known = rows[0][0] if rows else 0
        return True

    def let_go(self) -> None:
        """Take the index anew next time: what is known of it may not be so any more."""
        self._known = None

    async def write(self, work: Callable[[Transaction, int], Awaitable[None]]) -> None:
        """Run `work` in a transaction, with the number of this step.

        Raises Overtaken, StoreUnavailable.
        """
        known = self._known or 0

        async def run(transaction: Transaction) -> int:
            step = await take_step(transaction, known)
            await work(transaction, step)
            return step

        self._known = await self._lane.run(run)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Lend a connection that sees one moment of the ledger and of the index."""
        async with self._lane.reading() as reader:
            await reader.execute(SETTINGS)
            yield reader
