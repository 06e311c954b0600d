"""`TextIndex`."""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from tracker.model import RecipientId
from tracker.postgres.part import Part, Shared
from tracker.postgres.query import SETTINGS
from tracker.postgres.text.chore import Indexer
from tracker.postgres.text.forget import mark_to_forget
from tracker.postgres.text.pen import Pen

_MISSING = """
SELECT count(*) FROM (
    SELECT 1 FROM recipients
    WHERE id > coalesce((SELECT max(last) FROM text_parts WHERE is_used), '') LIMIT $1
) AS missing
"""


class Indexing(Part):
    """The index of the record's text."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._indexer = Indexer(Pen(shared.connections.lane(1), shared.sizes))

    @property
    def indexes_text(self) -> bool:
        return True

    async def index_text(self, now: datetime) -> int:
        return await self._indexer.step(self._clock.given(now))

    async def text_missing(self, cap: int) -> int:
        async with self._connections.reading() as reader:
            await reader.execute(SETTINGS)
            row = await reader.row(_MISSING, cap)
        return row[0] if row else 0

    async def forget_text(self, recipients: Collection[RecipientId]) -> None:
        await self._connections.run(partial(mark_to_forget, recipients=list(recipients)))
