"""What is the same in both ledgers when recipients are sent another way."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from tracker.entropy import Entropy
from tracker.model import (
    Deed,
    Event,
    EventId,
    EventKind,
    MessageId,
    RecipientId,
    Reroute,
    Scope,
    Status,
    new_id,
)
from tracker.sql.rows import Columns
from tracker.sql.script import Change, Script


def reroute(
    reroutes: Sequence[Reroute], scope: Scope, actor: str, reason: str, now: datetime
) -> Script[int]:
    """Send recipients another way; return how many."""
    rows = yield Change(
        deed=Deed.REROUTE,
        tells_sender=False,
        recipients=(),
        reroutes=tuple(reroutes),
        scope=scope,
        actor=actor,
        reason=reason,
        now=now,
    )
    return len(rows)


def due_by(changed: Collection[Columns]) -> set[str]:
    """Return the destinations that something has become due for: not by what is held.

    Takes the id, the message, the destination and the status of each that changed.
    """
    return {row[2] for row in changed if row[3] != Status.HELD}


def events_of(changed: Collection[Columns], change: Change, entropy: Entropy) -> Iterator[Event]:
    """Yield what the timelines tell."""
    words = {one.recipient_id: one.words for one in change.reroutes}
    for recipient_id, message_id, *_ in changed:
        said = words[recipient_id]
        yield Event(
            id=EventId(new_id(change.now, entropy(8))),
            message_id=MessageId(message_id),
            recipient_id=RecipientId(recipient_id),
            at=change.now,
            kind=EventKind.REROUTED,
            actor=change.actor,
            detail=f"{said}; {change.reason}" if change.reason else said,
        )
