"""The ledger in a file as an archive: read, or written to, row by row (`tracker.archive`)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from tracker import states
from tracker.archive import (
    CALLED_OFF,
    MOVED_BY_ANOTHER,
    SPAN_LIMIT,
    AttemptRow,
    Counts,
    DayCount,
    EventRow,
    Holdings,
    Mark,
    MessageRow,
    Piece,
    RecipientRow,
    Record,
    Rows,
    StoredPiece,
    Table,
    assemble,
    columns,
    cut,
    end_of_span,
    moved_on,
)
from tracker.archive.recorded import MARKS
from tracker.sql.rows import Columns
from tracker.sqlite.bulk import Bulk
from tracker.sqlite.migrate import migrate
from tracker.store import StoreError

_PIECE = 256 * 1024
"""Octets of content in a row."""

_PIECES_AT_ONCE = 16
_ROWS_AT_ONCE = 1000
_BEHIND_ALL = 1 << 62
"""A number of a piece behind every other."""

_OPEN = ", ".join(f"'{status}'" for status in sorted(states.OPEN))

_OF_SPAN = "message_id > ?1 AND message_id <= ?2"

_MESSAGES = f"SELECT {columns(*MessageRow._fields)} FROM messages WHERE id > ?1 AND id <= ?2"

# What a final recipient waited for before is not kept by every ledger, and means nothing any more.
_RECIPIENTS = f"""
SELECT {columns(*RecipientRow._fields)} FROM (
    SELECT id, message_id, accepted_at, account, account_domain, forward_path, domain, destination,
        next_hop, notify, orcpt, expires_at, status, status_since, attempts, next_attempt_at,
        iif(status IN ({_OPEN}), look_at, NULL) AS look_at,
        iif(status IN ({_OPEN}), gate, 'none') AS gate,
        iif(status IN ({_OPEN}), gate_detail, '') AS gate_detail,
        delay_dsn_at, "trigger", last_attempt_id, category
    FROM recipients WHERE {_OF_SPAN}
) ORDER BY message_id, id
"""

_ATTEMPTS = f"""
SELECT {columns(*AttemptRow._fields)} FROM attempts
WHERE recipient_id IN (SELECT id FROM recipients WHERE {_OF_SPAN}) ORDER BY recipient_id, id
"""

_EVENTS = (
    f"SELECT {columns(*EventRow._fields)} FROM events WHERE {_OF_SPAN} ORDER BY message_id, id"
)

_PIECES = f"""
SELECT message_id, data, n FROM content
WHERE (message_id, n) > (?1, ?2) AND message_id <= ?3 ORDER BY message_id, n LIMIT {_PIECES_AT_ONCE}
"""

_SPAN = f"SELECT id, recipients FROM messages WHERE id > ? ORDER BY id LIMIT {SPAN_LIMIT}"

_HOLDINGS = """
SELECT (SELECT count(*) FROM leases), (SELECT count(*) FROM recipients WHERE lease IS NOT NULL),
       (SELECT count(*) FROM messages), (SELECT count(*) FROM days),
       (SELECT count(*) FROM destinations), (SELECT count(*) FROM accounts)
"""

_COUNTS = """
SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM attempts),
       (SELECT count(*) FROM events), (SELECT coalesce(sum(length(data)), 0) FROM content)
"""

_DAY_COUNTS = """
SELECT accepted_at / 86400000000, status, count(*) FROM recipients GROUP BY 1, 2 ORDER BY 1, 2
"""


def _insert(table: str, *fields: str) -> str:
    values = ", ".join("?" * len(fields))
    return f"INSERT INTO {table} ({columns(*fields)}) VALUES ({values})"


_INSERT_MESSAGE = _insert("messages", *MessageRow._fields, "open_recipients")
_INSERT_RECIPIENT = _insert("recipients", *RecipientRow._fields)
_INSERT_ATTEMPT = _insert("attempts", *AttemptRow._fields)
_INSERT_EVENT = _insert("events", *EventRow._fields)
_INSERT_CONTENT = _insert("content", *StoredPiece._fields)
_PUT_MARK = _insert("transfers", *Mark._fields).replace("INSERT", "INSERT OR REPLACE")

_MOVE_MARK = "UPDATE transfers SET last_id = ?, messages = ? WHERE id = ? AND last_id = ?"


class SqliteArchive:
    """`tracker.archive.Archive` on one file. Use `open_archive`."""

    def __init__(self, path: Path, bulk: Bulk) -> None:
        self._path = path
        self._bulk = bulk

    @property
    def place(self) -> str:
        return f"sqlite://{self._path.absolute()}"

    # --- marks -----------------------------------------------------------------------------------

    async def marks(self) -> Sequence[Mark]:
        return [Mark(*row) for row in await self._bulk.rows(MARKS)]

    async def enter(self, mark: Mark, check: Callable[[Holdings], None]) -> None:
        async with self._bulk.transaction():
            check(await self.holdings())
            await self._bulk.execute(_PUT_MARK, [mark])

    async def end(self, transfer: str, at: int) -> None:
        async with self._bulk.transaction():
            await self._bulk.run(lambda connection: _end(connection, transfer, at))

    async def forget(self, transfer: str) -> None:
        async with self._bulk.transaction():
            await self._bulk.execute("DELETE FROM transfers WHERE id = ?", [(transfer,)])

    def frozen(self) -> AbstractAsyncContextManager[None]:
        return self._bulk.turn()

    # --- reading ---------------------------------------------------------------------------------

    async def holdings(self) -> Holdings:
        (row,) = await self._bulk.rows(_HOLDINGS)
        return Holdings(*row)

    async def counts(self) -> Counts:
        ((messages, attempts, events, octets),) = await self._bulk.rows(_COUNTS)
        days = tuple(DayCount(*row) for row in await self._bulk.rows(_DAY_COUNTS))
        return Counts(messages, attempts, events, octets, days)

    async def span(self, after: str) -> str | None:
        return end_of_span(await self._bulk.rows(_SPAN, (after,)))

    async def read(self, after: str, last: str) -> Sequence[Record]:
        return await self._bulk.run(lambda connection: _read(connection, after, last))

    async def pieces(self, after: str, last: str) -> AsyncGenerator[Piece, None]:
        message_id, n = after, _BEHIND_ALL
        while rows := await self._bulk.rows(_PIECES, (message_id, n, last)):
            for row in rows:
                message_id, data, n = row
                yield Piece(message_id, data)

    async def rows(self, table: Table) -> AsyncGenerator[Rows, None]:
        sql = f"SELECT {columns(*table.fields)} FROM {table.name} ORDER BY {table.key}"
        cursor = await self._bulk.run(lambda connection: connection.execute(sql))
        while rows := await self._bulk.run(lambda _: cursor.fetchmany(_ROWS_AT_ONCE)):
            yield _made(table.row, rows)

    # --- writing ---------------------------------------------------------------------------------

    async def write(
        self, records: Sequence[Record], pieces: AsyncIterable[Piece], mark: Mark
    ) -> Mark:
        after = moved_on(mark, records)
        async with self._bulk.transaction():
            await self._bulk.run(lambda connection: _move(connection, mark, after))
            await self._bulk.run(lambda connection: _write(connection, records))
            async for piece in cut(pieces, _PIECE):
                await self._bulk.execute(_INSERT_CONTENT, [piece])
        return after

    async def replace(self, table: Table, rows: AsyncIterable[Rows]) -> None:
        insert = _insert(table.name, *table.fields)
        async with self._bulk.transaction():
            await self._bulk.run(lambda connection: connection.execute(f"DELETE FROM {table.name}"))
            async for some in rows:
                await self._bulk.execute(insert, some)

    async def arrange(self) -> None:
        await self._bulk.run(lambda connection: connection.execute("PRAGMA optimize").fetchall())

    async def close(self) -> None:
        await self._bulk.close()


async def open_archive(path: Path) -> SqliteArchive:
    """Open the ledger at `path`; create it or bring its schema up to date first.

    Raises what `tracker.sqlite.migrate.migrate` raises.
    """
    await asyncio.to_thread(migrate, path)
    bulk = Bulk(path)
    try:
        await bulk.open()
    except BaseException:
        await bulk.close()
        raise
    return SqliteArchive(path, bulk)


def _read(connection: Connection, after: str, last: str) -> list[Record]:
    span = (after, last)
    return assemble(
        _made(MessageRow, connection.execute(_MESSAGES, span)),
        _made(RecipientRow, connection.execute(_RECIPIENTS, span)),
        _made(AttemptRow, connection.execute(_ATTEMPTS, span)),
        _made(EventRow, connection.execute(_EVENTS, span)),
    )


def _end(connection: Connection, transfer: str, at: int) -> None:
    parameters = (at, transfer)
    if (
        connection.execute("UPDATE transfers SET ended_at = ? WHERE id = ?", parameters).rowcount
        != 1
    ):
        raise StoreError(CALLED_OFF)


def _move(connection: Connection, before: Mark, after: Mark) -> None:
    """Move the mark on, unless somebody else has."""
    parameters = (after.last_id, after.messages, before.id, before.last_id)
    if connection.execute(_MOVE_MARK, parameters).rowcount != 1:
        raise StoreError(MOVED_BY_ANOTHER)


def _write(connection: Connection, records: Sequence[Record]) -> None:
    connection.executemany(
        _INSERT_MESSAGE, [(*each.message, each.open_recipients) for each in records]
    )
    connection.executemany(
        _INSERT_RECIPIENT,
        [
            recipient._replace(look_at=recipient.expires_at)
            if recipient.look_at is None
            else recipient
            for each in records
            for recipient in each.recipients
        ],
    )
    connection.executemany(_INSERT_ATTEMPT, [row for each in records for row in each.attempts])
    connection.executemany(_INSERT_EVENT, [row for each in records for row in each.events])


def _made(row: Any, rows: Iterable[Columns]) -> list[Any]:
    """Return rows as `row`, whose truth values lie in the file as 0 and 1."""
    make = row._make
    booleans = [n for n, kind in enumerate(row.__annotations__.values()) if kind is bool]
    if not booleans:
        return list(map(make, rows))
    made = []
    for each in rows:
        values = list(each)
        for n in booleans:
            values[n] = bool(values[n])
        made.append(make(values))
    return made
