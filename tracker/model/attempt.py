"""One try at one recipient, with the evidence that lets somebody else judge it."""

from datetime import datetime
from enum import StrEnum

import msgspec

from tracker.model.ids import AttemptId, MessageId, RecipientId
from tracker.model.reply import Reply


class Outcome(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """The final dot was sent and no reply came: they may have it (RFC 1047)."""


class Origin(StrEnum):
    """Whose doing an outcome is."""

    REMOTE = "remote"
    NETWORK = "network"
    POLICY = "policy"
    LOCAL = "local"


class Phase(StrEnum):
    """How far an attempt had come when it ended."""

    ROUTING = "routing"
    DNS = "dns"
    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"
    FINAL_DOT = "final-dot"


class Verification(StrEnum):
    """What vouched for the peer's certificate."""

    NONE = "none"
    PKIX = "pkix"
    DANE = "dane"


class Trigger(StrEnum):
    """Why this attempt was made when it was made."""

    ACCEPTED = "accepted"
    SCHEDULE = "schedule"
    RETRY_NOW = "retry-now"
    RESTART = "restart"
    DEADLINE = "deadline"
    """It was held until its deadline: it is not tried, only settled."""
    CANCEL = "cancel"
    """Somebody cancelled it and wants the sender told: it is not tried, only settled."""


class TlsFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The TLS session of a connection."""

    version: str
    cipher: str
    verified_by: Verification = Verification.NONE
    peer_names: tuple[str, ...] = ()
    issuer: str | None = None
    not_after: str | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One host at one address that mail for a destination may be handed to."""

    host: str
    """The exchange's name, or the address literal."""
    address: str
    port: int
    preference: int | None = None
    """Of the MX record; None where no MX record led here."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One command and what came back. AUTH arguments and content are never in it."""

    command: str
    reply: Reply | None
    milliseconds: float


class TargetTry(msgspec.Struct, frozen=True, kw_only=True):
    """One target that was tried, or skipped, during an attempt."""

    target: Target
    skipped: bool = False
    """True when we did not even dial; `detail` says why."""
    reused: bool = False
    """True when the connection was already open."""
    phase: Phase
    reply: Reply | None = None
    detail: str = ""
    """One sentence of ours where the server said nothing, e.g. "Connection refused"."""
    started_at: datetime
    milliseconds: float = 0.0
    source_address: str | None = None
    ehlo_name: str | None = None
    tls_policy: str = ""
    """What was asked of the connection: off, opportunistic, verified or implicit."""
    tls: TlsFacts | None = None
    tls_problem: str | None = None
    """Why TLS was offered or wanted and not used, e.g. a failed handshake before clear text."""
    extensions: tuple[str, ...] = ()
    """Keywords of the EHLO reply."""
    steps: tuple[Step, ...] = ()

    @property
    def words(self) -> str:
        """What the server said; where it said nothing, our own sentence."""
        return self.detail if self.reply is None else self.reply.text


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one recipient: when, where, how far, with what words, and how it ended.

    An end without a try is on record in the same form: see `is_try`.
    """

    id: AttemptId
    message_id: MessageId
    recipient_id: RecipientId
    number: int
    """1 for the first; 0 where `is_try` is false."""
    trigger: Trigger
    started_at: datetime
    ended_at: datetime
    outcome: Outcome
    origin: Origin
    phase: Phase
    reply: Reply | None = None
    detail: str = ""
    """One sentence of ours; never empty where `reply` is None."""
    destination: str
    target: Target | None = None
    """The target that decided the outcome; None when none was reached."""
    tries: tuple[TargetTry, ...] = ()
    """Every target of this attempt in the order it was considered."""
    remote_queue_id: str | None = None
    """The receiver's own id for the message, found inside its 250."""
    dsn_handed_on: bool = False
    """True when the receiver announced DSN and took our NOTIFY: it owes the success DSN."""
    node: str
    config_revision: str
    category: str = ""
    """Why it ended as it did (`tracker.explain.Category`); empty until it is on record."""
    rule: str = ""
    """The rule that told the category; empty like it."""

    @property
    def is_try(self) -> bool:
        """False where it only says why nothing was tried any more, which nobody counts.

        Somebody cancelled it, it was held until its deadline, or a gate of ours was closed then.
        """
        return self.number > 0

    @property
    def words(self) -> str:
        """What the server said; where none did, our own sentence."""
        return self.detail if self.reply is None else self.reply.text
