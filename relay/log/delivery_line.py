"""Postfix-style delivery lines, so that existing log tools keep working."""

from tracker.model import (
    Attempt,
    Client,
    Envelope,
    HeaderFacts,
    Message,
    MessageId,
    Outcome,
    Recipient,
    Refusal,
)

_STATUS = {
    Outcome.DELIVERED: "sent",
    Outcome.DEFERRED: "deferred",
    Outcome.UNCERTAIN: "deferred",
    Outcome.FAILED: "bounced",
}
_DSN = {
    Outcome.DELIVERED: "2.0.0",
    Outcome.DEFERRED: "4.0.0",
    Outcome.UNCERTAIN: "4.4.2",
    Outcome.FAILED: "5.0.0",
}


_BRACKETS = {ord("<"): "?", ord(">"): "?"}


class DeliveryLine(str):
    """A line in another program's form; the log puts time and host before it and no names."""

    __slots__ = ()


def delivery_line(
    message: Message, recipient: Recipient, attempt: Attempt, pid: int
) -> DeliveryLine:
    """Return the line for one attempt at one recipient, without time and host.

    `delay` is seconds since acceptance; `delays` tells how many of them passed before this
    attempt and during it.
    """
    target = attempt.target
    relay = f"{target.host}[{target.address}]:{target.port}" if target else "none"
    before = (attempt.started_at - message.accepted_at).total_seconds()
    during = (attempt.ended_at - attempt.started_at).total_seconds()
    reply = attempt.reply
    code = (reply.enhanced_status_code if reply else None) or _DSN[attempt.outcome]
    words = attempt.words.replace("\n", " ")
    return DeliveryLine(
        f"sendtrace/smtp[{pid}]: {message.id}: to=<{_path(recipient.forward_path)}>, "
        f"relay={_clean(relay)}, delay={before + during:.2f}, "
        f"delays={before:.2f}/0/0/{during:.2f}, dsn={code}, "
        f"status={_STATUS[attempt.outcome]} ({_clean(words)})"
    )


def arrival_lines(
    identifier: MessageId,
    envelope: Envelope,
    facts: HeaderFacts,
    client: Client,
    size: int,
    pid: int,
) -> tuple[DeliveryLine, ...]:
    """Return the lines for a message that was taken, without time and host.

    They are those of three programs of Postfix: whose client it is, its Message-ID, its envelope.
    """
    return (
        DeliveryLine(f"sendtrace/smtpd[{pid}]: {identifier}: client={_name(client.address)}"),
        DeliveryLine(
            f"sendtrace/cleanup[{pid}]: {identifier}: message-id=<{_path(facts.message_id)}>"
        ),
        DeliveryLine(
            f"sendtrace/qmgr[{pid}]: {identifier}: from=<{_path(envelope.reverse_path)}>, "
            f"size={size}, nrcpt={len(envelope.recipients)} (queue active)"
        ),
    )


def rejection_line(refusal: Refusal, helo: str, pid: int) -> DeliveryLine:
    """Return the line for a command that was refused, without time and host."""
    to = f" to=<{_path(refusal.forward_path)}>" if refusal.forward_path else ""
    return DeliveryLine(
        f"sendtrace/smtpd[{pid}]: NOQUEUE: reject: {refusal.command} from "
        f"{_name(refusal.client_address)}: {_clean(refusal.reply)}; "
        f"from=<{_path(refusal.reverse_path)}>{to} proto=ESMTP helo=<{_path(helo)}>"
    )


def _name(address: str) -> str:
    """Return a client as Postfix writes one whose name is not looked up; it may be ourselves."""
    return f"unknown[{address}]" if address else "localhost[127.0.0.1]"


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _path(text: str) -> str:
    """Return what stands in angle brackets without any of its own."""
    return _clean(text).translate(_BRACKETS)
