"""`Accounts`, `Sessions` and `LogInFailures` over any ledger that runs scripts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from tracker.model import Account, Role, Session
from tracker.sql.conditions import Statement
from tracker.sql.rows import Columns
from tracker.sql.saved import OF_AN_ACCOUNT
from tracker.sql.script import Script, Scripted, any_of, several
from tracker.sql.values import moment, stamp, well_formed

ACCOUNT_COLUMNS = "address, role, password_hash, created_at"

SESSION_COLUMNS = "token_hash, address, csrf_token, created_at, expires_at"

_ACCOUNTS = f"SELECT {ACCOUNT_COLUMNS} FROM accounts"

_ADD_ACCOUNT = f"""
INSERT INTO accounts ({ACCOUNT_COLUMNS}) VALUES (?, ?, ?, ?)
ON CONFLICT (address) DO NOTHING RETURNING address
"""

_END_SESSIONS = "DELETE FROM sessions WHERE address = ?"

_SESSION = f"SELECT {SESSION_COLUMNS} FROM sessions WHERE token_hash = ? AND expires_at > ?"

_ADD_SESSION = f"INSERT INTO sessions ({SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?)"


def account_columns(account: Account) -> tuple[Any, ...]:
    """Return an account as ACCOUNT_COLUMNS."""
    return account.address, account.role.value, account.password_hash, stamp(account.created_at)


def read_account(row: Columns) -> Account:
    """Build an account from ACCOUNT_COLUMNS."""
    address, role, password_hash, created_at = row
    return Account(
        address=address,
        role=Role(role),
        password_hash=password_hash,
        created_at=moment(created_at),
    )


def session_columns(session: Session) -> tuple[Any, ...]:
    """Return a session as SESSION_COLUMNS."""
    return (
        session.token_hash,
        session.address,
        session.csrf_token,
        stamp(session.created_at),
        stamp(session.expires_at),
    )


def read_session(row: Columns) -> Session:
    """Build a session from SESSION_COLUMNS."""
    token_hash, address, csrf_token, created_at, expires_at = row
    return Session(
        token_hash=token_hash,
        address=address,
        csrf_token=csrf_token,
        created_at=moment(created_at),
        expires_at=moment(expires_at),
    )


def failure_key(key: str) -> str:
    """Return what a failure is counted under: of one length, and not what somebody has typed.

    People type their password where the name of the account belongs, and others type a book.
    """
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class People(Scripted):
    """Who may submit and who may look."""

    async def add_account(self, account: Account) -> bool:
        return await self._apply(Statement(_ADD_ACCOUNT, account_columns(account))) == 1

    async def account(self, address: str) -> Account | None:
        sql = f"{_ACCOUNTS} WHERE address = ?"
        rows = await self._look(Statement(sql, (well_formed(address),)))
        return read_account(rows[0]) if rows else None

    async def accounts(self) -> Sequence[Account]:
        rows = await self._look(Statement(f"{_ACCOUNTS} ORDER BY address", ()))
        return [read_account(row) for row in rows]

    async def set_password_hash(self, address: str, password_hash: str) -> bool:
        return await self._run(lambda: _set_password_hash(well_formed(address), password_hash))

    async def set_role(self, address: str, role: Role) -> bool:
        sql = "UPDATE accounts SET role = ? WHERE address = ? RETURNING address"
        return await self._apply(Statement(sql, (role.value, well_formed(address)))) == 1

    async def remove_account(self, address: str) -> bool:
        return await self._run(lambda: _remove_account(well_formed(address)))

    async def add_session(self, session: Session) -> None:
        await self._apply(Statement(_ADD_SESSION, session_columns(session)))

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        rows = await self._look(Statement(_SESSION, (well_formed(token_hash), stamp(now))))
        return read_session(rows[0]) if rows else None

    async def remove_session(self, token_hash: str) -> None:
        sql = "DELETE FROM sessions WHERE token_hash = ?"
        await self._apply(Statement(sql, (well_formed(token_hash),)))

    async def prune_sessions(self, now: datetime) -> int:
        sql = "DELETE FROM sessions WHERE expires_at <= ? RETURNING 1"
        return await self._apply(Statement(sql, (stamp(now),)))

    async def record_failure(
        self, keys: Sequence[str], now: datetime, window: timedelta
    ) -> Sequence[Sequence[datetime]]:
        wanted = [failure_key(key) for key in keys]
        return await self._run(lambda: _record_failure(wanted, stamp(now), stamp(now - window)))

    async def forget_failures(self, before: datetime) -> int:
        sql = "DELETE FROM log_in_failures WHERE at < ? RETURNING 1"
        return await self._apply(Statement(sql, (stamp(before),)))


def _set_password_hash(name: str, password_hash: str) -> Script[bool]:
    sql = "UPDATE accounts SET password_hash = ? WHERE address = ? RETURNING address"
    changed = yield Statement(sql, (password_hash, name))
    yield Statement(_END_SESSIONS, (name,))
    return bool(changed)


def _remove_account(name: str) -> Script[bool]:
    for table in OF_AN_ACCOUNT:
        yield Statement(f"DELETE FROM {table} WHERE owner = ?", (name,))
    yield Statement(_END_SESSIONS, (name,))
    sql = "DELETE FROM accounts WHERE address = ? RETURNING address"
    return bool((yield Statement(sql, (name,))))


def _record_failure(
    wanted: Sequence[str], at: int, since: int
) -> Script[Sequence[Sequence[datetime]]]:
    times: dict[str, list[datetime]] = {key: [] for key in wanted}
    if wanted:
        new, among = several([(key, at) for key in wanted]), any_of("key", wanted)
        yield Statement(f"INSERT INTO log_in_failures (key, at) VALUES {new.sql}", new.parameters)
        sql = f"SELECT key, at FROM log_in_failures WHERE {among.sql} AND at > ? ORDER BY at"
        for key, then in (yield Statement(sql, (*among.parameters, since))):
            times[key].append(moment(then))
    return [times[key] for key in wanted]
