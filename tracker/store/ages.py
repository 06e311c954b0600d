"""Parts of the record that go before the record itself."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from tracker.ages import Walk


class Ages(Protocol):
    """Forgetting parts of messages, and messages of some domains, a few at a time."""

    async def forget_parts(self, walk: Walk, before: datetime, limit: int) -> int:
        """Go on with a walk over at most `limit` messages that came before a time.

        What it forgets says `tracker.kept.NO_LONGER_KEPT` from then on. Returns how many messages
        it went over, so that the caller goes on until 0; how far it got is on record.
        """
        ...

    async def prune_domains(self, domains: Collection[str], before: datetime, limit: int) -> int:
        """Drop at most `limit` messages of the domains' accounts that came before a time.

        Those that have open recipients stay. Returns how many, so that the caller goes on until 0.
        """
        ...
