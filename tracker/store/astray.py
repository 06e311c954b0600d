"""Mail whose next try is farther away than it can be."""

from datetime import datetime
from typing import Protocol


class Astray(Protocol):
    """What a clock that was ahead has left behind."""

    async def bring_back(self, now: datetime, beyond: datetime, limit: int) -> int:
        """Make due at `now` what is to be tried after `beyond`, and what is to be probed after it.

        At most `limit` recipients in one transaction; returns how many recipients and
        destinations, so that the caller goes on until 0. What waits for its turn under a rate
        limit may have to wait for long, and stays. Where the ledger has a clock of its own, by
        that too it has to be later.
        """
        ...
