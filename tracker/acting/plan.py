"""What an act is going to change, and how much somebody may do at once. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tracker.model import Deed, Role, Status
from tracker.states import OPEN, before

LIMITS: Mapping[Role, int | None] = MappingProxyType(
    {Role.USER: 1_000, Role.DOMAIN_ADMIN: 100_000, Role.SUPPORT: 0, Role.ADMIN: None}
)
"""Recipients that one act may look at; None: as many as there are."""

_CHANGES = {
    Deed.RETRY: frozenset({Status.QUEUED, Status.DEFERRED}),
    Deed.HOLD: before(Status.HELD),
    Deed.RELEASE: before(Status.QUEUED),
    Deed.CANCEL: before(Status.CANCELLED),
    Deed.SUPPRESS: frozenset(Status),
    Deed.REROUTE: OPEN,
}

_WORDS = {
    Status.QUEUED: "not tried yet",
    Status.DEFERRED: "temporarily rejected",
    Status.HELD: "held",
    Status.DELIVERED: "accepted",
    Status.BOUNCED: "permanently rejected",
    Status.EXPIRED: "given up",
    Status.CANCELLED: "cancelled",
}

_FINISHED = "finished"
_WHY_NOT = {
    Deed.RETRY: "held, so release them instead",
    Deed.HOLD: "held already",
    Deed.RELEASE: "not held",
}


class Part(NamedTuple):
    """Some of the recipients, which have one status."""

    number: int
    status: Status
    words: str
    why_not: str
    """Why they stay as they are; empty when they change."""


def changes(deed: Deed, status: Status) -> bool:
    """Say whether `deed` changes recipients of this status."""
    return status in _CHANGES[deed]


def parts_of(deed: Deed, counts: Mapping[Status, int]) -> list[Part]:
    """Return what changes and what does not, and why; those that change come first."""
    parts = [
        Part(count, status, _WORDS[status], _why_not(deed, status))
        for status, count in counts.items()
        if count
    ]
    return sorted(parts, key=lambda part: (bool(part.why_not), -part.number))


def _why_not(deed: Deed, status: Status) -> str:
    if changes(deed, status):
        return ""
    return _WHY_NOT.get(deed, "") if status in OPEN else _FINISHED


def within_limit(role: Role, count: int) -> bool:
    """Say whether somebody of this role may act on so many."""
    limit = LIMITS[role]
    return limit is None or count <= limit
