"""The index of the record's text is made in the background, by one process at a time."""

from datetime import timedelta
from typing import Final

import structlog

from relay.clock import Clock
from tracker.store import Ledger, StoreUnavailable

_CHORE: Final = "text-index"
_PERIOD: Final = timedelta(seconds=10)
_ASK: Final = timedelta(minutes=1)
"""How often to ask whether whoever makes it is still there."""
_BREATH: Final = 0.05
"""Seconds between two steps while there is more to index: mail has the processor first."""


class TextIndexer:
    """Every worker runs it; the ledger lets one at a time, and the next one when that is gone."""

    def __init__(self, *, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Index for ever, when it is ours to do; return where there is nothing to index."""
        while self._ledger.indexes_text:
            try:
                async with self._ledger.alone(_CHORE) as mine:
                    while mine:
                        await self.catch_up()
                        await self._clock.sleep(_PERIOD.total_seconds())
            except StoreUnavailable as problem:
                self._log.warning("the text index waits", problem=str(problem))
            except Exception:
                self._log.exception("indexing hit a fault")
            await self._clock.sleep(_ASK.total_seconds())

    async def catch_up(self) -> int:
        """Index all that is missing; return how many rows were read."""
        read = 0
        while some := await self._ledger.index_text(self._clock.now()):
            read += some
            await self._clock.sleep(_BREATH)
        return read
