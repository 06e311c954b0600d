"""Everything that waits to be written shares one commit, and one thread syncs it.

What the event loop is asked to write gathers while the group before it is on its way to the
disk. When its turn comes, the small steps of a group run in the event loop itself and only the
commit, with its sync, in the thread: statements that take microseconds would else be spent
passing the interpreter's lock to and fro. What may take long (a claim, a prune, large content)
runs in the thread as a whole, and so does a group that has to wait for the turn.

The futures are resolved after the commit and only then. Nothing is written and no checkpoint
runs without the turn lock, which also covers opening and closing the connection: SQLite
checkpoints of its own accord when the last one closes.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from tracker.sqlite.group import STEP, Done, GroupConnection, Kind, Pending, fail_all
from tracker.store import StoreError

T = TypeVar("T")

GROUP = 500
"""Steps that share one commit at most."""

_AT_ONCE = 64
"""Steps that may run in the event loop, which does nothing else meanwhile: a few milliseconds."""

_SMALL = 1024 * 1024
"""Bytes of content that they may bring with them."""


class Writer:
    """The only read-write connection of this process, and its thread."""

    def __init__(self, path: Path) -> None:
        self._ledger = GroupConnection(path)
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Pending] = deque()
        self._may_block = False
        """True when a step that waits may take long."""
        self._octets = 0
        self._busy = False
        """True while a group is under way, in whichever thread."""
        self._closed = False
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # Daemonic, for a process that ends without `close` shall end; a commit under way is
        # whole or absent either way.
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    async def run(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Run `step` in the next group, in the thread; return its result once that is on disk.

        A caller that is cancelled does not cancel its step. Raises what `step` raises, and
        StoreUnavailable when the group cannot be committed.
        """
        self._may_block = True
        result: T = await self._put(STEP, step)
        return result

    def share(self, kind: Kind, item: Any, octets: int = 0) -> asyncio.Future[Any]:
        """Take a small step for `item` in the next group, together with others of its `kind`.

        `octets` is how much content comes with it. The future is as what `run` returns.
        """
        self._octets += octets
        return self._put(kind, item)

    def _put(self, kind: Kind, item: Any) -> asyncio.Future[Any]:
        if self._closed:
            raise StoreError("the ledger is closed")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(Pending(kind, item, future))
        if not self._busy:
            # Not at once: what else this round of the loop brings joins the group.
            self._busy = True
            self._loop.call_soon(self._begin)
        return future

    async def close(self) -> None:
        """Finish what waits, then let go of the file."""
        if not self._closed:
            self._closed = True
            if not self._busy:
                self._tasks.put(None)
        await asyncio.to_thread(self._thread.join)

    # --- in the event loop -----------------------------------------------------------------------

    def _begin(self) -> None:
        """Take what waits as the next group."""
        group = self._next_group()
        ledger = self._ledger
        is_small = not self._may_block and len(group) <= _AT_ONCE and self._octets <= _SMALL
        if not self._waiting:
            self._may_block, self._octets = False, 0
        if is_small and ledger.is_open and ledger.try_take_turn():
            done = ledger.run(group)
            self._tasks.put(lambda: self._commit(group, done))
        else:
            self._tasks.put(lambda: self._run(group))

    def _next_group(self) -> list[Pending]:
        waiting = self._waiting
        if len(waiting) <= GROUP:
            self._waiting = deque()
            return list(waiting)
        return [waiting.popleft() for _ in range(GROUP)]

    def _end(self, done: Sequence[Done]) -> None:
        """Tell those who wait what came of the group, and go on."""
        _deliver(done)
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting:
            self._begin()
            return
        self._busy = False
        if self._closed:
            self._tasks.put(None)

    # --- in the thread -------------------------------------------------------------------------

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                task()
        self._ledger.close()

    def _run(self, group: Sequence[Pending]) -> None:
        """Run and commit a group."""
        try:
            self._ledger.take_turn()
        except OSError as error:
            self._tell(fail_all(group, error))
        else:
            self._commit(group, self._ledger.run(group))

    def _commit(self, group: Sequence[Pending], done: list[Done]) -> None:
        """Commit a group that has been run."""
        self._tell(self._ledger.commit(group, done))

    def _tell(self, done: Sequence[Done]) -> None:
        if not self._ledger.is_tidy_due:
            self._loop.call_soon_threadsafe(self._end, done)
            return
        # Nobody has to wait for the tidying but the next group.
        self._loop.call_soon_threadsafe(_deliver, done)
        self._ledger.tidy()
        self._loop.call_soon_threadsafe(self._go_on)


def _deliver(done: Sequence[Done]) -> None:
    for future, result, error in done:
        if future.done():  # the caller was cancelled; what it asked for has happened all the same
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
