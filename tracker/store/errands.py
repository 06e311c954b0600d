"""What people ask of the workers, and the content that is kept for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tracker.model import (
    Errand,
    ErrandId,
    ErrandResult,
    Event,
    Excess,
    MessageId,
    ProbeLimits,
    Scope,
)
from tracker.views import News


class Errands(Protocol):
    """Requests that a worker carries out, each with its result."""

    async def ask_errand(self, errand: Errand) -> Errand:
        """Put a request on record; return the one that is there when its key was used before."""
        ...

    async def errand(self, errand_id: ErrandId, scope: Scope) -> Errand | None:
        """Return a request whose actor is in scope."""
        ...

    async def errands_about(self, message_id: MessageId) -> Sequence[Errand]:
        """Return the latest requests about a message, oldest first."""
        ...

    async def ask_probe(self, errand: Errand, limits: ProbeLimits) -> Errand | Excess:
        """Put a probe on record as `ask_errand` does, unless it would be one too many.

        Counting and recording are one step: of two that come at once the second counts the first.
        """
        ...

    async def news(self, now: datetime) -> News:
        """Return whether there is something to do for people; it is asked for all the time."""
        ...

    async def take_errand(self, now: datetime, until: datetime) -> Errand | None:
        """Take the oldest request that nobody is at; until `until` it is the caller's."""
        ...

    async def end_errand(
        self, errand: Errand, result: ErrandResult, events: Sequence[Event], now: datetime
    ) -> bool:
        """Note the result, with events for the timelines; False when it has ended already."""
        ...

    async def forget_errands(self, before: datetime) -> int:
        """Drop some that were asked for before `before`; return how many."""
        ...


class RefusedContent(Protocol):
    """The content of messages with a recipient that was refused."""

    async def keeps_content(self, message_id: MessageId) -> bool:
        """Say whether the content of a message is still there."""
        ...

    async def keep_refused(self, keep: bool) -> None:
        """Say whether the content of refused mail is kept from now on, by all who settle."""
        ...

    async def drop_refused(self, before: datetime, limit: int) -> int:
        """Drop content that was refused before `before`; return how many messages were looked at.

        What still has open recipients goes with the last of them.
        """
        ...
