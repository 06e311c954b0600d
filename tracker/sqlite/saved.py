"""`tracker.store.Saved`: searches under a name, the last ones, and habits."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from tracker.model import Audience, Habits, SavedSearch
from tracker.sql import saved
from tracker.sql.conditions import Statement
from tracker.sql.values import stamp
from tracker.sqlite.part import Part


class Saving(Part):
    """Searches under a name, the last ones, and habits."""

    async def save_search(self, search: SavedSearch) -> bool:
        return await self._save_all(saved.save(search)) == 1

    async def saved_searches(self, address: str) -> Sequence[SavedSearch]:
        async with self._readers.one() as reader:
            rows = await reader.rows(*saved.saved(address))
        return [saved.read_saved(row) for row in rows]

    async def change_search(
        self, identifier: str, owner: str, *, name: str, audience: Audience
    ) -> bool:
        return await self._save_all(saved.change(identifier, owner, name, audience)) == 1

    async def remove_search(self, identifier: str, owner: str) -> bool:
        return await self._save_all(saved.remove(identifier, owner)) == 1

    async def note_search(self, owner: str, text: str, now: datetime) -> None:
        await self._save_all(*saved.note(owner, text, stamp(now)))

    async def recent_searches(self, owner: str) -> Sequence[str]:
        async with self._readers.one() as reader:
            return [row[0] for row in await reader.rows(*saved.recent(owner))]

    async def habits(self, owner: str) -> Habits:
        async with self._readers.one() as reader:
            return saved.read_habits(await reader.row(*saved.habits_of(owner)))

    async def keep_habits(self, owner: str, habits: Habits) -> None:
        await self._save_all(saved.keep(owner, habits))

    async def _save_all(self, *statements: Statement) -> int:
        """Run statements in one step; return how many rows the last one changed."""

        def step(connection: sqlite3.Connection) -> int:
            return [connection.execute(*statement).rowcount for statement in statements][-1]

        return await self._writer.run(step)
