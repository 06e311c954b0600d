"""`tracker.store.Saved`: searches under a name, the last ones, and habits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tracker.model import Audience, Habits, SavedSearch
from tracker.postgres.connections import Transaction
from tracker.postgres.part import Part
from tracker.postgres.query import numbered
from tracker.sql import saved
from tracker.sql.conditions import Statement
from tracker.sql.values import stamp


class Saving(Part):
    """Searches under a name, the last ones, and habits."""

    async def save_search(self, search: SavedSearch) -> bool:
        return await self._save_all(saved.save(search)) == 1

    async def saved_searches(self, address: str) -> Sequence[SavedSearch]:
        return [saved.read_saved(row) for row in await self._saved_rows(saved.saved(address))]

    async def change_search(
        self, identifier: str, owner: str, *, name: str, audience: Audience
    ) -> bool:
        return await self._save_all(saved.change(identifier, owner, name, audience)) == 1

    async def remove_search(self, identifier: str, owner: str) -> bool:
        return await self._save_all(saved.remove(identifier, owner)) == 1

    async def note_search(self, owner: str, text: str, now: datetime) -> None:
        await self._save_all(*saved.note(owner, text, stamp(now)))

    async def recent_searches(self, owner: str) -> Sequence[str]:
        return [row[0] for row in await self._saved_rows(saved.recent(owner))]

    async def habits(self, owner: str) -> Habits:
        rows = await self._saved_rows(saved.habits_of(owner))
        return saved.read_habits(rows[0] if rows else None)

    async def keep_habits(self, owner: str, habits: Habits) -> None:
        await self._save_all(saved.keep(owner, habits))

    async def _saved_rows(self, statement: Statement) -> Sequence[Sequence[Any]]:
        sql, parameters = numbered(*statement)
        return await self._connections.rows(sql, *parameters)

    async def _save_all(self, *statements: Statement) -> int:
        """Run statements in one transaction; return how many rows the last one changed."""

        async def step(transaction: Transaction) -> int:
            changed = 0
            for statement in statements:
                sql, parameters = numbered(*statement)
                changed = await transaction.execute(sql, *parameters)
            return changed

        return await self._connections.run(step)
