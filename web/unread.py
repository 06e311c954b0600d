"""How much of the operator's inbox nobody has read, as the bar of every page shows it."""

from datetime import datetime, timedelta
from typing import Final

from tracker.store import Ledger, StoreError

RECENT: Final = timedelta(days=30)
"""How far back the inbox looks."""
FRESH: Final = timedelta(seconds=15)
"""How long a number is shown before the ledger is asked again."""


class Unread:
    """The number as it was lately: pages must not cost a look each, nor wait for one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._asked_at: datetime | None = None
        self._number = 0

    async def number(self, now: datetime) -> int:
        """Return how many groups are unread; 0 as well while the ledger does not answer."""
        if self._asked_at is None or abs(now - self._asked_at) >= FRESH:
            self._asked_at = now  # before the look, so that others do not ask meanwhile
            try:
                self._number = await self._ledger.unread_troubles(now - RECENT)
            except StoreError:
                self._number = 0
        return self._number

    def forget(self) -> None:
        """Ask anew next time: somebody has just read some."""
        self._asked_at = None
