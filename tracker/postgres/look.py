"""A look at much of the ledger: one moment of it, a few partitions at a time, and not for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg

from tracker.postgres.connections import Lane, Transaction
from tracker.postgres.query import SETTINGS
from tracker.store import StoreUnavailable

_TOO_LONG = (
    "the search was given up after {seconds:g} seconds; let it look at less, "
    "for example with since: and until:"
)


class OutOfTime(StoreUnavailable):
    """A look was given up because its time was over."""


class Unfinished(Exception):
    """A part of a look has had the time that it was given."""


class Look:
    """A snapshot that is looked at in turns."""

    def __init__(self, reader: Transaction, patience: timedelta) -> None:
        self.reader = reader
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + patience.total_seconds()

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._until - self._loop.time())

    @property
    def is_over(self) -> bool:
        """True when it has lasted too long."""
        return self._loop.time() >= self._until

    @asynccontextmanager
    async def at_most(self, seconds: float) -> AsyncIterator[None]:
        """Look for no longer than so many seconds: then Unfinished is raised out of the body."""
        whole, self._until = self._until, min(self._until, self._loop.time() + seconds)
        try:
            yield
        except (asyncpg.QueryCanceledError, OutOfTime) as error:
            if self._until == whole:
                raise
            await self.reader.execute("ROLLBACK TO SAVEPOINT look")
            raise Unfinished from error
        finally:
            self._until = whole

    async def turn(self) -> Transaction:
        """Let go of the partitions that were looked at; return what the next ones are read by.

        Raises OutOfTime when the time is over.
        """
        left = self._until - self._loop.time()
        if left <= 0:
            raise OutOfTime("out of time")
        # What a transaction has locked it keeps, but for what was locked since a savepoint.
        await self.reader.execute(
            "ROLLBACK TO SAVEPOINT look;"
            f" SET LOCAL statement_timeout = {max(1, round(left * 1000))}"
        )
        return self.reader


@asynccontextmanager
async def looking(lane: Lane, patience: timedelta) -> AsyncIterator[Look]:
    """Begin a look. Raises StoreUnavailable; OutOfTime when it takes longer than `patience`."""
    look: Look | None = None
    try:
        async with lane.reading() as reader:
            await reader.execute(f"{SETTINGS}; SAVEPOINT look")
            look = Look(reader, patience)
            yield look
    except StoreUnavailable as error:
        if look is None or not look.is_over:
            raise
        problem = _TOO_LONG.format(seconds=patience.total_seconds())
        raise OutOfTime(problem) from error
