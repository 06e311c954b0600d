"""Reads DSNs with the standard library, as a mail program would."""

import email
import email.policy
from email.message import EmailMessage, Message
from typing import cast


def read_dsn(stored: bytes) -> tuple[EmailMessage, dict[str, str]]:
    """Return a DSN and the fields of its one recipient (RFC 3464 2.3)."""
    dsn = email.message_from_bytes(stored, policy=email.policy.default)
    assert isinstance(dsn, EmailMessage)
    assert dsn["Return-Path"] == "<>"
    assert dsn.get_content_type() == "multipart/report"
    assert dsn.get_param("report-type") == "delivery-status"
    text, status, returned = dsn.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert status.get_content_type() == "message/delivery-status"
    assert returned.get_content_type() in ("message/rfc822", "text/rfc822-headers")
    message_fields, recipient_fields = cast(list[Message], status.get_payload())
    assert message_fields["Reporting-MTA"] == "dns; relay.sendtrace.test"
    return dsn, {name.lower(): str(value) for name, value in recipient_fields.items()}
