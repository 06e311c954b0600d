"""What a DSN says, before it is written down (RFC 3464)."""

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from tracker.explain import RuleBook
from tracker.model import Attempt, Body, HeaderFacts, Message, MessageId, Recipient, Ret

FULL_LIMIT = 1024 * 1024
"""Bytes up to which a message comes back whole when its sender asked for that (RET=FULL)."""


WORDS_LIMIT = 512 * 1024
"""Characters of servers' words in one DSN, for all its recipients together."""
_SHORTEST = 500
"""Characters of a reply that are shown in any case."""
_CODE = len("550-")


class Action(StrEnum):
    """What became of a recipient (RFC 3464 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient that a DSN reports."""

    recipient: Recipient
    attempt: Attempt
    """The last one."""
    expired: bool = False
    """We gave up on time, while the cause was temporary."""
    may_have_copy: bool = False
    """An attempt was `uncertain`."""
    planned: tuple[datetime, ...] = ()
    """The next tries, the deadline last; only when delayed."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one DSN is made from."""

    id: MessageId
    """Of the DSN itself."""
    action: Action
    message: Message
    """The message that it reports on."""
    recipients: tuple[Reported, ...]
    reporting_mta: str
    now: datetime
    original: bytes | None = None
    """The content of that message, or a beginning of it with the whole header."""
    book: RuleBook | None = None
    """What explains attempts that nothing is on record of yet; None: the shipped rules."""


def shortened(attempt: Attempt, recipients: int) -> Attempt:
    """Return `attempt` with no more of its reply than a DSN on so many recipients has room for.

    A server may say 8 KiB of each of a thousand recipients; the record has it all.
    """
    room, reply = max(_SHORTEST, WORDS_LIMIT // recipients), attempt.reply
    if reply is None or len(reply.text) <= room:
        return attempt
    lines: list[str] = []
    for line in reply.lines:
        room -= _CODE
        if room <= 0:
            break
        lines.append(line[:room])
        room -= len(line)
    return replace(attempt, reply=replace(reply, lines=tuple(lines), truncated=True))


class Dsn(msgspec.Struct, frozen=True, kw_only=True):
    """A DSN as it goes out."""

    octets: bytes
    header: HeaderFacts
    body: Body
    smtputf8: bool


def returns_whole(message: Message, action: Action) -> bool:
    """Say whether the whole message belongs into the DSN (RFC 3461 4.3, 6.2)."""
    wanted = message.ret is Ret.FULL and message.size <= FULL_LIMIT
    return wanted and action is Action.FAILED
