"""A clock that tests turn by hand."""

import asyncio
import heapq
import os
from datetime import UTC, datetime, timedelta

from tracker.model import new_id

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday morning."""


class FakeClock:
    """Stands still until `advance`; sleepers wake in order as it passes their time."""

    def __init__(self, start: datetime = START, chance: float = 0.5) -> None:
        self._now = start
        self._begun = start.timestamp()
        self._passed = timedelta()
        self._chance = chance
        self._sleepers: list[tuple[timedelta, int, asyncio.Future[None]]] = []
        self._serial = 0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._begun + self._passed.total_seconds()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._serial += 1
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        until = self._passed + timedelta(seconds=seconds)
        heapq.heappush(self._sleepers, (until, self._serial, future))
        await future

    def chance(self) -> float:
        return self._chance

    def mint(self) -> str:
        return new_id(self._now, os.urandom(8))

    def advance(self, by: timedelta) -> None:
        """Move on by `by` and wake whoever slept until then."""
        self._now += by
        self._passed += by
        while self._sleepers and self._sleepers[0][0] <= self._passed:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)

    def set(self, moment: datetime) -> None:
        """Show another time, as when somebody sets the clock: no time passes by it."""
        self._now = moment
