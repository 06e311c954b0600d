"""Postfix-style delivery lines, so that existing log tools keep working."""

from tracker.model import Attempt, Message, Outcome, Recipient

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
        f"sendtrace/smtp[{pid}]: {message.id}: to=<{_clean(recipient.forward_path)}>, "
        f"relay={_clean(relay)}, delay={before + during:.2f}, "
        f"delays={before:.2f}/0/0/{during:.2f}, dsn={code}, "
        f"status={_STATUS[attempt.outcome]} ({_clean(words)})"
    )


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
