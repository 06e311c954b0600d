"""How much of a chore one transaction does: little enough that nobody has to wait long for it.

Whoever accepts mail waits while a chore has the turn. What a message costs differs, by its
recipients, the attempts at them and what of the file is in memory; so the size of the next step
follows from how long the last one took.
"""

import sqlite3
from collections.abc import Callable
from typing import Final

from tracker.sqlite.writer import Writer

FIRST: Final = 50
"""Rows of the first step of a chore, of which nothing is known."""

LEAST: Final = 10
"""Rows of any step: what a step costs by itself is paid too often with fewer."""

AIM: Final = 0.008
"""Seconds that a step may have the turn, its commit included, which takes most of them."""

_UP, _DOWN = 1.5, 0.25
"""How much a step may grow or shrink at once: one alone may have been unlucky."""


def next_size(size: int, took: float) -> int:
    """Return how many rows a step should have after one of `size`, which `took` some seconds."""
    factor = min(_UP, max(_DOWN, AIM / max(took, 1e-6)))
    return max(LEAST, round(size * factor))


class Portions:
    """Runs the steps of chores, and knows how large those of each may be."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._sizes: dict[str, int] = {}

    async def run(
        self, chore: str, most: int, step: Callable[[sqlite3.Connection, int], int]
    ) -> int:
        """Run a step with the number of rows that it may have, `most` at most.

        Returns what it returns, how many it had: 0 at the end. Raises what it raises.
        """
        size = min(self._sizes.get(chore, FIRST), most)

        count = await self._writer.run(lambda connection: step(connection, size))
        if count:
            self._sizes[chore] = min(next_size(size, self._writer.turn_took), most)
        return count
