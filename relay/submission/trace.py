"""Header fields that we add: Received (RFC 5321 4.4), Date and Message-ID (RFC 6409 8).

The authenticated address is in none of them: who wrote a message is for the writer to say.
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

import msgspec

from relay.submission.header import Header
from tracker.mailbox import MailboxError, normalize_domain
from tracker.model import HeaderFacts, MessageId

FOLD_AT = 78
"""Characters of a line without its CRLF (RFC 5322 2.1.1)."""


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """How a message came to us."""

    id: MessageId
    hostname: str
    address: str
    """IP address of the client."""
    helo: str
    protocol: str
    """The `with` keyword."""
    tls: str | None
    only_recipient: str | None
    """The forward-path when there is exactly one; several are nobody else's business."""
    at: datetime


def with_keyword(*, extended: bool, tls: bool, authenticated: bool, smtputf8: bool) -> str:
    """Return the protocol for the `with` clause (RFC 3848; RFC 6531 4.3)."""
    if not extended:
        return "SMTP"
    keyword = "UTF8SMTP" if smtputf8 else "ESMTP"
    return keyword + "S" * tls + "A" * authenticated


def compose_added_fields(passage: Passage, header: Header) -> bytes:
    """Return what is put before the message: Received, and what its own header lacks.

    Content without any header gets the empty line as well that keeps it the body.
    """
    lines = [_compose_received(passage)]
    if not header.is_present:
        lines.append("")
    else:
        if not header.has_date:
            lines.append(f"Date: {_write_date(passage.at)}")
        if not header.has_message_id:
            lines.append(f"Message-ID: <{_mint_message_id(passage)}>")
    return ("\r\n".join(lines) + "\r\n").encode()


def complete_facts(passage: Passage, header: Header) -> HeaderFacts:
    """Return the facts of the header as it is once the fields have been added."""
    facts = header.facts
    if header.is_present and not header.has_date:
        facts = msgspec.structs.replace(facts, date=_write_date(passage.at))
    if header.is_present and not header.has_message_id:
        facts = msgspec.structs.replace(facts, message_id=_mint_message_id(passage))
    return facts


def _mint_message_id(passage: Passage) -> str:
    return f"{passage.id}@{passage.hostname}"


def _compose_received(passage: Passage) -> str:
    literal = format_address_literal(passage.address)
    words = [
        f"Received: from {_name_client(passage.helo, literal)}",
        f"({literal})",
        f"by {passage.hostname}",
        f"with {passage.protocol}",
        f"id {passage.id}",
    ]
    if passage.tls is not None:
        words.append(f"({passage.tls})")
    if passage.only_recipient is not None:
        words.append(f"for <{passage.only_recipient}>")
    words[-1] += ";"
    words.append(_write_date(passage.at))
    return _fold(words)


def _write_date(at: datetime) -> str:
    """Return `at` as RFC 5322 3.3 writes it."""
    return _write_second(int(at.timestamp()))


@lru_cache(4)
def _write_second(seconds: int) -> str:
    """Write it once a second and not for each message: it takes longer than reading a header."""
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def _fold(words: list[str]) -> str:
    """Join words to lines of at most FOLD_AT characters, where a word is not longer itself."""
    text = words[0]
    room = FOLD_AT - len(text)
    for word in words[1:]:
        room -= 1 + len(word)
        if room >= 0:
            text += f" {word}"
        else:
            text += f"\r\n\t{word}"
            room = FOLD_AT - 1 - len(word)
    return text


def _name_client(helo: str, literal: str) -> str:
    """Return the HELO argument if it is a domain or a literal, else the address it came from."""
    try:
        normalize_domain(helo)
    except MailboxError:
        return literal
    return helo if helo.isascii() else literal


def format_address_literal(address: str) -> str:
    """Return an IP address as RFC 5321 4.1.3 writes it."""
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
