"""`Accounts`, `Sessions` and `LogInFailures`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tracker.model import Account, Role, Session
from tracker.postgres.connections import Transaction
from tracker.postgres.part import Part
from tracker.sql.people import (
    ACCOUNT_COLUMNS,
    SESSION_COLUMNS,
    account_columns,
    failure_key,
    read_account,
    read_session,
    session_columns,
)
from tracker.sql.saved import OF_AN_ACCOUNT
from tracker.sql.values import moment, stamp, well_formed

_ACCOUNTS = f"SELECT {ACCOUNT_COLUMNS} FROM accounts"

_ADD_ACCOUNT = f"""
INSERT INTO accounts ({ACCOUNT_COLUMNS}) VALUES ($1, $2, $3, $4) ON CONFLICT (address) DO NOTHING
"""

_END_SESSIONS = "DELETE FROM sessions WHERE address = $1"

_SESSION = f"SELECT {SESSION_COLUMNS} FROM sessions WHERE token_hash = $1 AND expires_at > $2"

_ADD_SESSION = f"INSERT INTO sessions ({SESSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5)"

_ADD_FAILURES = "INSERT INTO log_in_failures (key, at) SELECT unnest($1::text[]), $2"

_FAILURES = "SELECT key, at FROM log_in_failures WHERE key = ANY($1) AND at > $2 ORDER BY at"


class People(Part):
    """Who may submit and who may look."""

    async def add_account(self, account: Account) -> bool:
        return await self._changes(_ADD_ACCOUNT, *account_columns(account)) == 1

    async def account(self, address: str) -> Account | None:
        rows = await self._connections.rows(f"{_ACCOUNTS} WHERE address = $1", well_formed(address))
        return read_account(rows[0]) if rows else None

    async def accounts(self) -> Sequence[Account]:
        rows = await self._connections.rows(f"{_ACCOUNTS} ORDER BY address")
        return [read_account(row) for row in rows]

    async def set_password_hash(self, address: str, password_hash: str) -> bool:
        sql = "UPDATE accounts SET password_hash = $2 WHERE address = $1"
        return await self._change_account(address, sql, password_hash)

    async def set_role(self, address: str, role: Role) -> bool:
        sql = "UPDATE accounts SET role = $2 WHERE address = $1"
        return await self._changes(sql, well_formed(address), role.value) == 1

    async def remove_account(self, address: str) -> bool:
        name = well_formed(address)

        async def step(transaction: Transaction) -> bool:
            for table in OF_AN_ACCOUNT:
                await transaction.execute(f"DELETE FROM {table} WHERE owner = $1", name)
            await transaction.execute(_END_SESSIONS, name)
            removed = await transaction.execute("DELETE FROM accounts WHERE address = $1", name)
            return removed == 1

        return await self._connections.run(step)

    async def add_session(self, session: Session) -> None:
        await self._changes(_ADD_SESSION, *session_columns(session))

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        rows = await self._connections.rows(_SESSION, well_formed(token_hash), stamp(now))
        return read_session(rows[0]) if rows else None

    async def remove_session(self, token_hash: str) -> None:
        await self._changes("DELETE FROM sessions WHERE token_hash = $1", well_formed(token_hash))

    async def prune_sessions(self, now: datetime) -> int:
        return await self._changes("DELETE FROM sessions WHERE expires_at <= $1", stamp(now))

    async def record_failure(
        self, keys: Sequence[str], now: datetime, window: timedelta
    ) -> Sequence[Sequence[datetime]]:
        wanted = [failure_key(key) for key in keys]

        async def step(transaction: Transaction) -> Sequence[Sequence[datetime]]:
            await transaction.execute(_ADD_FAILURES, wanted, stamp(now))
            rows = await transaction.rows(_FAILURES, wanted, stamp(now - window))
            times: dict[str, list[datetime]] = {key: [] for key in wanted}
            for key, at in rows:
                times[key].append(moment(at))
            return [times[key] for key in wanted]

        return await self._connections.run(step)

    async def forget_failures(self, before: datetime) -> int:
        return await self._changes("DELETE FROM log_in_failures WHERE at < $1", stamp(before))

    async def _change_account(self, address: str, sql: str, *parameters: object) -> bool:
        """Run one statement on an account and end its sessions."""
        name = well_formed(address)

        async def step(transaction: Transaction) -> bool:
            changed = await transaction.execute(sql, name, *parameters)
            await transaction.execute(_END_SESSIONS, name)
            return changed == 1

        return await self._connections.run(step)

    async def _changes(self, sql: str, *parameters: object) -> int:
        """Run one statement and return how many rows it changed."""
        return await self._connections.run(
            lambda transaction: transaction.execute(sql, *parameters)
        )
