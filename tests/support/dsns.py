"""DSNs to test with, and a strict reader of them: the standard library's parser."""

import email.policy
import email.utils
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from typing import Any

import msgspec

from relay.dsn import Action, Dsn, Report, Reported, compose_dsn
from tests.support.clock import START
from tests.support.jobs import make_message, make_recipient
from tests.support.mail import CONTENT, make_attempt, mint
from tracker.model import Body, MessageId, Outcome, Reply

NOW = START + timedelta(hours=4)
HOST = "mail.example.com"


def make_report(
    *,
    reply: Reply | None = None,
    outcome: Outcome = Outcome.FAILED,
    action: Action = Action.FAILED,
    forward_path: str = "bob@example.org",
    original: bytes | None = CONTENT,
    attempt_fields: dict[str, Any] | None = None,
    **more: Any,
) -> Report:
    recipient_fields = {key: more.pop(key) for key in ("orcpt", "attempts") if key in more}
    reported_fields = {
        key: more.pop(key) for key in ("expired", "may_have_copy", "planned") if key in more
    }
    message = make_message(**({"size": len(original or b"")} | more))
    recipient = make_recipient(message, forward_path, **recipient_fields)
    attempt = make_attempt(recipient, outcome, now=NOW, reply=reply)
    attempt = msgspec.structs.replace(attempt, **(attempt_fields or {}))
    return Report(
        id=MessageId(mint(NOW)),
        action=action,
        message=message,
        recipients=(Reported(recipient=recipient, attempt=attempt, **reported_fields),),
        reporting_mta=HOST,
        now=NOW,
        original=original,
    )


def read(dsn: Dsn) -> EmailMessage:
    """Parse it strictly, and check what holds for every DSN."""
    assert b"\r" not in dsn.octets.replace(b"\r\n", b"")
    assert b"\n" not in dsn.octets.replace(b"\r\n", b"")
    assert max(map(len, dsn.octets.split(b"\r\n"))) <= 998
    assert dsn.octets.isascii() or dsn.body is Body.EIGHT_BIT_MIME
    message = message_from_bytes(dsn.octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == []
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["MIME-Version"] == "1.0"
    return message


def parts_of(message: EmailMessage) -> list[Message]:
    return _list(message.get_payload())


def blocks_of(message: EmailMessage) -> list[Message]:
    """Return the groups of fields of the second part: the message's, then each recipient's."""
    part = parts_of(message)[1]
    assert part.get_content_type() == "message/delivery-status"
    return _list(part.get_payload())


def _list(payload: Any) -> list[Message]:
    assert isinstance(payload, list)
    assert all(isinstance(part, Message) for part in payload)
    return payload


def text_of(message: EmailMessage) -> str:
    part = parts_of(message)[0]
    assert isinstance(part, EmailMessage)
    assert part.get_content_type() == "text/plain"
    return str(part.get_content())


def prose_of(report: Report) -> str:
    """Return the human part with its lines joined."""
    return " ".join(text_of(read(compose_dsn(report))).split())


def date_of(field: str) -> datetime:
    return email.utils.parsedate_to_datetime(field)
