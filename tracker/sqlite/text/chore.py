"""The chore that makes the index, and what takes a person's text out of it.

The ledger is only read, on a connection of its own, and the index has a file of its own: whoever
writes mail never waits for it.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeVar

from tracker.sql.values import first_id
from tracker.sqlite.connection import as_store_error, connect_reader
from tracker.sqlite.text.build import begin, drop_old, index_some
from tracker.sqlite.text.file import connect
from tracker.sqlite.text.forget import note_stale, remake_some

T = TypeVar("T")

_SETTLED = timedelta(minutes=15)
"""Recipients are indexed when they are this old: most are delivered by then, and so come with all
of their text; and nobody's id, which is made a moment before the commit, is still to come."""


class Indexer:
    """Makes the index step by step. For one process at a time; `alone` sees to it."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._open: tuple[sqlite3.Connection, sqlite3.Connection] | None = None
        self._busy = Lock()

    async def note_stale(self) -> Sequence[str]:
        """Note what has text that is to be forgotten; return whose marks may go from the ledger.

        Raises StoreUnavailable.
        """
        return await asyncio.to_thread(self._with_both, note_stale)

    async def step(self, now: datetime) -> int:
        """Index some of what is missing, and forget some; return 0 when there is nothing to do.

        Raises StoreUnavailable.
        """
        return await asyncio.to_thread(self._with_both, partial(_step, now=now))

    def _with_both(self, work: Callable[[sqlite3.Connection, sqlite3.Connection], T]) -> T:
        """Work with the index and the ledger, in a thread."""
        with self._busy:
            try:
                if self._open is None:
                    self._open = self._connect()
                return work(*self._open)
            except (sqlite3.Error, OSError) as error:
                broken, self._open = self._open, None
                for connection in broken or ():
                    connection.close()
                raise as_store_error(error) from error

    def _connect(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        index = connect(self._ledger)
        try:
            ledger = connect_reader(self._ledger, lambda: False)
            begin(index, ledger)
        except BaseException:
            index.close()
            raise
        return index, ledger

    def close(self) -> None:
        """Let go of both files, after the step that is under way."""
        with self._busy:
            for connection in self._open or ():
                connection.close()
            self._open = None


def _step(index: sqlite3.Connection, ledger: sqlite3.Connection, now: datetime) -> int:
    dropped = drop_old(index, ledger)
    before = first_id(now - _SETTLED)
    return dropped + index_some(index, ledger, before) + remake_some(index, ledger, before)
