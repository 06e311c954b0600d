"""Archives of every kind keep every column, and write a step whole or not at all."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.archives import archive_of
from tests.contract.rows import arguments, row_of
from tests.contract.transfers import LARGE, add_many
from tests.contract.transfers import alike as alike
from tests.contract.transfers import namers as namers
from tests.contract.transfers import unchecked as unchecked
from tests.support.clock import START
from tests.support.mail import mint
from tracker.archive import (
    TABLES,
    Archive,
    AttemptRow,
    EventRow,
    Mark,
    MessageRow,
    Piece,
    RecipientRow,
    Record,
    Rows,
    Table,
)
from tracker.sql.values import stamp
from tracker.store import StoreError

MESSAGE_ID, RECIPIENT_ID = mint(), mint()


async def test_two_runs_at_once_do_not_write_the_same(alike: tuple[str, str]) -> None:
    source, target = alike
    await add_many(source, 2)
    async with archive_of(source) as one, archive_of(target) as other:
        mark = Mark("0" * 26, "target", "elsewhere", 0)
        await other.enter(mark, lambda _: None)
        last = await one.span("")
        assert last is not None
        records = await one.read("", last)
        await other.write(records, one.pieces("", last), mark)
        with pytest.raises(StoreError, match="another transfer"):
            await other.write(records, one.pieces("", last), mark)
        assert (await other.holdings()).messages == len(records)
        for table in TABLES:
            await other.replace(table, one.rows(table))


async def test_what_failed_to_be_written_has_left_nothing(alike: tuple[str, str]) -> None:
    source, target = alike
    await add_many(source, 2)

    async def breaking() -> AsyncIterator[Piece]:
        yield Piece("1" * 26, LARGE)
        raise StoreError("the source is gone")

    async with archive_of(source) as one, archive_of(target) as other:
        mark = Mark("0" * 26, "target", "elsewhere", 0)
        await other.enter(mark, lambda _: None)
        records = await one.read("", await one.span("") or "")
        with pytest.raises(StoreError, match="the source is gone"):
            await other.write(records, breaking(), mark)
        assert (await other.holdings()).messages == 0
        assert await other.marks() == [mark]


# --- every column ---------------------------------------------------------------------------------


def without(row: Any) -> Any:
    """Return a row whose every column is null that may be, and false that may be."""
    kinds = type(row).__annotations__
    nothing = {name: None for name, kind in kinds.items() if type(None) in arguments(kind)}
    return row._replace(**nothing, **{name: False for name, kind in kinds.items() if kind is bool})


MESSAGE = row_of(MessageRow, id=MESSAGE_ID, accepted_at=stamp(START), recipients=1)
RECIPIENT = row_of(
    RecipientRow,
    id=RECIPIENT_ID,
    message_id=MESSAGE_ID,
    accepted_at=stamp(START),
    status="deferred",
)
ATTEMPT = row_of(AttemptRow, message_id=MESSAGE_ID, recipient_id=RECIPIENT_ID)
EVENT = row_of(EventRow, message_id=MESSAGE_ID)
FINAL = {"next_attempt_at": None, "look_at": None, "gate": "none", "gate_detail": ""}
RECORDS = {
    "waiting": Record(MESSAGE, (RECIPIENT,), (ATTEMPT,), (EVENT,)),
    "held": Record(
        MESSAGE, (RECIPIENT._replace(status="held", next_attempt_at=None),), (), (EVENT,)
    ),
    "final": Record(MESSAGE, (RECIPIENT._replace(status="expired", **FINAL),), (ATTEMPT,), ()),
    "final, bare": Record(
        without(MESSAGE),
        (without(RECIPIENT)._replace(status="bounced", **FINAL),),
        (without(ATTEMPT),),
        (without(EVENT),),
    ),
}


async def none() -> AsyncIterator[Piece]:
    for piece in list[Piece]():
        yield piece


async def write_one(archive: Archive, record: Record, pieces: AsyncIterator[Piece]) -> None:
    """Write one message into a new ledger."""
    mark = Mark("0" * 26, "target", "elsewhere", 0)
    await archive.enter(mark, lambda _: None)
    assert await archive.write([record], pieces, mark) == mark._replace(
        last_id=record.message.id, messages=1
    )


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
async def test_every_column_of_mail_is_kept(unchecked: str, record: Record) -> None:
    async with archive_of(unchecked) as archive:
        await write_one(archive, record, none())
        assert await archive.span("") == MESSAGE_ID
        assert await archive.read("", MESSAGE_ID) == [record]
        assert await archive.span(MESSAGE_ID) is None


@pytest.mark.parametrize("octets", [b"", b"x", LARGE])
async def test_every_octet_of_content_is_kept(unchecked: str, octets: bytes) -> None:
    async def pieces() -> AsyncIterator[Piece]:
        for start in range(0, max(len(octets), 1), 1000):
            yield Piece(MESSAGE_ID, octets[start : start + 1000])

    async with archive_of(unchecked) as archive:
        await write_one(archive, RECORDS["waiting"], pieces())
        read = [piece async for piece in archive.pieces("", MESSAGE_ID)]
    assert {piece.message_id for piece in read} == {MESSAGE_ID}
    assert b"".join(piece.data for piece in read) == octets


async def rows_in(archive: Archive, table: Table) -> list[tuple[Any, ...]]:
    return [row async for some in archive.rows(table) for row in some]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_every_column_of_a_table_is_kept(unchecked: str, table: Table) -> None:
    # What no two rows may have the same of: the first column of their order, a form's key, a name.
    keys = {table.key.split(",")[0], "key", "name"} & {*table.fields}
    first, *more = [
        row_of(table.row, **{key: n if key == "day" else f"{n:04}" for key in keys})
        for n in range(1200)
    ]
    rows = [without(first), *more]

    async def some() -> AsyncIterator[Rows]:
        yield rows[:700]
        yield rows[700:]

    async with archive_of(unchecked) as archive:
        for _ in range(2):  # in the place of what is there
            await archive.replace(table, some())
        assert await rows_in(archive, table) == rows
