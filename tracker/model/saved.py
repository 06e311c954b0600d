"""What the panel keeps for each person: searches under a name, the last ones, and habits."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Audience(StrEnum):
    """For whom a saved search is."""

    OWNER = "owner"
    DOMAIN = "domain"
    """Every account of the owner's domain."""
    ALL = "all"


class SavedSearch(msgspec.Struct, frozen=True, kw_only=True):
    """A search with a name; what is relative in its text stays relative."""

    id: str
    owner: str
    """Address of the account that saved it."""
    audience: Audience = Audience.OWNER
    name: str
    text: str
    """In the words of the search grammar."""
    created_at: datetime

    @property
    def domain(self) -> str:
        """The owner's domain."""
        return self.owner.rpartition("@")[2]


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody chose last; empty when they never did."""

    outcome: str = ""
    zone: str = ""
    has_keys: bool = True
    """Whether single keys do something on the pages."""
