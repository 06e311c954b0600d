"""The state table of a recipient.

Every change of status in every backend is one of these arrows.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tracker.model import Status, Trigger

OPEN = frozenset({Status.QUEUED, Status.DEFERRED, Status.HELD})
"""Still ours to deliver."""

FINAL = frozenset(Status) - OPEN
"""No arrow leaves these."""

ENDING = frozenset({Trigger.CANCEL, Trigger.DEADLINE})
"""Whoever is due for one of these is settled without another try: people change nothing more."""

ARROWS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.QUEUED: frozenset(
            {
                Status.QUEUED,  # postponed by a local gate, or the relay restarted
                Status.DEFERRED,
                Status.HELD,
                Status.DELIVERED,
                Status.BOUNCED,
                Status.EXPIRED,
                Status.CANCELLED,
            }
        ),
        Status.DEFERRED: frozenset(
            {
                Status.DEFERRED,
                Status.HELD,
                Status.DELIVERED,
                Status.BOUNCED,
                Status.EXPIRED,
                Status.CANCELLED,
            }
        ),
        # Released mail goes back to where it was: untried, or waiting.
        Status.HELD: frozenset(
            {Status.HELD, Status.QUEUED, Status.DEFERRED, Status.EXPIRED, Status.CANCELLED}
        ),
        Status.DELIVERED: frozenset(),
        Status.BOUNCED: frozenset(),
        Status.EXPIRED: frozenset(),
        Status.CANCELLED: frozenset(),
    }
)

IN_DOUBT = "Nobody knows whether the recipient has it already; releasing it may make a second copy"
"""What the gate of somebody says who is held because the outcome of an attempt is uncertain."""


def before(after: Status) -> frozenset[Status]:
    """Return from where an arrow leads to `after`, itself left out: that would change nothing."""
    return frozenset(status for status in Status if after in ARROWS[status] - {status})


class IllegalChange(ValueError):
    """A status cannot change like that."""

    def __init__(self, before: Status, after: Status) -> None:
        super().__init__(f"a recipient that is {before} cannot become {after}")


def check(before: Status, after: Status) -> None:
    """Raise IllegalChange unless the table has an arrow from `before` to `after`."""
    if after not in ARROWS[before]:
        raise IllegalChange(before, after)
