"""What a report says (RFC 3464, RFC 6533). Pure, bounded."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Final

import msgspec

from relay.bounce.mime import Part, leaves, split
from relay.dsn.wire import decode_xtext
from tracker.model import MessageId, is_id

LIMIT: Final = 2 * 1024 * 1024
"""Bytes of a report that are read."""
_MOST_RECIPIENTS: Final = 100
_MOST_IDS: Final = 10
_MOST_TRACES: Final = 50
"""Received fields that are looked through."""
_LONGEST: Final = 1000
"""Characters of an address, a name or an id."""
_LONGEST_DIAGNOSIS: Final = 4096
_DEEPEST: Final = 4
"""Messages inside messages, e.g. a report that somebody has forwarded."""
_STATUS_TYPES: Final = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_TYPES: Final = (
    "text/rfc822-headers",
    "message/global-headers",
    "message/rfc822",
    "message/global",
)
_INSIDE: Final = ("message/rfc822", "message/global")
_BLANK_LINE: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_WORD: Final = re.compile(r"\b[0-7][0-9A-Z]{25}\b")
"""What looks like an id of ours."""
_MESSAGE_ID: Final = re.compile(r"<([^<>\s]{1,998})>")
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_parse_fields = BytesHeaderParser().parsebytes


class NoReport(ValueError):
    """What was read is no delivery status notification; the text is for people."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient that the report says the message failed for."""

    final_recipient: str
    original_recipient: str = ""
    """What we were asked for, where it differs; empty when the report does not say."""
    status: str = ""
    diagnostic: str = ""
    """With its type, e.g. "smtp; 550 5.1.1 No such user"; lines joined by "\\n"."""


class BounceReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report, and by what the message can be found that it is about."""

    reporting_mta: str = ""
    envelope_id: str = ""
    """Original-Envelope-Id: the ENVID that was given with the message."""
    message_id: str = ""
    """Message-ID of the returned header, without angle brackets."""
    ours: tuple[MessageId, ...] = ()
    """What may be ids of ours, in the Received fields of the returned header."""
    arrived_at: datetime | None = None
    """When the server that reports took the message, by its own clock."""
    failures: tuple[Failure, ...] = ()
    """Empty when it reports a delay or a delivery only."""


def read_report(octets: bytes) -> BounceReport:
    """Read a report, or a message that has one inside. Raises NoReport, and nothing else."""
    status, returned = _find(leaves(octets[:LIMIT]), _DEEPEST)
    if status is None:
        raise NoReport("this is no delivery status notification (RFC 3464)")
    blocks = [block for block in _BLANK_LINE.split(status.strip()) if block.strip()]
    of_message, *of_recipients = [_parse_fields(block) for block in blocks[: _MOST_RECIPIENTS + 1]]
    header = _parse_fields(split(returned)[0]) if returned else Message()
    found = _MESSAGE_ID.search(_text(header, "Message-ID"))
    return BounceReport(
        reporting_mta=_after_type(_text(of_message, "Reporting-MTA")),
        envelope_id=_text(of_message, "Original-Envelope-Id"),
        message_id=found[1] if found else "",
        ours=tuple(_ids_of(header)),
        arrived_at=_moment(_text(of_message, "Arrival-Date")),
        failures=tuple(filter(None, map(_failure, of_recipients))),
    )


def _find(parts: Iterable[Part], depth: int) -> tuple[bytes | None, bytes]:
    """Return the status part, and the header or message that follows it."""
    status: bytes | None = None
    for part in parts:
        if status is not None and part.content_type in _RETURNED_TYPES:
            return status, part.octets
        if status is None and part.content_type in _STATUS_TYPES:
            status = part.octets
        elif status is None and part.content_type in _INSIDE and depth > 0:
            inside, returned = _find(leaves(part.octets), depth - 1)
            if inside is not None:
                return inside, returned
    return status, b""


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, IndexError):
        return None


def _failure(fields: Message) -> Failure | None:
    if not _text(fields, "Action").lower().startswith("failed"):
        return None
    status = _STATUS.search(_text(fields, "Status"))
    return Failure(
        final_recipient=_address(_text(fields, "Final-Recipient")),
        original_recipient=_address(_text(fields, "Original-Recipient")),
        status=status[0] if status else "",
        diagnostic=_lines(fields, "Diagnostic-Code"),
    )


def _ids_of(header: Message) -> Iterator[MessageId]:
    seen: set[str] = set()
    for value in islice(_values(header, "Received"), _MOST_TRACES):
        for word in _WORD.findall(_clean(value)[:_LONGEST]):
            if is_id(word) and word not in seen and len(seen) < _MOST_IDS:
                seen.add(word)
                yield MessageId(word)


def _text(fields: Message, name: str) -> str:
    """Return a field on one line; empty when there is none."""
    return " ".join(_clean(_value(fields, name)).split())[:_LONGEST]


def _lines(fields: Message, name: str) -> str:
    """Return a field with its lines, as it was folded."""
    lines = (line.strip() for line in _clean(_value(fields, name)).split("\n"))
    return "\n".join(line for line in lines if line)[:_LONGEST_DIAGNOSIS]


def _value(fields: Message, name: str) -> str:
    return next(_values(fields, name), "")


def _values(fields: Message, name: str) -> Iterator[str]:
    """Yield the values of a field as they came: what is no ASCII is read as UTF-8."""
    for other, value in fields.raw_items():
        if other.lower() == name.lower():
            yield str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _clean(text: str) -> str:
    """Return `text` with line ends of one kind and without other characters that do not print."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c == "\n" or c.isprintable() else " " for c in lines)


def _after_type(value: str) -> str:
    """Return what is behind "dns;" or "rfc822;"."""
    return value.partition(";")[2].strip() or value.strip()


def _address(value: str) -> str:
    address = _after_type(value)
    if address.startswith("<") and address.endswith(">"):
        address = address[1:-1]
    return address if "@" in address and "+" not in address else decode_xtext(address)
