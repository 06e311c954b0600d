"""One process at a time does a chore: a lock of the kernel on a file beside the ledger.

The kernel takes it back from whoever dies, and it excludes two holders in one process too.
"""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tracker.belonging import open_beside
from tracker.store import StoreUnavailable


@asynccontextmanager
async def alone(ledger: Path, chore: str) -> AsyncIterator[bool]:
    """Hold `chore` of `ledger`; False when somebody has it. Raises StoreUnavailable."""
    path = ledger.with_name(f"{ledger.name}.{chore}")
    try:
        file = open_beside(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error
    try:
        yield _is_ours(file)
    finally:
        os.close(file)


def _is_ours(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
