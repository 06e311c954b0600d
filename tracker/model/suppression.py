"""Addresses to which nothing is sent."""

from datetime import datetime
from enum import StrEnum

import msgspec


class SuppressionOrigin(StrEnum):
    """Who put an address on the list."""

    HAND = "hand"
    BOUNCE = "bounce"
    """The relay itself, after a server had said that there is no such address."""


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """One address, and for whose mail it is closed."""

    address: str
    """In its comparable form: see `comparable`."""
    account: str = ""
    """Whose mail; empty for all of `domain`."""
    domain: str = ""
    """Mail of which accounts; empty for that of the whole relay."""
    origin: SuppressionOrigin = SuppressionOrigin.HAND
    reason: str = ""
    actor: str = ""
    since: datetime
    until: datetime | None = None
    """None: until somebody takes it off the list."""

    def holds_for(self, account: str | None, now: datetime) -> bool:
        """Say whether it closes the address for mail of `account`."""
        if self.until is not None and self.until <= now:
            return False
        if self.account:
            return account == self.account
        return not self.domain or (account or "").rpartition("@")[2] == self.domain
