"""`Accounts`, `Sessions` and `LogInFailures`."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from tracker.model import Account, Role, Session
from tracker.sql.people import (
    ACCOUNT_COLUMNS,
    SESSION_COLUMNS,
    account_columns,
    failure_key,
    read_account,
    read_session,
    session_columns,
)
from tracker.sql.rows import Columns
from tracker.sql.saved import OF_AN_ACCOUNT
from tracker.sql.values import moment, stamp, well_formed
from tracker.sqlite.part import Part

_ACCOUNTS = f"SELECT {ACCOUNT_COLUMNS} FROM accounts"

_ADD_ACCOUNT = f"""
INSERT INTO accounts ({ACCOUNT_COLUMNS}) VALUES (?, ?, ?, ?)
ON CONFLICT (address) DO NOTHING
"""

_END_SESSIONS = "DELETE FROM sessions WHERE address = ?"

_SESSION = f"""
SELECT {SESSION_COLUMNS} FROM sessions WHERE token_hash = ? AND expires_at > ?
"""

_ADD_SESSION = f"INSERT INTO sessions ({SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?)"

_ADD_FAILURE = "INSERT INTO log_in_failures (key, at) VALUES (?, ?)"

_FAILURES = "SELECT at FROM log_in_failures WHERE key = ? AND at > ? ORDER BY at"


class People(Part):
    """Who may submit and who may look."""

    async def add_account(self, account: Account) -> bool:
        return await self._changes(_ADD_ACCOUNT, account_columns(account)) == 1

    async def account(self, address: str) -> Account | None:
        async with self._readers.one() as reader:
            row = await reader.row(f"{_ACCOUNTS} WHERE address = ?", (well_formed(address),))
        return None if row is None else read_account(row)

    async def accounts(self) -> Sequence[Account]:
        async with self._readers.one() as reader:
            rows = await reader.rows(f"{_ACCOUNTS} ORDER BY address")
        return [read_account(row) for row in rows]

    async def set_password_hash(self, address: str, password_hash: str) -> bool:
        name = well_formed(address)

        def step(connection: sqlite3.Connection) -> bool:
            connection.execute(_END_SESSIONS, (name,))
            cursor = connection.execute(
                "UPDATE accounts SET password_hash = ? WHERE address = ?", (password_hash, name)
            )
            return cursor.rowcount == 1

        return await self._writer.run(step)

    async def set_role(self, address: str, role: Role) -> bool:
        sql = "UPDATE accounts SET role = ? WHERE address = ?"
        return await self._changes(sql, (role, well_formed(address))) == 1

    async def remove_account(self, address: str) -> bool:
        name = well_formed(address)

        def step(connection: sqlite3.Connection) -> bool:
            connection.execute(_END_SESSIONS, (name,))
            for table in OF_AN_ACCOUNT:
                connection.execute(f"DELETE FROM {table} WHERE owner = ?", (name,))
            cursor = connection.execute("DELETE FROM accounts WHERE address = ?", (name,))
            return cursor.rowcount == 1

        return await self._writer.run(step)

    async def add_session(self, session: Session) -> None:
        await self._changes(_ADD_SESSION, session_columns(session))

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        async with self._readers.one() as reader:
            row = await reader.row(_SESSION, (well_formed(token_hash), stamp(now)))
        return None if row is None else read_session(row)

    async def remove_session(self, token_hash: str) -> None:
        await self._changes("DELETE FROM sessions WHERE token_hash = ?", (well_formed(token_hash),))

    async def prune_sessions(self, now: datetime) -> int:
        return await self._changes("DELETE FROM sessions WHERE expires_at <= ?", (stamp(now),))

    async def record_failure(
        self, keys: Sequence[str], now: datetime, window: timedelta
    ) -> Sequence[Sequence[datetime]]:
        at, since = stamp(now), stamp(now - window)

        wanted = [failure_key(key) for key in keys]

        def step(connection: sqlite3.Connection) -> Sequence[Sequence[datetime]]:
            connection.executemany(_ADD_FAILURE, [(key, at) for key in wanted])
            found = (connection.execute(_FAILURES, (key, since)).fetchall() for key in wanted)
            return [[moment(row[0]) for row in rows] for rows in found]

        return await self._writer.run(step)

    async def forget_failures(self, before: datetime) -> int:
        return await self._changes("DELETE FROM log_in_failures WHERE at < ?", (stamp(before),))

    async def _changes(self, sql: str, parameters: Columns) -> int:
        """Run one statement and return how many rows it changed."""
        return await self._writer.run(
            lambda connection: connection.execute(sql, parameters).rowcount
        )
