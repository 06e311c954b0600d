"""Keeps the statistics behind the dashboards: off the path of mail, by one process at a time."""

from datetime import timedelta
from typing import Final

import structlog

from config.settings import Settings
from relay.clock import Clock
from tracker.store import Ledger, StoreUnavailable

_CHORE: Final = "statistics"
_PERIOD: Final = timedelta(minutes=5)
_ASK: Final = timedelta(minutes=1)
"""How often to ask whether whoever does it is still there."""
_SETTLED: Final = timedelta(minutes=15)
"""How old things are that are taken in: by then everything of that time is on record, also what a
node with a slow clock or a slow commit has written. What is younger is counted live."""
_STEP: Final = 1000
"""Recipients, attempts or rows in one transaction."""
_BREATH: Final = 0.05
"""Seconds between two transactions, for mail that waits to be written."""


class Statistics:
    """Every worker offers to do it; the ledger lets one, and the next one when that is gone."""

    def __init__(self, *, ledger: Ledger, clock: Clock, settings: Settings) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tracking = settings.tracking
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Bring the statistics up to date from time to time, for ever."""
        while True:
            try:
                while await self._have_turn():
                    pass
            except StoreUnavailable as problem:
                self._log.warning("statistics wait for the ledger", problem=str(problem))
            except Exception:
                self._log.exception("statistics hit a fault")
            await self._clock.sleep(_ASK.total_seconds())

    async def _have_turn(self) -> bool:
        """Do it once and rest, keeping the turn; False when somebody else is at it."""
        async with self._ledger.alone(_CHORE) as mine:
            if mine:
                await self.update()
                await self._clock.sleep(_PERIOD.total_seconds())
        return mine

    async def update(self) -> int:
        """Take in everything that is old enough, and forget what is too old; return how much."""
        now, done = self._clock.now(), 0
        while count := await self._ledger.roll_up(now - _SETTLED, _STEP):
            done += count
            await self._clock.sleep(_BREATH)
        kept = self._tracking
        while count := await self._ledger.forget_statistics(
            now - kept.retention, now - kept.statistics_retention, _STEP
        ):
            done += count
            await self._clock.sleep(_BREATH)
        return done
