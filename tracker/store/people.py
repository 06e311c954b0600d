"""Who may submit and who may look."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tracker.model import Account, Role, Session


class LogInFailures(Protocol):
    """Wrong passwords, counted for all nodes together."""

    async def record_failure(
        self, keys: Sequence[str], now: datetime, window: timedelta
    ) -> Sequence[Sequence[datetime]]:
        """Put a failure of each key on record; return each key's within `window`, oldest first."""
        ...

    async def forget_failures(self, before: datetime) -> int:
        """Drop those older than `before`; return how many."""
        ...


class Accounts(Protocol):
    """Who may submit and who may look."""

    async def add_account(self, account: Account) -> bool:
        """Add; False when the address is taken."""
        ...

    async def account(self, address: str) -> Account | None:
        """Return the account; None when there is none of this address."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """Return all, by address."""
        ...

    async def set_password_hash(self, address: str, password_hash: str) -> bool:
        """Change it and end the account's sessions; False when there is no such account."""
        ...

    async def set_role(self, address: str, role: Role) -> bool:
        """Change it; False when there is no such account."""
        ...

    async def remove_account(self, address: str) -> bool:
        """Remove it, its sessions and its saved searches; its mail stays on record.

        False when there is no such account.
        """
        ...


class Sessions(Protocol):
    """Log-ins to the panel."""

    async def add_session(self, session: Session) -> None:
        """Begin a session."""
        ...

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        """Return it unless it has expired."""
        ...

    async def remove_session(self, token_hash: str) -> None:
        """End a session, if there is one."""
        ...

    async def prune_sessions(self, now: datetime) -> int:
        """Drop those that have expired; return how many."""
        ...
