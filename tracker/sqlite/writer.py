"""Everything that waits to be written shares one commit.

A group is what has gathered while the one before it was written. Its small steps run in the event
loop itself, sync and all, as long as the disk is quick: to pass a group to a thread and back
takes longer than that, and statements of microseconds would be spent handing the interpreter's
lock to and fro, with the turn held and others waiting for it. In the thread runs what may take
long: a claim, a prune, large content, waiting for the turn, all groups while the disk is slow, and
checkpoints.

The futures are resolved after the commit and only then. Nothing is written and no checkpoint
runs without the turn lock, which also covers opening and closing the connection: SQLite
checkpoints of its own accord when the last one closes.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import Any, TypeVar

from tracker.attendance import Attendance
from tracker.sqlite.group import (
    STEP,
    Done,
    GroupConnection,
    Kind,
    Pending,
    fail_all,
    next_group,
)
from tracker.sqlite.pace import GATHER, Disk, Pace
from tracker.store import StoreError

T = TypeVar("T")

GROUP = 500
"""Steps that share one commit at most."""

_AT_ONCE = 64
"""Steps that may run in the event loop, which does nothing else meanwhile: a few milliseconds."""

_SMALL = 1024 * 1024
"""Bytes of content that they may bring with them."""


_MOST = 32 * 1024 * 1024
"""Bytes of content that share one commit at most: a fraction of a second on a disk of any kind."""

_NEVER = float("inf")


class Writer:
    """The only read-write connection of this process, and its thread."""

    def __init__(self, path: Path) -> None:
        self._ledger = GroupConnection(path)
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Pending] = []
        self._may_block = False
        """True when a step that waits may take long."""
        self._octets = 0
        self._clients = 0
        """Steps that somebody waits for who could do something else."""
        self._alarm: asyncio.Handle | None = None
        self._begins_at = _NEVER
        """When the next group begins."""
        self._busy = False
        """True while a group is under way, in whichever thread."""
        self._closed = False
        self.turn_took = 0.0
        """Seconds that the last group of the thread had the turn, its commit included."""
        self.attendance = Attendance()
        self._pace = Pace()
        self._disk = Disk()
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
        result: T = await self._put(STEP, step, is_patient=False)
        return result

    def share(
        self, kind: Kind, item: Any, *, octets: int = 0, is_patient: bool = False
    ) -> asyncio.Future[Any]:
        """Take a small step for `item` in the next group, together with others of its `kind`.

        `octets` is how much content comes with it; `is_patient` says that no client waits for
        it. The future is as what `run` returns.
        """
        self._octets += octets
        return self._put(kind, item, octets=octets, is_patient=is_patient)

    def _put(
        self, kind: Kind, item: Any, *, octets: int = 0, is_patient: bool
    ) -> asyncio.Future[Any]:
        if self._closed:
            raise StoreError("the ledger is closed")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(Pending(kind, item, future, octets))
        self._clients += not is_patient
        if not self._busy:
            self._schedule()
        return future

    async def close(self) -> None:
        """Finish what waits, then let go of the file."""
        if not self._closed:
            self._closed = True
            if not self._busy:
                self._go_on()
        await asyncio.to_thread(self._thread.join)

    # --- in the event loop -----------------------------------------------------------------------

    def _schedule(self) -> None:
        """See to it that what waits is written in time; no group is under way."""
        if self._closed or self._may_block or len(self._waiting) >= _AT_ONCE:
            wait = 0.0
        elif self._clients:
            now = monotonic()
            wait = self._pace.begins_at(self._clients, self.attendance.present, now) - now
        else:
            wait = GATHER
        # With no time to wait, it is not at once: what else this round of the loop brings joins it.
        begins_at = monotonic() + wait
        if begins_at < self._begins_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._begins_at = begins_at
            self._alarm = self._loop.call_later(wait, self._begin)

    def _begin(self) -> None:
        """Write what waits: here if that is quick, else in the thread."""
        self._busy, self._alarm, self._begins_at = True, None, _NEVER
        if self._clients:
            self._pace.begin(self._clients, monotonic())
            self.attendance.begin_round()
        if not self._is_quick:
            self._tasks.put(partial(self._write, self._next_group()))
        elif self._ledger.try_take_turn():
            self._write_here()
        else:
            self._tasks.put(self._wait_for_turn)

    @property
    def _is_quick(self) -> bool:
        """True when what waits takes about a millisecond."""
        is_small = len(self._waiting) <= _AT_ONCE and self._octets <= _SMALL
        is_ready = self._ledger.is_open and self._disk.is_quick(monotonic())
        return is_small and is_ready and not self._may_block

    def _write_here(self) -> None:
        """Write what waits, which may have become more while we waited for the turn."""
        ledger = self._ledger
        if not self._is_quick:
            self._tasks.put(partial(self._write_in_turn, self._next_group()))
            return
        group = self._next_group()
        done = ledger.run(group)
        began = monotonic()
        done = ledger.commit(group, done)
        ended = monotonic()
        self._disk.note(ended - began, ended)
        _deliver(done)
        if ledger.is_tidy_due:
            self._tasks.put(self._tidy)
        else:
            self._go_on()

    def _next_group(self) -> list[Pending]:
        waiting = self._waiting
        if len(waiting) <= GROUP and self._octets <= _MOST:
            self._waiting = []
            self._may_block, self._octets, self._clients = False, 0, 0
            return waiting
        group, self._waiting = next_group(waiting, most=GROUP, octets=_MOST)
        self._octets -= sum(pending.octets for pending in group)
        return group

    def _end(self, done: Sequence[Done]) -> None:
        """Tell those who wait what the thread has made of their group, and go on."""
        _deliver(done)
        self._go_on()

    def _fail(self, error: Exception) -> None:
        self._end(fail_all(self._next_group(), error))

    def _go_on(self) -> None:
        self._busy = False
        if self._waiting:
            self._schedule()
        elif self._closed:
            self._tasks.put(None)

    # --- in the thread -------------------------------------------------------------------------

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                task()
        self._ledger.close()

    def _wait_for_turn(self) -> None:
        """Let the loop write when we have the turn: it does so in one go, a thread does not."""
        try:
            self._ledger.take_turn()
        except OSError as error:
            self._loop.call_soon_threadsafe(self._fail, error)
            return
        try:
            self._loop.call_soon_threadsafe(self._write_here)
        except RuntimeError:  # the loop is gone, and would keep others waiting
            self._ledger.give_turn_back()
            raise

    def _write(self, group: Sequence[Pending]) -> None:
        try:
            self._ledger.take_turn()
        except OSError as error:
            self._loop.call_soon_threadsafe(self._end, fail_all(group, error))
        else:
            self._write_in_turn(group)

    def _write_in_turn(self, group: Sequence[Pending]) -> None:
        ledger, began = self._ledger, monotonic()
        done = ledger.commit(group, ledger.run(group))
        self.turn_took = monotonic() - began
        if not ledger.is_tidy_due:
            self._loop.call_soon_threadsafe(self._end, done)
            return
        self._loop.call_soon_threadsafe(_deliver, done)  # nobody but the next group has to wait
        self._tidy()

    def _tidy(self) -> None:
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
