"""The nodes that share a ledger, as their workers' leases tell of them. Pure."""

from datetime import datetime, timedelta

import msgspec

from tracker.model import Census, Lease, Load

WORST_SKEW = timedelta(seconds=5)
"""A clock that is further from the ledger's puts wrong times on record."""

_IN_STEP = timedelta(milliseconds=500)
"""Less than that is the way of the renewal to the ledger."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One node: its workers taken together. Times are those of the ledger's clock."""

    name: str
    workers: int
    """Whose lease has not run out."""
    lost: int
    """Whose lease has run out and whose mail nobody has taken over yet."""
    versions: tuple[str, ...]
    """Of Sendtrace that its workers run: more than one while it is being replaced."""
    since: datetime
    """When the oldest of the leases was opened."""
    seen_at: datetime
    """When a worker last renewed its lease."""
    until: datetime
    """When the last of the leases runs out unless it is renewed."""
    load: Load
    skew: timedelta
    """By how much the node's clock is ahead, as the last renewal told."""

    @property
    def serves(self) -> bool:
        """Say whether any worker of it is alive."""
        return self.workers > 0

    @property
    def is_off(self) -> bool:
        """Say whether its clock is too far from the ledger's."""
        return abs(self.skew) > WORST_SKEW


def nodes_of(census: Census) -> tuple[Node, ...]:
    """Return the nodes by name."""
    by_name: dict[str, list[Lease]] = {}
    for lease in census.leases:
        by_name.setdefault(lease.node, []).append(lease)
    return tuple(_node(name, by_name[name], census.now) for name in sorted(by_name))


def clock_of(skew: timedelta) -> str:
    """Return how far a clock is off in words: "in step", "2.3 s ahead", "1 h 5 min behind"."""
    if abs(skew) < _IN_STEP:
        return "in step"
    way = "ahead" if skew > timedelta() else "behind"
    seconds = abs(skew).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s {way}"
    minutes = round(seconds / 60)
    parts = (f"{minutes // 60} h" if minutes >= 60 else "", f"{minutes % 60} min")
    return f"{' '.join(part for part in parts if part)} {way}"


def _node(name: str, leases: list[Lease], now: datetime) -> Node:
    alive = [lease for lease in leases if lease.until > now]
    latest = max(leases, key=lambda lease: lease.renewed_at)
    return Node(
        name=name,
        workers=len(alive),
        lost=len(leases) - len(alive),
        versions=tuple(sorted({lease.version for lease in leases if lease.version})),
        since=min(lease.opened_at for lease in leases),
        seen_at=latest.renewed_at,
        until=max(lease.until for lease in leases),
        load=Load(
            jobs=sum(lease.load.jobs for lease in alive),
            clients=sum(lease.load.clients for lease in alive),
        ),
        skew=latest.skew,
    )
