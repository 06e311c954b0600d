"""What the comparison at the end of a transfer finds, and names."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from tests.contract.archives import archive_of, move, transfer_of
from tests.contract.conftest import NewLocator
from tests.contract.ledger import open_by_locator
from tests.contract.rows import fill_what_is_empty
from tests.contract.transfers import Altered, add_many, fill_a_little
from tests.contract.transfers import alike as alike
from tests.contract.transfers import namers as namers
from tracker.archive import TABLES, Mark, Piece, Record, Rows, Table
from tracker.states import FINAL
from tracker.store import StoreError


class Corrupting(Altered):
    """Changes one record, or content, or a table, before it is written."""

    def __init__(self, archive: Any, what: str) -> None:
        super().__init__(archive)
        self._what = what
        self.changed = ""

    async def write(
        self, records: Sequence[Record], pieces: AsyncIterable[Piece], mark: Mark
    ) -> Mark:
        wrong = [self._change(each) for each in records]
        kept = [each for each in wrong if each is not None]
        after: Mark = await self._archive.write(kept, self._spoilt(pieces), mark)
        return after

    def _change(self, record: Record) -> Record | None:
        message, last = record.message, record.recipients[-1]._replace(notify="NEVER")
        changes: dict[str, Callable[[], Record | None]] = {
            "message": lambda: record._replace(message=message._replace(subject="other")),
            "recipient": lambda: record._replace(recipients=(*record.recipients[:-1], last)),
            "attempt": lambda: record._replace(attempts=record.attempts[1:]),
            "event": lambda: record._replace(events=record.events[1:]),
            "lost": lambda: None,
        }
        is_over = {recipient.status for recipient in record.recipients} <= FINAL
        is_it = record.attempts and record.events and is_over
        if self.changed or not is_it or self._what not in changes:
            return record
        self.changed = message.id
        return changes[self._what]()

    async def _spoilt(self, pieces: AsyncIterable[Piece]) -> AsyncIterator[Piece]:
        async for piece in pieces:
            if self._what == "content" and piece.data and not self.changed:
                self.changed = piece.message_id
                yield piece._replace(data=piece.data[:-1] + b"?")
            else:
                yield piece

    async def replace(self, table: Table, rows: AsyncIterable[Rows]) -> None:
        async def spoilt() -> AsyncIterator[Rows]:
            async for some in rows:
                yield self._spoil(some) if self._what == table.name else some

        await self._archive.replace(table, spoilt())

    def _spoil(self, rows: Rows) -> Rows:
        first: Any = rows[0]
        if self._what == "destinations":  # without it, mail would be forgotten
            return [first._replace(failures=first.failures + 1), *rows[1:]]
        return rows[1:]


@pytest.mark.parametrize("what", ["message", "recipient", "attempt", "event", "lost", "content"])
async def test_a_message_that_differs_is_named(alike: tuple[str, str], what: str) -> None:
    source, target = alike
    await fill_a_little(source)
    async with archive_of(source) as one, archive_of(target) as other:
        corrupting = Corrupting(other, what)
        comparison = await transfer_of(one, corrupting).run()
    assert corrupting.changed
    assert comparison is not None
    assert f"message {corrupting.changed}" in comparison.differences
    assert len([each for each in comparison.differences if each.startswith("message ")]) == 1
    with pytest.raises(StoreError, match="not complete"):
        await open_by_locator(target)


async def test_the_digest_is_that_of_the_mail(namers: dict[str, NewLocator]) -> None:
    digests = set()
    for name in namers.values():
        source = name()
        await add_many(source, 1)
        comparison = await move(source, name())
        assert comparison is not None
        digests.add(comparison.digest)
    assert len(digests) == 2


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_a_table_that_differs_is_named(alike: tuple[str, str], table: Table) -> None:
    source, target = alike
    await fill_a_little(source)
    async with archive_of(source) as one, archive_of(target) as other:
        await fill_what_is_empty(one)
        comparison = await transfer_of(one, Corrupting(other, table.name)).run()
    assert comparison is not None
    assert comparison.differences == (f"the table {table.name}",)
