"""Connections to the server: one transaction for each step, one snapshot for each look.

While the server is away every call raises StoreUnavailable within a few seconds. When a connection
breaks while a commit is under way, nobody knows whether it happened: OutcomeUnknown.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TypeVar

import asyncpg

from tracker.postgres.dialling import Dialler, place_of
from tracker.postgres.errors import (
    breaks_connection,
    describe,
    is_read_only,
    is_repeatable,
    lacks_partition,
    raise_as_store_error,
)
from tracker.postgres.link import Link
from tracker.sql.rows import Columns
from tracker.store import OutcomeUnknown, StoreError, StoreUnavailable

T = TypeVar("T")

MissingPartition = Callable[["Transaction", str], Awaitable[None]]
"""Makes the partitions that a row needs, of which the server's message is given."""

_WRITERS = 4
_READERS = 4

_TRIES = 8
"""Times that a step runs at most which the server breaks off."""

_PAUSE = 0.02
"""Seconds, at most, before a step runs again; longer each time."""

_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_FREE_WITHIN = 10.0
"""Seconds that a caller waits until a connection is free."""


class Transaction:
    """What runs in one transaction; statements take their parameters as $1, $2, …"""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def rows(self, sql: str, *parameters: object) -> list[Columns]:
        """Return every row of a statement."""
        return await self._link.rows(sql, *parameters)

    async def row(self, sql: str, *parameters: object) -> Columns | None:
        """Return the first row of a statement, None when there is none."""
        return await self._link.row(sql, *parameters)

    async def execute(self, sql: str, *parameters: object) -> int:
        """Run a statement; return how many rows it changed."""
        number = (await self._link.execute(sql, *parameters)).rpartition(" ")[2]
        return int(number) if number.isdigit() else 0


class Lane:
    """At most `size` connections that are lent in turn, opened when they are needed."""

    def __init__(self, dialler: Dialler, size: int, missing_partition: MissingPartition) -> None:
        self._dialler = dialler
        self._free = asyncio.Semaphore(size)
        self._idle: list[Link] = []
        self._lent: set[Link] = set()
        self._missing_partition = missing_partition
        self._closed = False

    async def run(self, step: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `step` in a transaction and return its result once that is durable.

        A step has no effect on anything else: it may run twice, when the server broke it off to
        end a deadlock, or the connection broke before the commit. Raises what `step` raises,
        StoreUnavailable, OutcomeUnknown.
        """
        return await self._repeat(lambda link: self._transact(link, step))

    async def rows(self, sql: str, *parameters: object) -> list[Columns]:
        """Run one statement, which is a transaction of its own, and return its rows.

        Raises what `run` raises.
        """
        return await self._repeat(lambda link: self._state(link, sql, parameters))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Lend a connection for queries that see one moment of the ledger and change nothing."""
        try:
            async with self._link(begin=_SNAPSHOT) as link:
                try:
                    yield Transaction(link)
                    await link.execute("COMMIT")
                except BaseException as error:
                    await _leave(link, error)
                    raise
        except StoreError:
            raise
        except Exception as error:
            raise_as_store_error(error)

    async def close(self) -> None:
        """Let go of every connection; those that are still lent break."""
        self._closed = True
        for link in tuple(self._lent):
            link.kill()
        while self._idle:
            await self._idle.pop().close()

    # --- how a step runs -------------------------------------------------------------------------

    async def _repeat(self, once: Callable[[Link], Awaitable[T]]) -> T:
        for tries in range(_TRIES):
            try:
                async with self._link() as link:
                    return await once(link)
            except StoreError:
                raise
            except Exception as error:
                if not await self._may_repeat(error, tries):
                    raise_as_store_error(error)
        raise StoreUnavailable(f"the server broke it off {_TRIES} times")

    async def _may_repeat(self, error: Exception, tries: int) -> bool:
        """Prepare another try of what failed and has surely not happened."""
        if lacks_partition(error) and tries < 2:
            await self.run(lambda transaction: self._missing_partition(transaction, str(error)))
            return True
        if is_repeatable(error):
            # Whoever was in its way needs a moment; two of a kind must not meet again.
            await asyncio.sleep(_PAUSE * (tries + 1) * random.random())  # noqa: S311
            return True
        if isinstance(error, TimeoutError):
            return False  # whoever waited for it has waited long enough
        return tries < 2 and (is_read_only(error) or breaks_connection(error))

    async def _transact(self, link: Link, step: Callable[[Transaction], Awaitable[T]]) -> T:
        try:
            await link.begin()
            result = await step(Transaction(link))
        except BaseException as error:
            await _leave(link, error)
            raise
        await _commit(link)
        return result

    async def _state(self, link: Link, sql: str, parameters: tuple[object, ...]) -> list[Columns]:
        if link.is_pooled:
            return await self._transact(link, lambda _: link.rows(sql, *parameters))
        try:
            return await link.rows(sql, *parameters)
        except BaseException as error:
            if not isinstance(error, Exception):
                link.kill()
                raise
            if breaks_connection(error):
                link.kill()
                raise _unknown(error) from error
            if is_read_only(error):
                link.kill()
            raise

    # --- who gets a connection -------------------------------------------------------------------

    @asynccontextmanager
    async def _link(self, begin: str | None = None) -> AsyncIterator[Link]:
        if self._closed:
            raise StoreError("the ledger is closed")
        try:
            async with asyncio.timeout(_FREE_WITHIN):
                await self._free.acquire()
        except TimeoutError as error:
            raise StoreUnavailable("every connection is in use") from error
        try:
            link = await self._take(begin)
            self._lent.add(link)
            try:
                yield link
            finally:
                self._take_back(link)
        finally:
            self._free.release()

    def _take_back(self, link: Link) -> None:
        self._lent.discard(link)
        if self._closed:
            link.kill()
        elif not link.is_closed:
            self._idle.append(link)

    async def _take(self, begin: str | None) -> Link:
        """Return a connection that is open, in a transaction that `begin` opens.

        One that broke while it was idle is replaced.
        """
        while True:
            is_new = not self._idle
            link = await self._dialler.dial() if is_new else self._idle.pop()
            if link.is_closed:
                continue
            try:
                if begin is not None:
                    await link.execute(begin)
            except BaseException as error:
                link.kill()
                if is_new or not isinstance(error, Exception) or not breaks_connection(error):
                    raise
            else:
                return link


async def _commit(link: Link) -> None:
    try:
        await link.execute("COMMIT")
    except BaseException as error:
        if isinstance(error, asyncpg.PostgresError) and not breaks_connection(error):
            raise  # it said no
        link.kill()
        if isinstance(error, Exception):
            raise _unknown(error) from error
        raise


def _unknown(error: Exception) -> OutcomeUnknown:
    return OutcomeUnknown(f"the answer of the database got lost: {describe(error)}")


async def _leave(link: Link, error: BaseException) -> None:
    """End a transaction that came to nothing."""
    if not isinstance(error, Exception) or breaks_connection(error) or is_read_only(error):
        link.kill()
        return
    with suppress(Exception):
        await link.execute("ROLLBACK")
        return
    link.kill()


class Connections:
    """The connections of one process: a few for steps, a few for looks, and lanes besides."""

    def __init__(
        self, url: str, *, pooled: bool = False, missing_partition: MissingPartition | None = None
    ) -> None:
        self._dialler = Dialler(url, pooled=pooled)
        self._missing_partition = missing_partition or _no_partition
        self._lanes: list[Lane] = []
        self._writers = self.lane(_WRITERS)
        self._readers = self.lane(_READERS)
        self.place = place_of(url)

    @property
    def version(self) -> str:
        """Of the server, as it was when the last connection was opened."""
        return self._dialler.version

    def lane(self, size: int) -> Lane:
        """Return connections of its own for something that must not wait for all else."""
        lane = Lane(self._dialler, size, self._missing_partition)
        self._lanes.append(lane)
        return lane

    async def open(self) -> None:
        """Connect. Raises StoreUnavailable; StoreError when the server is not fit for a ledger."""
        await self._readers.rows("SELECT 1")

    async def run(self, step: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `step` in a transaction (see `Lane.run`)."""
        return await self._writers.run(step)

    async def write(self, sql: str, *parameters: object) -> list[Columns]:
        """Run one statement that changes something (see `Lane.rows`)."""
        return await self._writers.rows(sql, *parameters)

    async def rows(self, sql: str, *parameters: object) -> list[Columns]:
        """Look with one statement."""
        return await self._readers.rows(sql, *parameters)

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Lend a connection for queries that see one moment of the ledger and change nothing."""
        return self._readers.reading()

    async def close(self) -> None:
        """Let go of every connection; what is still under way breaks."""
        for lane in self._lanes:
            await lane.close()
        await self._dialler.close()


async def _no_partition(_: Transaction, problem: str) -> None:
    raise StoreError(problem)
