"""One process at a time does a chore: an advisory lock in a transaction that is left open.

It ends with the transaction, and so with the process or its connection. A pooler in transaction
mode may stand in between, and the transaction sees nothing while it waits, so that it keeps vacuum
from nothing.

Who holds a chore asks the server again and again. Whoever cannot, because it was stopped or cut
off, loses the chore on both sides: the server breaks the transaction off, and the body is cancelled
at its next wait. A body that was stopped may be a step ahead of that: chores are made of steps that
do no harm when two do them.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tracker.postgres.dialling import Dialler
from tracker.postgres.errors import raise_as_store_error
from tracker.postgres.link import Link
from tracker.store import StoreUnavailable

CLASS = 0x53454E44
"""The first number of our locks: other applications may use others of the same database."""

_HEARTBEAT = 5.0
_PATIENCE = 30.0
"""Seconds."""

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY"

_TAKE = """
SELECT pg_try_advisory_xact_lock($1, $2),
       set_config('idle_in_transaction_session_timeout', $3, true)
"""

# Without parameters it is sent as a simple query, which keeps no snapshot, and ends the one that
# the server keeps for the query before it.
_ASK = "SELECT 1"


def number_of(chore: str) -> int:
    """Return the second number of a chore's lock: the same on every node, a signed 32-bit one."""
    return zlib.crc32(chore.encode()) - 2**31


class Chores:
    """Holds chores, each on a connection of its own.

    `heartbeat` seconds lie between two questions; `patience` seconds after the last one the server
    gives the chore to somebody else.
    """

    def __init__(
        self, dialler: Dialler, *, heartbeat: float = _HEARTBEAT, patience: float = _PATIENCE
    ) -> None:
        self._dialler = dialler
        self._heartbeat = heartbeat
        self._patience = patience

    @asynccontextmanager
    async def alone(self, chore: str) -> AsyncIterator[bool]:
        """Hold `chore` while the context lasts; False when another process has it now.

        Raises StoreUnavailable, also out of the body when the chore is lost.
        """
        link = await self._dialler.dial()
        try:
            if await self._take(link, chore):
                async with self._held(link, chore):
                    yield True
            else:
                yield False
            with suppress(Exception):
                await link.execute("COMMIT")  # from now on it is anybody's
            await link.close()
        finally:
            link.kill()

    @asynccontextmanager
    async def _held(self, link: Link, chore: str) -> AsyncIterator[None]:
        holding = asyncio.timeout(None)
        try:
            async with holding:
                watch = asyncio.create_task(self._watch(link, holding))
                try:
                    yield
                finally:
                    watch.cancel()
                    await asyncio.wait([watch])
        except TimeoutError:
            if holding.expired():
                raise StoreUnavailable(f"lost hold of the chore {chore}") from None
            raise

    async def close(self) -> None:
        """Give up a connection that is still being opened."""
        await self._dialler.close()

    async def _take(self, link: Link, chore: str) -> bool:
        patience = f"{round(self._patience * 1000)}ms"
        try:
            await link.execute(_BEGIN)
            rows = await link.rows(_TAKE, CLASS, number_of(chore), patience)
            await link.execute(_ASK)
        except Exception as error:
            raise_as_store_error(error)
        return bool(rows[0][0])

    async def _watch(self, link: Link, holding: asyncio.Timeout) -> None:
        """Ask until there is no answer; then end the body."""
        with suppress(Exception):
            while True:
                await asyncio.sleep(self._heartbeat)
                async with asyncio.timeout(self._heartbeat):
                    await link.execute(_ASK)
        holding.reschedule(asyncio.get_running_loop().time())
