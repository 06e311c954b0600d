"""The index of the record's text is made in the background, by one process at a time."""

from datetime import timedelta
from typing import Final

from relay.chores.turns import in_steps, take_turns
from relay.clock import Clock
from tracker.store import Ledger

_CHORE: Final = "text-index"
_PERIOD: Final = timedelta(seconds=10)


class TextIndexer:
    """Every worker runs it; the ledger lets one at a time, and the next one when that is gone."""

    def __init__(self, *, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def run(self) -> None:
        """Index for ever, when it is ours to do; return where there is nothing to index."""
        if self._ledger.indexes_text:
            await take_turns(
                _CHORE, self.catch_up, ledger=self._ledger, clock=self._clock, rest=_PERIOD
            )

    async def catch_up(self) -> int:
        """Index all that is missing; return how many rows were read."""
        return await in_steps(lambda: self._ledger.index_text(self._clock.now()), self._clock)
