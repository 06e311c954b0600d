"""An accepted message, its recipients, and the part of it that a worker carries."""

from datetime import datetime
from enum import StrEnum

import msgspec

from tracker.model.attempt import Trigger
from tracker.model.envelope import Body, Content, Envelope, Notify, Ret
from tracker.model.ids import LeaseToken, MessageId, RecipientId


class Status(StrEnum):
    """Where one recipient stands."""

    QUEUED = "queued"
    DEFERRED = "deferred"
    HELD = "held"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Gate(StrEnum):
    """What an open recipient waits for."""

    NONE = "none"
    """Due, or being tried."""
    BACK_OFF = "back-off"
    """The retry schedule."""
    DESTINATION = "destination"
    """The destination is unreachable; a probe decides when mail goes on."""
    CONCURRENCY = "concurrency"
    """All connections that its hosts may have are in use, or belong to other workers."""
    RATE = "rate"
    """Its hosts have had as many messages as they may have in this time."""
    DNS = "dns"
    """Our own resolver does not answer."""
    HOLD = "hold"
    LOCAL = "local"
    """A fault on this machine, e.g. no free descriptors."""


class MessageKind(StrEnum):
    """What a message is, which decides its lifetime and whether a DSN may follow."""

    MAIL = "mail"
    DSN = "dsn"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """Who handed a message to us, and how."""

    address: str
    """IP address; empty for messages of our own."""
    port: int = 0
    helo: str = ""
    protocol: str = ""
    """The `with` keyword of RFC 3848: ESMTP, ESMTPS, ESMTPSA, UTF8SMTP…"""
    tls: str | None = None
    """Version and cipher, e.g. "TLSv1.3 TLS_AES_256_GCM_SHA384"."""
    authenticated_as: str | None = None


class HeaderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the record keeps of a header: decoded, bounded, hostile until escaped."""

    subject: str = ""
    message_id: str = ""
    """Without angle brackets."""
    header_from: str = ""
    date: str = ""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is to enter the ledger: from a client, or a DSN of ours."""

    id: MessageId
    kind: MessageKind = MessageKind.MAIL
    envelope: Envelope
    destinations: tuple[str, ...]
    """Where each recipient of the envelope is routed to, in the same order."""
    expires_at: datetime
    notice_at: datetime | None = None
    """When the sender is to hear of the delay if somebody still waits; None: never."""
    client: Client
    account: str | None
    """Whose mail this is in the record: full e-mail address, lower case."""
    header: HeaderFacts
    content: Content
    content_sha256: str = ""
    """Of the content as its sender has it, in hexadecimal; empty for messages of our own."""
    reports_on: MessageId | None = None
    """For a DSN: the message it reports on."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted message without its recipients and its content."""

    id: MessageId
    kind: MessageKind
    accepted_at: datetime
    account: str | None
    reverse_path: str
    client: Client
    size: int
    header: HeaderFacts
    ret: Ret | None
    envid: str | None
    body: Body
    smtputf8: bool
    content_sha256: str = ""
    """Of the content as its sender has it, in hexadecimal; empty when it is not on record."""
    reports_on: MessageId | None = None


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """One forward-path of one message: the unit of queue, status and tracking."""

    id: RecipientId
    message_id: MessageId
    forward_path: str
    domain: str
    destination: str
    notify: frozenset[Notify] | None = None
    orcpt: str | None = None
    status: Status = Status.QUEUED
    status_since: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None
    """None when final or held."""
    expires_at: datetime
    gate: Gate = Gate.NONE
    gate_detail: str = ""
    delay_dsn_at: datetime | None = None
    """When the delay DSN went out, if it did."""
    leased: bool = False
    """True while a worker is trying it."""
    trigger: Trigger = Trigger.ACCEPTED
    """What makes it due."""
    category: str = ""
    """Why the last attempt ended as it did (`tracker.explain.Category`); empty when never tried."""
    next_hop: str = ""
    """Where somebody sends it, with the port, whatever is configured; empty: as configured."""
    returned_at: datetime | None = None
    """When a report came that the receiver, having accepted it, did not deliver it after all."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """The recipients of one message that go to one destination together, under a lease."""

    lease: LeaseToken
    message: Message
    destination: str
    recipients: tuple[Recipient, ...]
    trigger: Trigger
    content: Content | None = None
    """Where it is in memory; None: read it from the ledger."""
    is_fresh: bool = False
    """Accepted by this process just now: nobody has waited for it in the ledger yet."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What `accept` leaves: the id for the 250, and the jobs when a lease was given."""

    id: MessageId
    jobs: tuple[Job, ...]
