"""The texts of a database, whatever tables it has: found by an address, and rewritten."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tracker.sql.conditions import Statement
from tracker.sql.rows import Columns
from tracker.sql.traces import ASIDE, KEYS, MAIL, Change, Unit, changes_of, trace_in
from tracker.traces import Address, Elsewhere, Row, Traces

Fetch = Callable[[str, Sequence[Any]], Awaitable[Sequence[Columns]]]

_OTHERS: Final = (("events", "message_id"), ("queue", "message_id"), ("results", "recipient_id"))


class Library(NamedTuple):
    """How the texts of one database are read; statements have a `?` for each parameter."""

    fetch: Fetch
    tables: Mapping[str, Sequence[str]]
    """The columns that hold text, by table."""
    has: str
    """SQL that is true when {text} has the text that is its one parameter."""
    lower: str
    """The function that makes lower case of every letter."""
    among: str
    """SQL behind a column that is true for those in a list, which is one parameter."""
    pack: Callable[[Sequence[str]], Any]
    """Makes that parameter of a list."""

    async def find(self, address: Address, after: str, limit: int) -> Traces:
        """See `Privacy.find_traces`."""
        rows = await self.fetch(
            "SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        if not rows:
            return Traces((), "")
        ids = [row[0] for row in rows]
        units = await self.units(await self._candidates(address, ids))
        found = [trace for unit in units if (trace := trace_in(unit, address)) is not None]
        return Traces(found, ids[-1])

    async def changes(self, address: Address, ids: Sequence[str], by: str) -> list[Change]:
        """Return what changes so that the address is no longer in these messages."""
        return [
            change for unit in await self.units(ids) for change in changes_of(unit, address, by)
        ]

    async def units(self, ids: Sequence[str]) -> list[Unit]:
        """Return messages with all that belongs to them."""
        if not ids:
            return []
        messages = await self._rows("messages", "id", ids)
        recipients = await self._rows("recipients", "message_id", ids)
        owners = {row["id"]: row["message_id"] for row in recipients}
        attempts = await self._rows("attempts", "recipient_id", list(owners))
        others = [
            (table, row, row["message_id"] if key == "message_id" else owners[row[key]])
            for table, key in _OTHERS
            if table in self.tables
            for row in await self._rows(table, key, ids if key == "message_id" else list(owners))
        ]
        return [
            Unit(
                message=message,
                recipients=_of(message, recipients),
                attempts=_of(message, attempts),
                others=[(table, row) for table, row, owner in others if owner == message["id"]],
            )
            for message in messages
        ]

    async def elsewhere(self, address: Address) -> list[Elsewhere]:
        """Return each text with it outside of the mail."""
        found = []
        for table in sorted(set(self.tables) - MAIL - ASIDE):
            for column in self.tables[table]:
                sql = f'SELECT "{column}", count(*) FROM {table} WHERE {{has}} GROUP BY "{column}"'
                rows = await self.fetch(*self._where(sql, [f'"{column}"'], address))
                found += [Elsewhere(table, column, *row) for row in rows if address.is_in(row[0])]
        return found

    async def _candidates(self, address: Address, ids: Sequence[str]) -> list[str]:
        """Return which of the messages may have the address in one of their texts."""
        packed, found = self.pack(ids), set()
        of_recipients = "FROM recipients AS r JOIN attempts AS t ON t.recipient_id = r.id"
        for table, sql in (
            ("messages", "SELECT t.id FROM messages AS t WHERE t.id"),
            ("recipients", "SELECT t.message_id FROM recipients AS t WHERE t.message_id"),
            ("attempts", f"SELECT r.message_id {of_recipients} WHERE r.message_id"),
            ("events", "SELECT t.message_id FROM events AS t WHERE t.message_id"),
        ):
            texts = [f't."{column}"' for column in self.tables[table]]
            statement, parameters = self._where(f"{sql} {self.among} AND {{has}}", texts, address)
            found |= {row[0] for row in await self.fetch(statement, (packed, *parameters))}
        return sorted(found)

    def _where(self, sql: str, columns: Iterable[str], address: Address) -> Statement:
        """Return `sql` with a condition at {has}: one of the columns has the address."""
        joined = " || '\n' || ".join(f"coalesce({column}, '')" for column in columns)
        has = self.has.format(text=f"{self.lower}({joined})")
        condition = " OR ".join(has for _ in address.ways)
        return Statement(sql.replace("{has}", f"({condition})"), tuple(address.ways))

    async def _rows(self, table: str, key: str, ids: Sequence[str]) -> list[Row]:
        columns = self.tables[table]
        names = ", ".join(f'"{column}"' for column in columns)
        sql = f"SELECT {names} FROM {table} WHERE {key} {self.among}"
        rows = await self.fetch(sql, (self.pack(ids),)) if ids else ()
        return [dict(zip(columns, row, strict=True)) for row in rows]


def _of(message: Row, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["message_id"] == message["id"]]


def updates(changes: Iterable[Change]) -> Iterator[Statement]:
    """Yield the statement for each change."""
    for _, table, key, columns in changes:
        sets = ", ".join(f'"{column}" = ?' for column in columns)
        where = " AND ".join(f"{column} = ?" for column in KEYS[table])
        sql = f"UPDATE {table} SET {sets} WHERE {where}"
        yield Statement(sql, (*columns.values(), *key.values()))


class Rewriting(NamedTuple):
    """How one text outside of the mail is rewritten."""

    update: Statement
    drop: Statement
    """For rows that cannot be, because there is one like it already that may be there once."""


def rewritings(found: Iterable[Elsewhere], address: Address, by: str) -> Iterator[Rewriting]:
    """Yield what is to be done about each text outside of the mail."""
    for table, column, text, _ in found:
        update = f'UPDATE {table} SET "{column}" = ? WHERE "{column}" = ?'
        drop = f'DELETE FROM {table} WHERE "{column}" = ?'
        yield Rewriting(
            Statement(update, (address.replaced(text, by), text)), Statement(drop, (text,))
        )
