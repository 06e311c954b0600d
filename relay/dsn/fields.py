"""The machine-readable part: message/delivery-status (RFC 3464 2, RFC 6533 4)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

from relay.dsn.report import Action, Report, Reported
from relay.dsn.status import status_field
from relay.dsn.wire import decode_xtext, fold, show, show_ascii
from tracker.model import Attempt

_TYPE = re.compile(r"[A-Za-z0-9-]{1,40}")
_LONGEST_ADDRESS = 500


def format_time(moment: datetime) -> str:
    """Return `moment` as RFC 5322 3.3 has it, UTC."""
    return format_datetime(moment.astimezone(UTC))


def is_international(report: Report) -> bool:
    """Say whether an address of the report needs more than ASCII (RFC 6533)."""
    return any(
        not r.recipient.forward_path.isascii() or not (r.recipient.orcpt or "").isascii()
        for r in report.recipients
    )


def write_fields(report: Report) -> str:
    """Return the fields of the message, then a block of fields for each recipient."""
    blocks = [_message_fields(report)]
    blocks += [_recipient_fields(report.action, reported) for reported in report.recipients]
    return "\r\n\r\n".join("\r\n".join(block) for block in blocks) + "\r\n"


def _message_fields(report: Report) -> Iterator[str]:
    message = report.message
    yield f"Reporting-MTA: dns; {show_ascii(report.reporting_mta)}"
    if message.envid:
        yield fold("Original-Envelope-Id", [show_ascii(decode_xtext(message.envid))])
    yield f"X-Sendtrace-Id: {message.id}"
    yield f"Arrival-Date: {format_time(message.accepted_at)}"


def _recipient_fields(action: Action, reported: Reported) -> Iterator[str]:
    recipient, attempt = reported.recipient, reported.attempt
    original = _original_recipient(recipient.orcpt)
    if original is not None:
        yield f"Original-Recipient: {original}"
    kind = "rfc822" if recipient.forward_path.isascii() else "utf-8"
    yield f"Final-Recipient: {kind}; {show(recipient.forward_path)}"
    yield f"Action: {action}"
    yield f"Status: {status_field(reported, action)}"
    if attempt.target is not None and attempt.reply is not None:
        yield fold("Remote-MTA", [f"dns; {show_ascii(attempt.target.host)}"])
    yield fold("Diagnostic-Code", _diagnosis(attempt))
    yield f"Last-Attempt-Date: {format_time(attempt.ended_at)}"
    yield f"Final-Log-ID: {attempt.id}"
    if action is Action.DELAYED:
        yield f"Will-Retry-Until: {format_time(recipient.expires_at)}"


def _original_recipient(orcpt: str | None) -> str | None:
    kind, separator, address = (orcpt or "").partition(";")
    if not separator or not _TYPE.fullmatch(kind) or len(address) > _LONGEST_ADDRESS:
        return None
    decoded = address if kind.lower() == "utf-8" else decode_xtext(address)
    return f"{kind}; {show(decoded)}"


def _diagnosis(attempt: Attempt) -> Iterator[str]:
    """Yield the reply, every line of it; or our own words under a type of our own."""
    if attempt.reply is None:
        yield f"X-Sendtrace; {show_ascii(attempt.detail)}"
        return
    # Splitting at \n alone: `splitlines` would also obey characters that a server may send.
    first, *others = attempt.reply.text.split("\n")
    yield f"smtp; {show_ascii(first)}"
    yield from map(show_ascii, others)
