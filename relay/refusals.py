"""What is refused to those who may send: kept for the record, beside the path of mail.

`note` returns at once and never fails; once a second what was noted goes to the ledger in one
step. It is no promise: where there is too much of it, or the ledger is away for long, it is
dropped and counted.
"""

import asyncio
from collections import Counter, deque
from datetime import date
from typing import Final

import structlog

from relay import metrics
from relay.clock import Clock
from tracker.model import Refusal
from tracker.store import Refusals, StoreUnavailable

WAITING: Final = 1000
"""Refusals that wait in memory for the ledger."""
DAILY: Final = 500
"""Of one account, or one client without one, that a worker keeps in a UTC day."""
DAILY_IN_ALL: Final = 20_000
"""Of all together: clients may come from many addresses."""
_BATCH: Final = 200
_PERIOD: Final = 1.0
"""Seconds between two looks at what waits."""


class RefusalLog:
    """The refusals of one worker on their way to the ledger."""

    def __init__(self, *, ledger: Refusals, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._waiting: deque[Refusal] = deque()
        self._day: date | None = None
        self._counted: Counter[str] = Counter()
        self._count = 0
        self._log = structlog.get_logger()

    def note(self, refusal: Refusal, source: str) -> None:
        """Keep a refusal for the record, unless `source` has had its share for the day."""
        if len(self._waiting) >= WAITING or not self._counts(source, refusal.at.date()):
            metrics.REFUSALS_DROPPED.inc()
            return
        self._waiting.append(refusal)

    def _counts(self, source: str, day: date) -> bool:
        """Count one more of a source; False when it or all together have had enough."""
        if day != self._day:
            self._day = day
            self._counted.clear()
            self._count = 0
        if self._counted[source] >= DAILY or self._count >= DAILY_IN_ALL:
            return False
        self._counted[source] += 1
        self._count += 1
        return True

    async def run(self) -> None:
        """Write for ever what was noted; once more when cancelled."""
        try:
            while True:
                await self._clock.sleep(_PERIOD)
                await self.flush()
        except asyncio.CancelledError:
            await self.flush()
            raise

    async def flush(self) -> None:
        """Write what waits; what the ledger cannot take now waits for the next time."""
        try:
            while self._waiting:
                batch = [self._waiting[n] for n in range(min(_BATCH, len(self._waiting)))]
                await self._ledger.record_refusals(batch)
                for _ in batch:
                    self._waiting.popleft()
        except StoreUnavailable as problem:
            self._log.debug("refusals wait for the ledger", problem=str(problem))
        except Exception:
            self._log.exception("writing refusals hit a fault", dropped=len(self._waiting))
            metrics.REFUSALS_DROPPED.inc(len(self._waiting))
            self._waiting.clear()
