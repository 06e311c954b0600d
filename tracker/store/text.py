"""The verbs of the index of the record's text."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from tracker.model import RecipientId


class TextIndex(Protocol):
    """What makes searches of everything quick; they are right without it."""

    @property
    def indexes_text(self) -> bool:
        """True when there is anything to do for `index_text`."""
        ...

    async def index_text(self, now: datetime) -> int:
        """Index some of what is missing; return how many rows were read, 0 when none is left.

        A small step beside the path of a message, for whoever holds the chore. Raises
        StoreUnavailable.
        """
        ...

    async def text_missing(self, cap: int) -> int:
        """Return how many recipients are not in the index, counted up to `cap`.

        Each search of everything looks at them one by one. Raises StoreUnavailable.
        """
        ...

    async def forget_text(self, recipients: Collection[RecipientId]) -> None:
        """Have the index forget what it has of recipients whose text was changed or removed.

        It does so with the next `index_text`. Searches never find what is not on record any more.
        """
        ...
