"""How much of a chore one transaction does, and how soon the next one follows.

Whoever accepts mail waits while a chore has the turn, so a chore has it for a few milliseconds.
What a message costs differs, by its recipients, the attempts at them and what of the file is in
memory; so the size of the next step follows from how long the last one took. And where others
write, there is so long a rest behind each step that few of them meet one.
"""

import asyncio
import math
import sqlite3
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, NamedTuple

from tracker.sqlite.writer import Writer

Step = Callable[[sqlite3.Connection], int]
"""Does some of a chore and returns how much."""

LEAST: Final = 20
"""Rows of any step: with fewer most of it is a commit, which takes as long without any."""

LEAST_URGENT: Final = 200
"""Rows of a step of what has to keep up with mail, however slow the disk is."""

AIM: Final = 0.0015
"""Seconds that a step may have the turn, its commit included, which takes most of them."""

REST: Final = 250
"""How many times as long as a step had the turn it is left to others, if there are any."""

LONGEST_REST: Final = 0.5
"""Seconds: on a slow disk too a chore is done some time."""

HALVING: Final = 4 * 3600.0
"""Seconds of a chore that does not come to its end in which its rests become half as long. A day of
history has a day to go: the first million goes unnoticed, and where mail comes faster than it is
forgotten, a chore still does not fall behind."""

_UP, _DOWN = 1.5, 0.25
"""How much a step may grow or shrink at once: one alone may have been unlucky."""

_NOTHING: Final = 2
"""Changed rows that are no mail: the ledger looks after itself."""


def next_size(size: int, took: float, least: int = LEAST) -> int:
    """Return how many rows a step should have after one of `size`, which `took` some seconds."""
    factor = min(_UP, max(_DOWN, AIM / max(took, 1e-6)))
    return max(least, round(size * factor))


def rest_after(took: float, going_on_for: float, *, is_busy: bool) -> float:
    """Return the seconds until the next step after one that took some; others write: `is_busy`.

    `going_on_for` is how long the chore has been at it, in seconds.
    """
    if not is_busy:
        return 0.0
    return min(REST * took, LONGEST_REST) * math.pow(0.5, going_on_for / HALVING)


class _State(NamedTuple):
    """By which it is told whether others have written."""

    here: int
    """Rows that this process has changed."""
    elsewhere: int
    """Changes with each commit of another process."""

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> "_State":
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        return cls(connection.total_changes, version)

    def is_as(self, before: "_State") -> bool:
        return self.elsewhere == before.elsewhere and self.here <= before.here + _NOTHING


class Portions:
    """Runs the steps of chores, and knows how large those of each may be."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._sizes: dict[str, int] = {}
        self._since: dict[str, float] = {}
        """Since when a chore goes on that has not come to its end."""
        self._left: _State | None = None
        """How the ledger was left by the last step."""
        self._is_busy = False
        """True when others have written between the last two steps."""
        self._rests_until = float("-inf")

    async def run(
        self,
        chore: str,
        most: int,
        step: Callable[[sqlite3.Connection, int], int],
        *,
        is_urgent: bool = False,
    ) -> int:
        """Run a step with the number of rows that it may have, `most` at most.

        One that is urgent takes no rest: it has to keep up with mail, or somebody waits for it.
        Returns what it returns, how many it had: 0 at the end. Raises what it raises.
        """

        async def prepare(size: int) -> Step:
            return lambda connection: step(connection, size)

        return await self.prepared(chore, most, prepare, is_urgent=is_urgent)

    async def prepared(
        self,
        chore: str,
        most: int,
        prepare: Callable[[int], Awaitable[Step | None]],
        *,
        is_urgent: bool = False,
    ) -> int:
        """Run a step that `prepare` makes out of the number of rows that it may have.

        What it takes to find and to read them needs no turn, and is done before. Returns what the
        step returns; 0 when there is none. Raises what both raise.
        """
        least = LEAST_URGENT if is_urgent else LEAST
        size = min(self._sizes.get(chore, least), most)
        if not is_urgent:
            await asyncio.sleep(self._rests_until - monotonic())
        if (step := await prepare(size)) is None:
            return 0
        count = await self._writer.run(lambda connection: self._watched(connection, step))
        took = self._writer.turn_took
        if count:
            self._sizes[chore] = min(next_size(size, took, least), most)
            going_on_for = monotonic() - self._since.setdefault(chore, monotonic())
        else:
            self._since.pop(chore, None)
            going_on_for = 0.0
        rest = rest_after(took, going_on_for, is_busy=self._is_busy)
        self._rests_until = monotonic() + rest
        return count

    def _watched(self, connection: sqlite3.Connection, step: Step) -> int:
        found, before = _State.of(connection), self._left
        self._is_busy = before is not None and not found.is_as(before)
        count = step(connection)
        self._left = _State.of(connection)
        return count
