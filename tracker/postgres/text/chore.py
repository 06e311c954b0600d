"""The chore that makes the index, step by step."""

import asyncio
from datetime import timedelta
from time import monotonic

from tracker.model import time_of
from tracker.postgres.clock import now_in
from tracker.postgres.text.forget import (
    Remaking,
    begin_remaking,
    check_one,
    drop_old,
    drop_unused,
    note_stale,
    remake_some,
)
from tracker.postgres.text.growth import Growing, begin_growing, keep_up, merge_some
from tracker.postgres.text.pen import Pen
from tracker.sql.values import first_id, moment

_SETTLED = timedelta(minutes=15) // timedelta(microseconds=1)
"""Microseconds. Recipients are indexed when they are this old: most are delivered by then, and so
come with all of their text; and nobody's id, which is made a moment before the commit, is still to
come."""

# By the clock of the node that is farthest behind.
_SETTLED_BEFORE = f"""
SELECT {now_in("$1")} - {_SETTLED}
    - greatest(0, coalesce((SELECT max(-skew) FROM leases), 0))::bigint
"""

_CHECKED = timedelta(days=8)
"""A part may get more recipients for so long: whoever waits for the ledger has its id already."""


class Indexer:
    """Makes the index. For one process at a time; `alone` sees to it."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen
        self._growing: Growing | None = None
        self._remaking: Remaking | None = None
        self._checked = 0
        self._rests_until = 0.0
        self._busy = asyncio.Lock()

    async def step(self, given: int | None) -> int:
        """Index some of what is missing, and forget some; return 0 when there is nothing to do.

        `given` is from `LedgerClock.given`. Raises StoreUnavailable.
        """
        async with self._busy:
            try:
                return await self._step(given)
            except BaseException:
                self._let_go()
                raise

    async def _step(self, given: int | None) -> int:
        if await self._pen.begin():
            await drop_unused(self._pen)
        async with self._pen.reading() as reader:
            ((before,),) = await reader.rows(_SETTLED_BEFORE, given)
        limit = first_id(moment(before))
        forgotten = await self._forget()
        grown = await self._grow(limit)
        done = forgotten + grown + await self._keep_up()
        done += await merge_some(self._pen)
        if not grown:
            done += await self._drop_old()
        # What was asked for comes at once, and what has its time when there is nothing else.
        if forgotten or self._remaking or not grown:
            done += await self._remake(limit)
        if not done:
            since = first_id(time_of(limit) - _CHECKED)
            self._checked = await check_one(self._pen, self._checked, since)
        return done

    @property
    def _being_remade(self) -> int | None:
        return None if self._remaking is None else self._remaking.old

    def _let_go(self) -> None:
        self._pen.let_go()
        self._growing = self._remaking = None

    async def _forget(self) -> int:
        forgotten = await note_stale(self._pen)
        if forgotten and self._growing and max(forgotten) > self._growing.after:
            self._growing = None  # it may be of those
        if self._remaking and self._remaking.concerns(forgotten):
            self._remaking = None
            await drop_unused(self._pen)
        return len(forgotten)

    async def _drop_old(self) -> int:
        dropped = await drop_old(self._pen)
        if dropped:
            self._growing = None  # it may be of that
        return dropped

    async def _keep_up(self) -> int:
        began = monotonic()
        if began < self._rests_until:
            return 0
        count = await keep_up(self._pen, self._being_remade)
        if not count:
            ended = monotonic()
            self._rests_until = ended + (ended - began) * self._pen.sizes.rest
        return count

    async def _grow(self, before: str) -> int:
        if self._growing is None:
            self._growing = await begin_growing(self._pen, before)
        growing = self._growing
        if growing.part is not None and growing.part == self._being_remade:
            return 0
        count = await growing.read(self._pen, before)
        if len(growing.gathering.blocks) >= self._pen.sizes.segment:
            await growing.write(self._pen, is_used=True)
            if growing.gathering.begin >= self._pen.sizes.part:
                self._growing = None
        return count

    async def _remake(self, before: str) -> int:
        if self._remaking is None:
            self._remaking = await begin_remaking(self._pen, before)
            return int(self._remaking is not None)
        if await remake_some(self._pen, self._remaking):
            if self._growing is not None and self._growing.part == self._remaking.old:
                self._growing = None
            self._remaking = None
        return 1
