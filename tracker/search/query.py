"""What a search asks for."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import msgspec

from tracker.model import Status
from tracker.states import OPEN


class Field(StrEnum):
    """What a term may look at."""

    ANY = "any"
    """A bare word: addresses, subject, ids and Message-ID."""
    TO = "to"
    FROM = "from"
    SUBJECT = "subject"
    ID = "id"
    """Ours, the Message-ID field, the receiver's queue id, or the client's ENVID."""
    STATUS = "status"
    MX = "mx"
    IP = "ip"
    CODE = "code"
    """Reply code ("550", "4") or enhanced status code ("5.1.1")."""
    TEXT = "text"
    """Words of the remote's reply."""
    ACCOUNT = "account"
    CATEGORY = "category"
    """Why the last attempt ended as it did: a word of `tracker.explain.Category`."""
    SIDE = "side"
    """Who can do something about it: a word of `tracker.explain.Side`."""
    SIZE = "size"
    """Of the message: ">1MB", "1MB..5MB"."""
    TLS = "tls"
    """Of the connection that decided the last attempt."""
    ATTEMPTS = "attempts"
    """How many there have been: "3", ">=3"."""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One condition."""

    field: Field
    value: str
    exact: bool = False
    """Quoted: the whole value; else any part of it, without regard to case. Of replies always a
    part, several words in a row where it is quoted."""
    negated: bool = False


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """All terms must hold; `since` <= accepted < `until`, UTC; None is unbounded."""

    terms: tuple[Term, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


STATUS_WORDS: Mapping[str, frozenset[Status]] = MappingProxyType(
    {status.value: frozenset({status}) for status in Status}
    | {
        "accepted": frozenset({Status.DELIVERED}),
        "waiting": OPEN,
        "temporary": OPEN,
        "permanent": frozenset({Status.BOUNCED, Status.EXPIRED}),
        "uncertain": frozenset(Status) - {Status.DELIVERED},
        "returned": frozenset(Status),
    }
)
"""What may stand behind `status:`, and which statuses it leaves over.

"temporary" also asks that there has been an attempt, "uncertain" that nobody knows whether the
last one brought the message there, "returned" that a report has come later that it was not
delivered.
"""

TLS_WORDS = ("none", "unverified", "verified")
"""What may stand behind `tls:`: the envelope went in clear text; it was encrypted, and nothing
vouched for the server's certificate; its certificate was verified."""
