"""The ledger as one object, and how it is opened."""

import asyncio
import sqlite3
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from pathlib import Path

from tracker.archive.recorded import MARKS, check_marks
from tracker.entropy import Entropy, EntropyPool
from tracker.model import RecipientId
from tracker.sql.acting import Acting
from tracker.sql.people import People
from tracker.sql.returned import Returns
from tracker.sql.saved import Saving
from tracker.sql.troubles import Troubles
from tracker.sqlite.access import Witnessing
from tracker.sqlite.ages import Forgetting
from tracker.sqlite.astray import Astray
from tracker.sqlite.bell import Bell
from tracker.sqlite.chores import alone
from tracker.sqlite.deeds import SqliteDeeds
from tracker.sqlite.find import Effort
from tracker.sqlite.insight import Insight
from tracker.sqlite.looking import Looking
from tracker.sqlite.migrate import migrate
from tracker.sqlite.moving import Moving
from tracker.sqlite.portions import Step
from tracker.sqlite.privacy import Erasing
from tracker.sqlite.readers import Readers
from tracker.sqlite.refusals import Refusals
from tracker.sqlite.rules import Rules
from tracker.sqlite.tending import Tending
from tracker.sqlite.text.chore import Indexer
from tracker.sqlite.text.file import can_index
from tracker.sqlite.text.forget import forgotten, mark_to_forget
from tracker.sqlite.text.pool import Texts
from tracker.sqlite.watching import Watching
from tracker.sqlite.writer import Writer


class SqliteLedger(
    Moving,
    Astray,
    Acting,
    Looking,
    Watching,
    Returns,
    Insight,
    Troubles,
    People,
    Rules,
    Tending,
    SqliteDeeds,
    Saving,
    Refusals,
    Witnessing,
    Forgetting,
    Erasing,
):
    """`tracker.store.Ledger` on one file. Use `open_ledger`."""

    def __init__(
        self,
        path: Path,
        writer: Writer,
        readers: Readers,
        entropy: Entropy,
        effort: Effort | None = None,
    ) -> None:
        super().__init__(writer, readers, entropy)
        self._effort = effort or Effort()
        self.path = path
        self._texts = Texts(path)
        self._indexer = Indexer(path)
        self._bell = Bell(path, self.next_due)

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def engine(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def alone(self, chore: str) -> AbstractAsyncContextManager[bool]:
        return alone(self.path, chore)

    async def wait_for_work(self) -> None:
        await self._bell.wait()

    @property
    def indexes_text(self) -> bool:
        return can_index()

    async def index_text(self, now: datetime) -> int:
        while marks := await self._indexer.note_stale():
            await self._forget_marks(list(marks))
        return await self._indexer.step(now)

    async def _forget_marks(self, marks: list[str]) -> None:
        async def prepare(size: int) -> Step:
            some, marks[:size] = marks[:size], []

            def step(connection: sqlite3.Connection) -> int:
                forgotten(connection, some)
                return len(some)

            return step

        while marks:
            await self._portions.prepared("marks", len(marks), prepare, is_urgent=True)

    async def text_missing(self, cap: int) -> int:
        last = await self._texts.last()
        async with self._readers.one() as reader:
            row = await reader.row(
                "SELECT count(*) FROM (SELECT 1 FROM recipients WHERE id > ? LIMIT ?)", (last, cap)
            )
        return row[0] if row else 0

    async def forget_text(self, recipients: Collection[RecipientId]) -> None:
        await self._writer.run(partial(mark_to_forget, recipients=list(recipients)))

    async def ping(self) -> None:
        await self._writer.run(_ping)

    async def close(self) -> None:
        await asyncio.to_thread(self._indexer.close)
        await self._texts.close()
        await self._readers.close()
        await self._writer.close()


def _ping(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE pings SET count = count + 1")


async def open_ledger(
    path: Path,
    *,
    readers: int = 4,
    entropy: Entropy | None = None,
    effort: Effort | None = None,
) -> SqliteLedger:
    """Open the ledger at `path`; create it or bring its schema up to date first.

    `readers` connections serve reads side by side; `entropy` gives the random bytes of ids;
    `effort` says
    when a search asks the index of the text.
    Raises SchemaTooNew, StoreError when the file is not a ledger or the ledger is on the move,
    StoreUnavailable when it cannot be opened.
    """
    await asyncio.to_thread(migrate, path)
    writer, pool = Writer(path), Readers()
    ledger = SqliteLedger(path, writer, pool, entropy or EntropyPool().take, effort)
    try:
        await ledger.ping()  # opens the file for writing, which readers depend on
        await pool.open(path, readers)
        async with pool.one() as reader:
            check_marks(await reader.rows(MARKS))
    except BaseException:
        await ledger.close()
        raise
    return ledger
