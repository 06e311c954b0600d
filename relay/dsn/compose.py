"""The DSN as a whole: multipart/report with its three parts (RFC 6522 3)."""

import re
from email.utils import format_datetime

import msgspec

from relay.dsn.fields import is_international, write_fields
from relay.dsn.prose import subject_of, write_prose
from relay.dsn.report import Dsn, Report, returns_whole
from relay.dsn.wire import (
    LINE_LIMIT,
    encode_unstructured,
    is_sendable,
    quote_printable,
    show,
    show_ascii,
)
from tracker.model import Body, HeaderFacts

_HEADER_LIMIT = 64 * 1024
"""Bytes of a header that are returned."""
_BLANK_LINE = b"\r\n\r\n"
_MESSAGE_ID = re.compile(r"[!-;=?-~]{3,900}")


class _Part(msgspec.Struct, frozen=True):
    content_type: str
    encoding: str
    octets: bytes


def compose_dsn(report: Report) -> Dsn:
    """Write the DSN. Nothing that a server or a client sent can add a field or a part to it."""
    parts = [_prose_part(report), _status_part(report)]
    returned = _returned_part(report)
    if returned is not None:
        parts.append(returned)
    boundary = _boundary(report.id, parts)
    subject = subject_of(report)
    octets = _header(report, subject, boundary).encode() + _join(parts, boundary)
    return Dsn(
        octets=octets,
        header=HeaderFacts(
            subject=subject,
            message_id=f"{report.id}@{report.reporting_mta}",
            header_from=_from(report),
            date=format_datetime(report.now),
        ),
        body=Body.SEVEN_BIT if octets.isascii() else Body.EIGHT_BIT_MIME,
        smtputf8=not report.message.reverse_path.isascii(),
    )


def _from(report: Report) -> str:
    host = show_ascii(report.reporting_mta)
    return f"Mail Delivery System <MAILER-DAEMON@{host}>"


def _header(report: Report, subject: str, boundary: str) -> str:
    fields = [
        f"Date: {format_datetime(report.now)}",
        f"From: {_from(report)}",
        f"To: <{show(report.message.reverse_path)}>",
        encode_unstructured("Subject", subject),
        f"Message-ID: <{report.id}@{show_ascii(report.reporting_mta)}>",
    ]
    original_id = report.message.header.message_id
    if _MESSAGE_ID.fullmatch(original_id):
        fields += [f"In-Reply-To: <{original_id}>", f"References: <{original_id}>"]
    fields += [
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;\r\n"
        f'    boundary="{boundary}"',
    ]
    return "\r\n".join([*fields, "", ""])


def _prose_part(report: Report) -> _Part:
    octets = write_prose(report).encode()
    if octets.isascii() and is_sendable(octets):
        return _Part("text/plain; charset=utf-8", "7bit", octets)
    return _Part("text/plain; charset=utf-8", "quoted-printable", quote_printable(octets))


def _status_part(report: Report) -> _Part:
    octets = write_fields(report).encode()
    if is_international(report):
        return _Part("message/global-delivery-status", "8bit", octets)
    return _Part("message/delivery-status", "7bit", octets)


def _returned_part(report: Report) -> _Part | None:
    """Return the third part: the message if its sender asked for it whole, else its header."""
    original = report.original
    if original is None:
        return None
    message = report.message
    whole = returns_whole(message, report.action) and len(original) == message.size
    if whole and is_sendable(original):
        return _content_part(original, smtputf8=message.smtputf8)
    header = _cut_header(original)
    if header.isascii() and is_sendable(header):
        return _Part("text/rfc822-headers", "7bit", header)
    if message.smtputf8 and is_sendable(header) and _is_utf8(header):
        return _Part("message/global-headers", "8bit", header)
    return _Part("text/rfc822-headers", "quoted-printable", quote_printable(header))


def _content_part(original: bytes, *, smtputf8: bool) -> _Part:
    # A message inside a message may not be encoded (RFC 2046 5.2.1): it stays 8bit.
    encoding = "7bit" if original.isascii() else "8bit"
    header = original.partition(_BLANK_LINE)[0]
    if smtputf8 and not header.isascii() and _is_utf8(header):
        return _Part("message/global", encoding, original)
    return _Part("message/rfc822", encoding, original)


def _cut_header(original: bytes) -> bytes:
    """Return the header block of `original`, whole lines of it, at most `_HEADER_LIMIT`."""
    header, blank, _ = original.partition(_BLANK_LINE)
    if blank and len(header) <= _HEADER_LIMIT:
        return header + b"\r\n"
    kept, line_end, _ = header[:_HEADER_LIMIT].rpartition(b"\r\n")
    return kept + line_end if line_end else header[:LINE_LIMIT]


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _boundary(identifier: str, parts: list[_Part]) -> str:
    """Return a boundary that occurs in no part; `=_` keeps it out of quoted-printable."""
    boundary, number = f"=_{identifier}", 0
    while any(boundary.encode() in part.octets for part in parts):
        number += 1
        boundary = f"=_{identifier}_{number}"
    return boundary


def _join(parts: list[_Part], boundary: str) -> bytes:
    pieces = [b"This is a report in MIME format (RFC 6522).\r\n"]
    for part in parts:
        head = (
            f"--{boundary}\r\nContent-Type: {part.content_type}\r\n"
            f"Content-Transfer-Encoding: {part.encoding}\r\n\r\n"
        )
        pieces += [head.encode(), part.octets, b"\r\n"]
    return b"".join([*pieces, f"--{boundary}--\r\n".encode()])
