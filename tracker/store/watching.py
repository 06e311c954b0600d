"""Noticing that something has changed, without reading what."""

from collections.abc import Collection, Mapping
from typing import Protocol

import msgspec

from tracker.model import MessageId


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What tells one state of a message's timeline from every other."""

    text: str
    """Changes with every attempt, event, status, lease and time of the next try."""
    is_final: bool
    """True when no recipient is open: nothing more is going to happen by itself."""


class Watching(Protocol):
    """What open pages are kept up to date by."""

    async def versions(self, messages: Collection[MessageId]) -> Mapping[MessageId, Version]:
        """Return the version of each of `messages` in one look; unknown ones are left out.

        It is of the message as a whole, whoever asks: scope is the caller's business.
        """
        ...
