"""Keeps the statistics behind the dashboards: off the path of mail, by one process at a time."""

from datetime import timedelta
from typing import Final

from config.settings import Settings
from relay.chores.turns import in_steps, take_turns
from relay.clock import Clock
from tracker.store import Ledger

_CHORE: Final = "statistics"
_PERIOD: Final = timedelta(minutes=5)
_SETTLED: Final = timedelta(minutes=15)
"""How old things are that are taken in: by then everything of that time is on record, also what a
node with a slow clock or a slow commit has written. What is younger is counted live."""
_STEP: Final = 1000
"""Recipients, attempts or rows in one transaction."""


class Statistics:
    """Every worker offers to do it; the ledger lets one, and the next one when that is gone."""

    def __init__(self, *, ledger: Ledger, clock: Clock, settings: Settings) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tracking = settings.tracking

    async def run(self) -> None:
        """Bring the statistics up to date from time to time, for ever."""
        await take_turns(_CHORE, self.update, ledger=self._ledger, clock=self._clock, rest=_PERIOD)

    async def update(self) -> int:
        """Take in everything that is old enough, and forget what is too old; return how much."""
        now, kept = self._clock.now(), self._tracking
        taken_in = await in_steps(lambda: self._ledger.roll_up(now - _SETTLED, _STEP), self._clock)
        return taken_in + await in_steps(
            lambda: self._ledger.forget_statistics(
                now - kept.retention, now - kept.statistics_retention, _STEP
            ),
            self._clock,
        )
