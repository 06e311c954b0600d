"""What workers had begun with that are gone: taken back, so that it can be acted on.

A relay does so when it starts, and then tries it at once; who wants to hold it has to come before.
"""

from collections.abc import Collection
from pathlib import Path

from relay.clock import SystemClock
from relay.inflight import Remains, path_of
from tracker.model import RecipientId
from tracker.store import Ledger


async def take_back(ledger: Ledger, directory: Path) -> int:
    """Take back what no worker carries any more; return how many recipients.

    While a worker of any node lives nothing is taken: the living do that, and know more. Those who
    may have the message, by the in-flight files in `directory` or because nobody knows, are held
    as uncertain.
    """
    now = SystemClock().now()
    census = await ledger.census(now)
    if any(lease.until > census.now for lease in census.leases):
        return 0
    taken = 0
    for lease in census.leases:
        path = path_of(directory, lease.token)
        remains = Remains.take(path) if path.exists() else None
        if remains is not None and remains.alive:
            remains.close(recorded=False)
            continue
        uncertain: Collection[RecipientId] | None = remains.recipients if remains else None
        recorded = False
        try:
            taken += await ledger.recover(
                lease.token, uncertain, now, seen_until=lease.until, holds=True
            )
            recorded = True
        finally:
            if remains is not None:
                remains.close(recorded=recorded)
    return taken
