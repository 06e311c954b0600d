"""Group commit: what waits is sent together, in one transaction.

An item that is bad by itself fails alone: the others of its batch are committed without it. When
the answer to a batch gets lost, what became of it is found out beside the batches that follow.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from tracker.store import OutcomeUnknown, StoreError, StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")
ItemIn = TypeVar("ItemIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)

GROUP = 500
"""Items that share one commit at most."""

OCTETS = 16 * 1024 * 1024
"""Bytes of content in one batch, unless its first item alone has more."""

_CLOSE_WITHIN = 10.0
"""Seconds that what is under way may take when the ledger is closed."""


class Committer(Protocol[ItemIn, ResultOut]):
    """What a batcher does with its items."""

    async def commit(self, items: Sequence[ItemIn]) -> "Sequence[ResultOut | Exception]":
        """Commit all that can be; return what became of each.

        Raises StoreUnavailable when nothing happened, OutcomeUnknown when nobody knows, and
        anything else when one of the items spoils it for all: then nothing happened either.
        """
        ...

    async def find_out(self, item: ItemIn) -> ResultOut:
        """Return, or raise, what became of an item whose answer got lost; have it done if not."""
        ...


class _Waiting(Generic[Item, Result]):
    def __init__(self, item: Item, octets: int) -> None:
        self.item = item
        self.octets = octets
        self.future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def end(self, outcome: "Result | Exception") -> None:
        """Tell whoever waits; nobody does when the caller was cancelled."""
        if self.future.done():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class Batcher(Generic[Item, Result]):
    """Takes items one by one and has them committed together."""

    def __init__(self, committer: Committer[Item, Result], group: int = GROUP) -> None:
        self._committer = committer
        self._group = group
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._doubtful: set[asyncio.Task[None]] = set()
        self._closed = False

    async def put(self, item: Item, octets: int = 0) -> Result:
        """Have `item` committed with the next batch; return its result once that is durable.

        A caller that is cancelled does not cancel its item. Raises what becomes of it,
        StoreUnavailable, OutcomeUnknown.
        """
        if self._closed:
            raise StoreError("the ledger is closed")
        waiting: _Waiting[Item, Result] = _Waiting(item, octets)
        self._waiting.append(waiting)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await waiting.future

    async def close(self) -> None:
        """Finish what is under way, within ten seconds."""
        self._closed = True
        tasks = {task for task in (self._worker, *self._doubtful) if task is not None}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_CLOSE_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _work(self) -> None:
        """Commit batch after batch until nothing waits."""
        batch: list[_Waiting[Item, Result]] = []
        try:
            # Whoever is about to ask in this turn of the loop joins the batch.
            await asyncio.sleep(0)
            while batch := self._next_batch():
                await self._run(batch)
        except asyncio.CancelledError:
            for waiting in (*batch, *self._waiting):
                waiting.end(OutcomeUnknown("the ledger was closed before the database answered"))
            raise
        finally:
            self._worker = None

    def _next_batch(self) -> list[_Waiting[Item, Result]]:
        batch: list[_Waiting[Item, Result]] = []
        octets = 0
        while self._waiting and len(batch) < self._group:
            octets += self._waiting[0].octets
            if batch and octets > OCTETS:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _run(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            outcomes = await self._committer.commit([waiting.item for waiting in batch])
        except OutcomeUnknown:
            self._leave_doubtful(batch)
        except StoreUnavailable as problem:
            for waiting in batch:
                waiting.end(_same(problem))
        except Exception as error:
            if len(batch) == 1:
                batch[0].end(error)
                return
            for waiting in batch:
                await self._run([waiting])
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                waiting.end(outcome)

    def _leave_doubtful(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        task = asyncio.create_task(self._find_out(batch))
        self._doubtful.add(task)
        task.add_done_callback(self._doubtful.discard)

    async def _find_out(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        async def find_out(waiting: _Waiting[Item, Result]) -> None:
            try:
                waiting.end(await self._committer.find_out(waiting.item))
            except Exception as error:
                waiting.end(error)
            except asyncio.CancelledError:
                waiting.end(OutcomeUnknown("the ledger was closed before the database answered"))
                raise

        await asyncio.gather(*map(find_out, batch))


def _same(problem: StoreUnavailable) -> StoreUnavailable:
    """A new error for each of several tasks."""
    repeated = StoreUnavailable(str(problem))
    repeated.__cause__ = problem.__cause__
    return repeated


async def until_known(
    once: Callable[[], Awaitable[Result]], pause: Callable[[int], float], patience: float
) -> Result:
    """Repeat `once`, which may be repeated, until the ledger can be reached.

    Raises OutcomeUnknown when that takes longer than `patience` seconds.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    failures = 0
    while True:
        try:
            return await once()
        except StoreUnavailable as problem:
            failures += 1
            wait = pause(failures)
            if loop.time() + wait > end:
                raise OutcomeUnknown(str(problem)) from problem
        await asyncio.sleep(wait)
