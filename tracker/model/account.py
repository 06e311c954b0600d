"""Who may submit and who may look."""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

import msgspec


class Role(StrEnum):
    """What an account may see and send as; what it may do says `tracker.permissions`."""

    USER = "user"
    DOMAIN_ADMIN = "domain-admin"
    SUPPORT = "support"
    """Sees the mail of everybody and changes nothing."""
    ADMIN = "admin"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person or a program, named by a full e-mail address in lower case."""

    address: str
    role: Role
    password_hash: str
    """argon2id, in PHC string format."""
    created_at: datetime

    @property
    def domain(self) -> str:
        """The domain that a domain admin looks after."""
        return self.address.rpartition("@")[2]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the ledger that somebody may see; everything is both fields None."""

    account: str | None = None
    domain: str | None = None

    @classmethod
    def of(cls, account: Account) -> "Scope":
        """Return what `account` may see."""
        match account.role:
            case Role.ADMIN | Role.SUPPORT:
                return cls()
            case Role.DOMAIN_ADMIN:
                return cls(domain=account.domain)
            case Role.USER:
                return cls(account=account.address)
        assert_never(account.role)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in to the panel."""

    token_hash: str
    """BLAKE2b of the cookie's value: a stolen database does not open sessions."""
    address: str
    csrf_token: str
    created_at: datetime
    expires_at: datetime
