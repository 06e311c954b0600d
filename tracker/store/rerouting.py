"""Sending mail that waits another way than it is configured to go."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tracker.model import ActId, RecipientId, Reroute, Scope


class Rerouting(Protocol):
    """Recipients with a next hop of their own."""

    async def reroute(
        self, ways: Sequence[Reroute], *, scope: Scope, actor: str, reason: str, now: datetime
    ) -> int:
        """Send open recipients in scope another way; return how many go it.

        They become due, and the probe of their new destination; what is held stays held and goes
        that way when it is released. Deadlines stay. Whoever is leased, about to be settled
        without a try, or not on the way any more that `ways` says it is on, stays as it is.
        """
        ...

    async def next_hops_before(
        self, act_id: ActId, recipients: Collection[RecipientId]
    ) -> Mapping[RecipientId, str]:
        """Return whom of a few recipients an act has rerouted, and their next hops before it."""
        ...
