"""Connections that read the index, from when there is one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tracker.sql.trigrams import SHORTEST
from tracker.sqlite.readers import Readers
from tracker.sqlite.text.candidates import Candidates
from tracker.sqlite.text.file import SCHEMA, path_of
from tracker.store import StoreUnavailable

_READERS = 2


class Texts:
    """The index of one ledger, as searches use it."""

    def __init__(self, ledger: Path) -> None:
        self._path = path_of(ledger)
        self._readers: Readers | None = None

    @asynccontextmanager
    async def candidates(self, needle: str, until: float) -> AsyncIterator[Candidates | None]:
        """Say where `needle` may be; None when the index cannot tell.

        It sees the index as it is now: the ledger is to be looked at after it.
        """
        readers = await self._opened() if len(needle) >= SHORTEST else None
        if readers is None:
            yield None
            return
        async with readers.snapshot() as reader:
            (row,) = await reader.rows("SELECT schema FROM state")
            yield Candidates(reader, needle, until) if row[0] == SCHEMA else None

    async def last(self) -> str:
        """Return the last recipient that is indexed; empty when there is none."""
        readers = await self._opened()
        if readers is None:
            return ""
        async with readers.snapshot() as reader:
            row = await reader.row("SELECT coalesce(max(last), '') FROM blocks")
        return row[0] if row else ""

    async def _opened(self) -> Readers | None:
        if self._readers is None and self._path.exists():
            readers = Readers()
            try:
                await readers.open(self._path, _READERS)
                async with readers.one() as reader:
                    await reader.rows("SELECT 1 FROM state")
            except StoreUnavailable:  # it is being made
                await readers.close()
                return None
            self._readers, another = readers, self._readers
            if another is not None:  # somebody else was as quick
                await another.close()
        return self._readers

    async def close(self) -> None:
        """Close what was opened."""
        if self._readers is not None:
            await self._readers.close()
