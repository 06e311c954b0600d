"""The parts of a message, as far as a report needs them (RFC 2046, RFC 6522). Pure, bounded."""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Final, NamedTuple

_DEEPEST: Final = 6
_MOST_PARTS: Final = 50
_LONGEST_HEADER: Final = 64 * 1024
_BLANK_LINE: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_parse_header = BytesHeaderParser().parsebytes


class Part(NamedTuple):
    """One part that holds no others."""

    content_type: str
    """In lower case, without parameters."""
    octets: bytes
    """Decoded."""


def leaves(octets: bytes, depth: int = 0) -> Iterator[Part]:
    """Yield the parts of a message in order; of a message inside it, the whole as one part."""
    header, body = split(octets)
    fields = _parse_header(header)
    boundary = _boundary(fields)
    if boundary is None or depth >= _DEEPEST:
        yield Part(fields.get_content_type(), _decode(fields, body))
        return
    for number, piece in enumerate(_pieces(body, boundary)):
        if number >= _MOST_PARTS:
            return
        yield from leaves(piece, depth + 1)


def split(octets: bytes) -> tuple[bytes, bytes]:
    """Return header and body; a part may begin with its blank line."""
    if octets.startswith((b"\n", b"\r\n")):
        return b"", octets.lstrip(b"\r\n")
    found = _BLANK_LINE.search(octets)
    if found is None:
        return octets[:_LONGEST_HEADER], b""
    return octets[: min(found.start(), _LONGEST_HEADER)] + b"\n", octets[found.end() :]


def _boundary(fields: Message) -> bytes | None:
    if fields.get_content_maintype() != "multipart":
        return None
    value = fields.get_boundary()
    return value.encode("utf-8", "surrogateescape") if value else None


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """Yield what is between the boundary lines; what is before the first one is for nobody."""
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    begins: int | None = None
    for found in line.finditer(body):
        if begins is not None:
            yield _after_line(body[begins : found.start()])
        if found[1]:
            return
        begins = found.end()
    if begins is not None:
        yield _after_line(body[begins:])


def _after_line(piece: bytes) -> bytes:
    return piece.removeprefix(b"\r").removeprefix(b"\n")


def _decode(fields: Message, body: bytes) -> bytes:
    encoding = str(fields.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64":
        try:
            return base64.b64decode(body)
        except binascii.Error:
            return body
    return body
