"""Hearing that another process has made mail due. A hint, no more: who misses it looks anyway.

Nobody rings. Whoever commits writes to the WAL, which tells that there is something to look at.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

_INTERVAL = 0.1
"""Seconds between two looks at the WAL."""

_AGAIN = 0.3
"""Seconds between two hints that what is overdue may be claimed by now: to find that it may not,
because it has to wait for a connection or a probe, takes its time."""


class Bell:
    """Remembers what was due first when it last looked. For one caller at a time."""

    def __init__(self, path: Path, next_due: Callable[[], Awaitable[datetime | None]]) -> None:
        """`path` is the ledger's; `next_due` says when its next mail is due."""
        self._log = path.with_name(f"{path.name}-wal")
        self._next_due = next_due
        self._written: tuple[int, int] | None = None
        self._due: datetime | None = None
        self._heard_at = float("-inf")

    async def wait(self) -> None:
        """Return when others have written, and something is due now or earlier than it was.

        Raises StoreError.
        """
        while True:
            written = self._look()
            if written != self._written:
                before, self._due = self._due, await self._next_due()
                # Only now: what could not be looked at is looked at again.
                self._written = written
                if self._is_news(before):
                    self._heard_at = monotonic()
                    return
            await asyncio.sleep(_INTERVAL)

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._log.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _is_news(self, before: datetime | None) -> bool:
        if self._due is None:
            return False
        if before is None or self._due < before:
            return True
        return self._due <= datetime.now(UTC) and monotonic() - self._heard_at >= _AGAIN
