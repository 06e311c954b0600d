"""The header of a message on its way in: what the record keeps, and what a submission lacks.

It works on octets, reads no further than the header, and takes anything for a header without
raising: whatever a client sends here is hostile.
"""

import base64
import binascii
import quopri
import re

import msgspec

from tracker.model import HeaderFacts

HEADER_LIMIT = 1024 * 1024
"""Octets of a header; nobody writes a longer one by hand or by reason."""

FACT_LIMIT = 998
"""Characters kept of one field."""

_RAW_LIMIT = 4 * FACT_LIMIT
"""Octets of a field that are decoded."""

# Nothing in it is tried twice (`+` behind a repetition): what one part takes no other one could.
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:([^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*+)(?:\r\n|\Z)")
_MSG_ID = re.compile(r"<([^<>]*)>")
_ENCODED_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]*)?\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)[ \t\r\n]+(?==\?)")
# Line ends, NUL, other controls and lone surrogates: no database and no page wants them.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# Codecs that decode text into text by other rules than a character set's.
_NO_CHARACTER_SETS = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}
)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass over a header found."""

    facts: HeaderFacts
    received: int
    """How many Received fields it has (RFC 5321 6.3)."""
    is_present: bool
    """False for content that does not begin with a header field."""
    is_complete: bool
    """False when it goes on beyond HEADER_LIMIT."""
    has_date: bool
    has_message_id: bool


def read_header(head: bytes, size: int) -> Header:
    """Read the header at the beginning of `head`, the first octets of a message of `size`."""
    received = 0
    first: dict[bytes, bytes] = {}
    end = 0
    while (match := _FIELD.match(head, end)) is not None:
        name, value = match.groups()
        end = match.end()
        name = name.lower()
        if name in _WANTED:
            first.setdefault(name, value)
        elif name == b"received":
            received += 1
    return Header(
        facts=HeaderFacts(
            subject=decode_text(first.get(b"subject", b"")),
            message_id=_bare_message_id(decode_text(first.get(b"message-id", b""))),
            header_from=decode_text(first.get(b"from", b"")),
            date=decode_text(first.get(b"date", b"")),
        ),
        received=received,
        is_present=end > 0,
        is_complete=size <= len(head) or end == 0 or end + _CUT_LINE < len(head),
        has_date=b"date" in first,
        has_message_id=b"message-id" in first,
    )


_WANTED = frozenset({b"subject", b"message-id", b"from", b"date"})
_CUT_LINE = 1000
"""A header that ends within a line's length of the end of `head` may have been cut there."""


def decode_text(value: bytes) -> str:
    """Return a raw field value as readable text of at most FACT_LIMIT characters.

    Encoded words are decoded (RFC 2047), raw UTF-8 is taken as such (RFC 6532), and what is
    neither becomes U+FFFD. Never raises.
    """
    if not value:
        return ""
    # Unfolding takes the line ends and leaves the white space (RFC 5322 2.2.3).
    text = value[:_RAW_LIMIT].decode("utf-8", "replace").replace("\r\n", "")
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text.strip()[:FACT_LIMIT]  # the ordinary case: there is nothing to decode or mend
    if "=?" in text:
        text = _decode_words(text)
    return _UNPRINTABLE.sub(" ", text).strip()[:FACT_LIMIT]


def _decode_words(text: str) -> str:
    """Replace encoded words; white space between two of them does not count (RFC 2047 6.2)."""
    parts: list[str] = []
    octets = b""
    charset = ""
    end = 0
    joined = _BETWEEN_WORDS.sub("", text)
    for word in _ENCODED_WORD.finditer(joined):
        if word.start() > end or word[1].lower() != charset:
            # A character may be split between adjacent words of one character set only.
            parts.append(_decode_charset(octets, charset))
            parts.append(joined[end : word.start()])
            octets = b""
        charset = word[1].lower()
        octets += _decode_word(word[2], word[3])
        end = word.end()
    parts.append(_decode_charset(octets, charset))
    parts.append(joined[end:])
    return "".join(parts)


def _decode_word(encoding: str, payload: str) -> bytes:
    octets = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(octets, header=True)
    try:
        return base64.b64decode(octets + b"=" * (-len(octets) % 4))
    except binascii.Error:
        return octets


def _decode_charset(octets: bytes, charset: str) -> str:
    if charset.replace("-", "_") in _NO_CHARACTER_SETS:
        charset = "ascii"
    try:
        return octets.decode(charset or "ascii", "replace")
    except (LookupError, ValueError):
        return octets.decode("ascii", "replace")


def _bare_message_id(value: str) -> str:
    """Return the first msg-id of a Message-ID field without its brackets (RFC 5322 3.6.4)."""
    match = _MSG_ID.search(value)
    return match[1].strip() if match else value
