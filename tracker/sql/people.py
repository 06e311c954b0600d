"""Accounts, sessions and log-in failures as rows."""

from hashlib import blake2b

from tracker.model import Account, Role, Session
from tracker.sql.rows import Columns
from tracker.sql.values import moment, stamp

ACCOUNT_COLUMNS = "address, role, password_hash, created_at"

SESSION_COLUMNS = "token_hash, address, csrf_token, created_at, expires_at"


def account_columns(account: Account) -> Columns:
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


def session_columns(session: Session) -> Columns:
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
