"""What the panel keeps for each person: searches under a name, the last ones, and habits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from tracker.model import Audience, Habits, SavedSearch

MOST_SAVED: Final = 100
"""Searches that one account may save."""
RECENT: Final = 10
"""Searches that are kept by themselves, for each account."""


class Saved(Protocol):
    """Searches under a name, the last ones, and habits; they go with the account."""

    async def save_search(self, search: SavedSearch) -> bool:
        """Save; False when the owner has one of that name already, or `MOST_SAVED`."""
        ...

    async def saved_searches(self, address: str) -> Sequence[SavedSearch]:
        """Return the account's own, and those that are for it, by name."""
        ...

    async def change_search(
        self, identifier: str, owner: str, *, name: str, audience: Audience
    ) -> bool:
        """Rename or share; False when `owner` has no such search, or another of that name."""
        ...

    async def remove_search(self, identifier: str, owner: str) -> bool:
        """Remove; False when `owner` has no such search."""
        ...

    async def note_search(self, owner: str, text: str, now: datetime) -> None:
        """Put a search that was run among the last `RECENT` of its account."""
        ...

    async def recent_searches(self, owner: str) -> Sequence[str]:
        """Return the texts of the last searches, newest first."""
        ...

    async def habits(self, owner: str) -> Habits:
        """Return what the account chose last."""
        ...

    async def keep_habits(self, owner: str, habits: Habits) -> None:
        """Put other habits in their place."""
        ...
