"""What somebody has asked of the workers, who have the routes and the connections."""

from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import NewType

import msgspec

from tracker.model.attempt import Attempt
from tracker.model.ids import MessageId, RecipientId

ErrandId = NewType("ErrandId", str)


class ErrandKind(StrEnum):
    """What is to be done."""

    SEND_AGAIN = "send-again"
    """A message that came back, to another address."""
    PROBE = "probe"
    """To ask a server whether it would take mail for an address, without sending any."""


class ErrandResult(msgspec.Struct, frozen=True, kw_only=True):
    """What it came to."""

    problem: str = ""
    """Why it could not be done; empty when it was."""
    message_id: MessageId | None = None
    """Of sending again: the new message."""
    attempt: Attempt | None = None
    """Of a probe: what became of it, as of an attempt. It counts as none."""


class ProbeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many probes there may be from `since` on, the one that is asked for included."""

    since: datetime
    by_actor: int
    """Of one person."""
    to_domain: int
    """To one domain, whoever asks: the domain of the address."""


class Excess(Enum):
    """Which of the limits a probe would have gone beyond."""

    OF_ACTOR = auto()
    OF_DOMAIN = auto()


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and its result."""

    id: ErrandId
    key: str
    """Of the form that asked for it: sent twice, it makes one errand."""
    kind: ErrandKind
    actor: str
    account: str | None
    """The actor's account."""
    message_id: MessageId | None = None
    recipient_id: RecipientId | None = None
    address: str
    asked_at: datetime
    taken_until: datetime | None = None
    ended_at: datetime | None = None
    result: ErrandResult = ErrandResult()
