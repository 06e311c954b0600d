"""Whether this node can do its work: workers run, the ledger takes writes, the disk has room."""

import asyncio
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tracker.store import Store, StoreError

LEAST_FREE: Final = 64 * 1024 * 1024
"""Bytes on the disk of the state directory below which we are not ready."""
_REMEMBERED: Final = timedelta(seconds=1)


class Readiness:
    """Finds out; the answer is good for a second, so that asking often is not writing often."""

    def __init__(self, store: Store, node: str, state_directory: Path) -> None:
        self._store = store
        self._node = node
        self._state_directory = state_directory
        self._turn = asyncio.Lock()
        self._found: dict[str, bool] = {}
        self._found_at: datetime | None = None

    async def find(self, now: datetime) -> dict[str, bool]:
        """Return what is in order, by name."""
        async with self._turn:
            if self._found_at is None or abs(now - self._found_at) >= _REMEMBERED:
                self._found = {
                    "ledger": await self._is_ledger_writable(),
                    "workers": await self._has_workers(now),
                    "disk": await asyncio.to_thread(has_room, self._state_directory),
                }
                self._found_at = now
            return self._found

    async def _is_ledger_writable(self) -> bool:
        try:
            await self._store.ping()
        except StoreError:
            return False
        return True

    async def _has_workers(self, now: datetime) -> bool:
        """Say whether any worker of this node holds a lease, which it takes once it listens."""
        try:
            census = await self._store.census(now)
        except StoreError:
            return False
        return any(lease.node == self._node for lease in census.alive)


def has_room(folder: Path) -> bool:
    """Say whether the disk of `folder` has room left."""
    try:
        return shutil.disk_usage(folder).free >= LEAST_FREE
    except OSError:
        return False
