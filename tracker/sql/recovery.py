"""What is written of recipients whose worker has died: pure, for both ledgers."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from tracker.entropy import Entropy
from tracker.model import (
    Attempt,
    AttemptId,
    Event,
    EventId,
    EventKind,
    MessageId,
    Origin,
    Outcome,
    Phase,
    RecipientId,
    Trigger,
    new_id,
)
from tracker.sql.rows import Columns
from tracker.states import ENDING

HELD_COLUMNS = 'id, message_id, destination, attempts, "trigger"'
"""What `read_held` takes, in its order."""

_UNCERTAIN = "The relay stopped during the attempt; the remote server may have the message"

_RESTARTED = "The relay stopped before the message was sent; it is tried again"


class Held(NamedTuple):
    """A recipient that a lease holds."""

    id: RecipientId
    message_id: MessageId
    destination: str
    attempts: int
    trigger: Trigger


def read_held(row: Columns) -> Held:
    """Build it from HELD_COLUMNS."""
    recipient_id, message_id, destination, attempts, trigger = row
    return Held(
        RecipientId(recipient_id), MessageId(message_id), destination, attempts, Trigger(trigger)
    )


def divide(
    held: Iterable[Held], uncertain: Collection[RecipientId] | None
) -> tuple[list[Held], list[Held]]:
    """Return those that may have been sent, and those that were not; None doubts them all.

    Whoever was only to be settled was never sent.
    """
    doubtful, untried = list[Held](), list[Held]()
    for each in held:
        is_doubtful = uncertain is None or each.id in uncertain
        is_tried = each.trigger not in ENDING
        (doubtful if is_doubtful and is_tried else untried).append(each)
    return doubtful, untried


def uncertain_attempts(
    recipients: Iterable[Held], node: str, now: datetime, entropy: Entropy
) -> Iterator[Attempt]:
    """Yield the attempt of `node` at each recipient, of which nobody knows how it ended."""
    for recipient in recipients:
        yield Attempt(
            id=AttemptId(new_id(now, entropy(8))),
            message_id=recipient.message_id,
            recipient_id=recipient.id,
            number=recipient.attempts + 1,
            trigger=recipient.trigger,
            started_at=now,
            ended_at=now,
            outcome=Outcome.UNCERTAIN,
            origin=Origin.LOCAL,
            phase=Phase.FINAL_DOT,
            detail=_UNCERTAIN,
            destination=recipient.destination,
            node=node,
            config_revision="",
        )


def restart_events(recipients: Iterable[Held], now: datetime, entropy: Entropy) -> Iterator[Event]:
    """Yield what the timeline of each recipient tells: the relay stopped before it was tried."""
    for recipient in recipients:
        yield Event(
            id=EventId(new_id(now, entropy(8))),
            message_id=recipient.message_id,
            recipient_id=recipient.id,
            at=now,
            kind=EventKind.RELAY_RESTARTED,
            detail=_RESTARTED,
        )
