"""How recipients, attempts and timelines read in a terminal."""

from datetime import datetime

from tracker.explain import explain, headline, why_not_dialled
from tracker.model import Attempt, Recipient, Refusal
from tracker.states import OPEN
from tracker.views import Row, Timeline


def show_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"


def show_next_try(recipient: Recipient) -> str:
    if recipient.leased:
        return "now"
    return show_time(recipient.next_attempt_at) if recipient.next_attempt_at else "-"


def row_data(row: Row) -> dict[str, object]:
    attempt = row.last_attempt
    return {
        "message": row.message,
        "recipient": row.recipient,
        "last_attempt": attempt,
        "reply": attempt.reply.text if attempt and attempt.reply else None,
        "category": explain(attempt).category if attempt else None,
    }


def trace_lines(row: Row) -> list[str]:
    recipient, message, attempt = row.recipient, row.message, row.last_attempt
    returned = f", RETURNED {show_time(recipient.returned_at)}" if recipient.returned_at else ""
    lines = [
        f"{show_time(message.accepted_at)}  {message.id}  {recipient.status.upper()}{returned}",
        f"    from <{message.reverse_path}> to <{recipient.forward_path}>: "
        f"{message.header.subject or '(no subject)'}",
    ]
    if attempt is not None:
        lines.append(f"    {headline(attempt)}")
        lines.append(f"    {explain(attempt).what_happened}")
    if recipient.status in OPEN:
        lines.append(
            f"    next try {show_next_try(recipient)}, giving up {show_time(recipient.expires_at)}"
            + (f" ({recipient.gate_detail})" if recipient.gate_detail else "")
        )
    return lines


def refusal_line(refusal: Refusal) -> str:
    to = f" to <{refusal.forward_path}>" if refusal.forward_path else ""
    others = f" and {refusal.recipients - 1} more" if refusal.recipients > 1 else ""
    return (
        f"{show_time(refusal.at)}  {refusal.client_address}  from <{refusal.reverse_path}>{to}"
        f"{others}: {refusal.reply}"
    )


def timeline_lines(timeline: Timeline) -> list[str]:
    message = timeline.message
    lines = [
        f"Message      {message.id}",
        f"Accepted     {show_time(message.accepted_at)} from "
        f"{message.client.address or 'this relay'} ({message.client.protocol or message.kind})",
        f"Sent from    <{message.reverse_path}>",
        f"Subject      {message.header.subject or '(no subject)'}",
        f"Message-ID   {message.header.message_id or '-'}",
        f"Size         {message.size} bytes",
    ]
    for recipient in timeline.recipients:
        lines += ["", f"Recipient    <{recipient.forward_path}>  {recipient.status}"]
        if recipient.status in OPEN:
            way = f", by way of {recipient.next_hop}" if recipient.next_hop else ""
            lines.append(
                f"  next try {show_next_try(recipient)}, until {show_time(recipient.expires_at)}"
                f"{way}"
            )
        entries = [
            (attempt.started_at, line)
            for attempt in timeline.attempts
            if attempt.recipient_id == recipient.id
            for line in _attempt_lines(attempt)
        ]
        entries += [
            (event.at, f"{event.kind} {event.actor} {event.detail}".rstrip())
            for event in timeline.events
            if event.recipient_id in (None, recipient.id)
        ]
        entries.sort(key=lambda entry: entry[0])
        lines += [f"  {show_time(at)}  {text}" for at, text in entries]
    return lines


def _attempt_lines(attempt: Attempt) -> list[str]:
    what = f"attempt {attempt.number}: {attempt.outcome}" if attempt.is_try else "not tried"
    lines = [f"{what}: {headline(attempt)}"]
    if why := why_not_dialled(attempt):
        lines.append(f"  {attempt.destination}: {why}")
    for entry in attempt.tries:
        target = entry.target
        what = "skipped" if entry.skipped else "tried"
        lines.append(f"  {what} {target.host} [{target.address}]:{target.port}: {entry.words}")
    return lines
