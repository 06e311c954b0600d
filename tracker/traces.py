"""An address in the texts of the record: how it is recognised, and what stands there afterwards.

Texts are whole columns, JSON among them. Only the whole address counts: that of somebody whose
address ends with it is another one's.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final, NamedTuple

import idna

from tracker.kept import ERASED, keyed_hash
from tracker.mailbox import MailboxError, parse_mailbox

Row = Mapping[str, Any]

_BEFORE: Final = r"(?<![\w.+-])"
_BEHIND: Final = r"(?![\w-]|\.\w)"

_SENDER: Final = ("reverse_path", "account", "header_from", "client_authenticated_as")
_RECIPIENT: Final = ("forward_path", "orcpt")


class Part(StrEnum):
    """What an address is to a message."""

    SENT = "sent"
    RECEIVED = "received"
    MENTIONED = "mentioned"
    """It stands somewhere else, such as in what a server said."""


class Trace(NamedTuple):
    """A message in which an address was found."""

    message_id: str
    part: Part


class Traces(NamedTuple):
    """What some messages say of an address."""

    found: Sequence[Trace]
    last: str
    """The last message that was looked at; empty at the end of the record."""


class Elsewhere(NamedTuple):
    """A text besides the mail in which an address was found."""

    table: str
    column: str
    text: str
    rows: int
    """In how many rows it stands."""


class Address:
    """An address that is looked for, in all the ways to write it."""

    def __init__(self, written: str) -> None:
        """Raises MailboxError when it is not a full address."""
        mailbox = parse_mailbox(written)
        if not mailbox.domain:
            raise MailboxError("it has no domain")
        self.normal = str(mailbox).lower()
        ways = {self.normal, written.strip().lower()}
        local_part, _, domain = self.normal.rpartition("@")
        with suppress(idna.IDNAError, UnicodeError):
            ways.add(f"{local_part}@{idna.decode(domain)}")
        ways |= {json.dumps(way, ensure_ascii=False)[1:-1] for way in ways}
        self.ways: Sequence[str] = sorted(ways)
        """Lower case; as text and as it stands in JSON."""
        choice = "|".join(re.escape(way) for way in self.ways)
        self._pattern = re.compile(f"{_BEFORE}(?:{choice}){_BEHIND}", re.IGNORECASE)

    def is_in(self, text: object) -> bool:
        """Say whether a column has it."""
        return isinstance(text, str) and self._pattern.search(text) is not None

    def replaced(self, text: str, by: str) -> str:
        """Return a text with something else in its place."""
        return self._pattern.sub(lambda _: by, text)

    def pseudonym(self, key: bytes) -> str:
        """Return what stands for it when it is erased: the same for each of its ways."""
        return f"erased-{keyed_hash(key, 'address', self.normal)[:16]}@invalid"

    def changes(self, row: Row, by: str) -> dict[str, str]:
        """Return the columns of a row in which it stands, without it."""
        return {name: self.replaced(text, by) for name, text in row.items() if self.is_in(text)}

    def is_sender(self, message: Row) -> bool:
        """Say whether a message is of this address."""
        return any(self.is_in(message[name]) for name in _SENDER)

    def is_recipient(self, recipient: Row) -> bool:
        """Say whether a recipient is this address."""
        return any(self.is_in(recipient[name]) for name in _RECIPIENT)


def erased_message(address: Address, message: Row, by: str) -> dict[str, str]:
    """Return what changes in the row of a message in which an address was found.

    The subject may say who it is about; the client is the sender's own machine.
    """
    changes = address.changes(message, by)
    if message["subject"]:
        changes["subject"] = ERASED
    if address.is_sender(message) and message["client_address"]:
        changes |= {"client_address": ERASED, "client_helo": ""}
    return {name: text for name, text in changes.items() if message[name] != text}
