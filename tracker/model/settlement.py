"""What one delivery, or one act of a person, changes in the ledger: all of it at once."""

from datetime import datetime
from enum import StrEnum

import msgspec

from tracker.model.attempt import Attempt
from tracker.model.ids import EventId, LeaseToken, MessageId, RecipientId
from tracker.model.message import Gate, Status, Submission


class EventKind(StrEnum):
    """What a timeline tells beside attempts."""

    ACCEPTED = "accepted"
    DSN_SENT = "dsn-sent"
    DSN_WITHHELD = "dsn-withheld"
    """A DSN was due and is not sent; the detail says why (null reverse-path, NOTIFY=NEVER)."""
    RELAY_RESTARTED = "relay-restarted"
    RETRY_REQUESTED = "retry-requested"
    HELD = "held"
    RELEASED = "released"
    CANCELLED = "cancelled"
    REROUTED = "rerouted"
    """It goes another way from then on; the detail says which, and which it was before."""
    PROBED = "probed"
    """A server was asked whether it would take mail for the recipient; no attempt."""
    SENT_AGAIN = "sent-again"
    """To another address: the detail says which, and the message that it made is related."""
    BOUNCED_LATER = "bounced-later"
    """The receiver accepted it, and a report came afterwards that says it was not delivered."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a timeline that is no attempt."""

    id: EventId
    message_id: MessageId
    recipient_id: RecipientId | None = None
    """None when it concerns every recipient."""
    at: datetime
    kind: EventKind
    actor: str = ""
    """The account of the person who acted; empty for the relay itself."""
    detail: str = ""
    related_message_id: MessageId | None = None
    """The DSN, for events about one; the other message, for one that was sent again."""


class RecipientChange(msgspec.Struct, frozen=True, kw_only=True):
    """The new state of one recipient after an attempt."""

    recipient_id: RecipientId
    status: Status
    at: datetime
    attempts: int
    next_attempt_at: datetime | None
    gate: Gate = Gate.NONE
    gate_detail: str = ""
    delay_dsn_at: datetime | None = None


class DestinationChange(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt taught us about a destination as a whole."""

    destination: str
    at: datetime
    reachable: bool
    failures: int = 0
    """Consecutive failures to reach it, this one included; 0 when reachable."""
    next_probe_at: datetime | None = None
    detail: str = ""
    accepted: bool = False
    """True when it took a message."""
    place: str = ""
    """Whose servers answered (`tracker.insight.place_of`); empty where none did."""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """T3: attempts, statuses, DSNs and events of one job, in one transaction."""

    lease: LeaseToken
    message_id: MessageId
    attempts: tuple[Attempt, ...]
    changes: tuple[RecipientChange, ...]
    reports: tuple[Submission, ...] = ()
    """DSNs that enter the queue with this settlement."""
    events: tuple[Event, ...] = ()
    destination: DestinationChange | None = None


class Postponement(msgspec.Struct, frozen=True, kw_only=True):
    """A local gate stopped a job before anything was dialled.

    It consumes no attempt and does not advance the back-off: five minutes without a resolver
    must not become hours of waiting.
    """

    gate: Gate
    until: datetime
    detail: str
