"""What a client asks us to carry (RFC 5321 2.3.1, RFC 3461 4)."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

import msgspec

_CHUNK = 256 * 1024
"""Octets of the largest piece handed out."""


class Notify(StrEnum):
    """When the sender wants a DSN (RFC 3461 4.1)."""

    NEVER = "NEVER"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"


class Ret(StrEnum):
    """How much of the message a failure DSN returns (RFC 3461 4.3)."""

    FULL = "FULL"
    HEADERS = "HDRS"


class Body(StrEnum):
    """The BODY parameter of MAIL (RFC 6152)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT_MIME = "8BITMIME"


class EnvelopeRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """One RCPT: the forward-path as the client wrote it, and its DSN parameters."""

    forward_path: str
    """The mailbox without angle brackets, byte for byte as it came."""
    domain: str
    """The domain it is routed by: lower case, A-labels; or an address literal with brackets."""
    notify: frozenset[Notify] | None = None
    """None when the client did not say."""
    orcpt: str | None = None
    """The ORCPT parameter as it came, "rfc822;" and xtext encoding included."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """MAIL and RCPT of one transaction."""

    reverse_path: str
    """The mailbox without angle brackets; empty for the null reverse-path."""
    recipients: tuple[EnvelopeRecipient, ...]
    ret: Ret | None = None
    envid: str | None = None
    """The ENVID parameter as it came, xtext encoding included."""
    body: Body = Body.SEVEN_BIT
    smtputf8: bool = False


class Content(Protocol):
    """The octets of a message in CRLF lines, not dot-stuffed; may be iterated many times."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the octets in order, in pieces of at most 256 KiB."""
        ...


class WholeContent:
    """Content that is in memory in one piece."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self._octets)

    def chunks(self) -> Iterator[bytes]:
        """Yield the octets in order, in pieces of at most 256 KiB."""
        for start in range(0, self.size, _CHUNK):
            yield self._octets[start : start + _CHUNK]
