"""Who looked at whose mail."""

from datetime import datetime
from enum import StrEnum

import msgspec

from tracker.model.ids import AccessId, MessageId


class AccessKind(StrEnum):
    """How somebody came to other people's mail."""

    MESSAGE = "message"
    """The page of one message."""
    LIST = "list"
    """A list in which it was among others."""
    EXPORT = "export"
    ACT = "act"
    """Something was done about it."""
    PRIVACY = "privacy"
    """What is on record about an address was found, exported or erased."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the mail of one account by somebody else."""

    id: AccessId
    at: datetime
    actor: str
    """The account of whoever looked; of the command line, who called it."""
    client: str
    """The address they came from; empty for the command line."""
    kind: AccessKind
    page: str
    """The page they looked at, with what they searched for; what the command line was asked."""
    account: str
    """Whose mail it is; empty for mail of nobody, and for what is about no single account."""
    messages: tuple[MessageId, ...] = ()
    """Which of their messages a list has shown, the first ones; the page of one says which."""
