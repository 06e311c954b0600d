"""`Accounts`, `Sessions` and `LogInFailures`."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from tracker.model import Account, Role, Session
from tracker.sql.rows import Columns
from tracker.sql.values import moment, stamp
from tracker.sqlite.part import Part

_ACCOUNTS = "SELECT address, role, password_hash, created_at FROM accounts"

_ADD_ACCOUNT = """
INSERT INTO accounts (address, role, password_hash, created_at) VALUES (?, ?, ?, ?)
ON CONFLICT (address) DO NOTHING
"""

_END_SESSIONS = "DELETE FROM sessions WHERE address = ?"

_SESSION = """
SELECT token_hash, address, csrf_token, created_at, expires_at FROM sessions
WHERE token_hash = ? AND expires_at > ?
"""

_ADD_SESSION = """
INSERT INTO sessions (token_hash, address, csrf_token, created_at, expires_at)
VALUES (?, ?, ?, ?, ?)
"""

_ADD_FAILURE = "INSERT INTO log_in_failures (key, at) VALUES (?, ?)"

_FAILURES = "SELECT at FROM log_in_failures WHERE key = ? AND at > ? ORDER BY at"


class People(Part):
    """Who may submit and who may look."""

    async def add_account(self, account: Account) -> bool:
        row = (account.address, account.role, account.password_hash, stamp(account.created_at))
        return await self._changes(_ADD_ACCOUNT, row) == 1

    async def account(self, address: str) -> Account | None:
        async with self._readers.one() as reader:
            row = await reader.row(f"{_ACCOUNTS} WHERE address = ?", (address,))
        return None if row is None else _read_account(row)

    async def accounts(self) -> Sequence[Account]:
        async with self._readers.one() as reader:
            rows = await reader.rows(f"{_ACCOUNTS} ORDER BY address")
        return [_read_account(row) for row in rows]

    async def set_password_hash(self, address: str, password_hash: str) -> bool:
        def step(connection: sqlite3.Connection) -> bool:
            connection.execute(_END_SESSIONS, (address,))
            cursor = connection.execute(
                "UPDATE accounts SET password_hash = ? WHERE address = ?", (password_hash, address)
            )
            return cursor.rowcount == 1

        return await self._writer.run(step)

    async def set_role(self, address: str, role: Role) -> bool:
        sql = "UPDATE accounts SET role = ? WHERE address = ?"
        return await self._changes(sql, (role, address)) == 1

    async def remove_account(self, address: str) -> bool:
        def step(connection: sqlite3.Connection) -> bool:
            connection.execute(_END_SESSIONS, (address,))
            cursor = connection.execute("DELETE FROM accounts WHERE address = ?", (address,))
            return cursor.rowcount == 1

        return await self._writer.run(step)

    async def add_session(self, session: Session) -> None:
        row = (
            session.token_hash,
            session.address,
            session.csrf_token,
            stamp(session.created_at),
            stamp(session.expires_at),
        )
        await self._changes(_ADD_SESSION, row)

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        async with self._readers.one() as reader:
            row = await reader.row(_SESSION, (token_hash, stamp(now)))
        return None if row is None else _read_session(row)

    async def remove_session(self, token_hash: str) -> None:
        await self._changes("DELETE FROM sessions WHERE token_hash = ?", (token_hash,))

    async def prune_sessions(self, now: datetime) -> int:
        return await self._changes("DELETE FROM sessions WHERE expires_at <= ?", (stamp(now),))

    async def record_failure(
        self, keys: Sequence[str], now: datetime, window: timedelta
    ) -> Sequence[Sequence[datetime]]:
        at, since = stamp(now), stamp(now - window)

        def step(connection: sqlite3.Connection) -> Sequence[Sequence[datetime]]:
            connection.executemany(_ADD_FAILURE, [(key, at) for key in keys])
            found = (connection.execute(_FAILURES, (key, since)).fetchall() for key in keys)
            return [[moment(row[0]) for row in rows] for rows in found]

        return await self._writer.run(step)

    async def forget_failures(self, before: datetime) -> int:
        return await self._changes("DELETE FROM log_in_failures WHERE at < ?", (stamp(before),))

    async def _changes(self, sql: str, parameters: Columns) -> int:
        """Run one statement and return how many rows it changed."""
        return await self._writer.run(
            lambda connection: connection.execute(sql, parameters).rowcount
        )


def _read_account(row: Columns) -> Account:
    address, role, password_hash, created_at = row
    return Account(
        address=address,
        role=Role(role),
        password_hash=password_hash,
        created_at=moment(created_at),
    )


def _read_session(row: Columns) -> Session:
    token_hash, address, csrf_token, created_at, expires_at = row
    return Session(
        token_hash=token_hash,
        address=address,
        csrf_token=csrf_token,
        created_at=moment(created_at),
        expires_at=moment(expires_at),
    )
