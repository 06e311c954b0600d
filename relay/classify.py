"""What a reply, or its absence, means for a recipient. Pure; the one place where this is decided.

Unknown means temporary. Permanent is a 5yz reply to a command of the transaction or to EHLO; a
5yz greeting speaks about the connection and waits, unless it says that mail is never taken here
(521 and 556, RFC 7504).
"""

from typing import NamedTuple

from tracker.model import Attempt, Origin, Outcome, Phase, Reply, status_code_at_head

PHASES = tuple(Phase)
"""In the order in which an attempt goes through them."""

_NEVER_TAKES_MAIL = frozenset({521, 556})
_STATUS_OF_PHASE = {
    Phase.ROUTING: "4.4",
    Phase.DNS: "4.3",
    Phase.CONNECT: "4.1",
    Phase.STARTTLS: "7.5",
    Phase.AUTH: "7.8",
}
"""Subject and detail (RFC 3463) where no server spoke; elsewhere 4.2: bad connection."""


class Classified(NamedTuple):
    """How an attempt ended, and whose doing it is."""

    outcome: Outcome
    origin: Origin


def classify_reply(reply: Reply, phase: Phase) -> Classified:
    """Judge the reply that ended an attempt in `phase` (RFC 5321 4.2.1, 4.3.2).

    A reply after the final dot that is none of 2yz, 4yz and 5yz leaves open whether the message
    was taken.
    """
    if phase is Phase.FINAL_DOT and reply.is_positive:
        return Classified(Outcome.DELIVERED, Origin.REMOTE)
    if phase is Phase.FINAL_DOT and not reply.is_refusal:
        return Classified(Outcome.UNCERTAIN, Origin.REMOTE)
    if phase is Phase.AUTH:
        return Classified(Outcome.DEFERRED, Origin.LOCAL)
    if phase is Phase.STARTTLS:
        return Classified(Outcome.DEFERRED, Origin.POLICY)
    permanent = reply.is_permanent and phase is not Phase.GREETING
    if permanent or reply.code in _NEVER_TAKES_MAIL:
        return Classified(Outcome.FAILED, Origin.REMOTE)
    return Classified(Outcome.DEFERRED, Origin.REMOTE)


def classify_silence(phase: Phase, origin: Origin) -> Classified:
    """Judge an attempt that ended in `phase` without a reply.

    Once the final dot is on its way, nobody can know (RFC 1047).
    """
    outcome = Outcome.UNCERTAIN if phase is Phase.FINAL_DOT else Outcome.DEFERRED
    return Classified(outcome, origin)


def is_too_many_recipients(reply: Reply) -> bool:
    """Say whether the reply to a later RCPT only asks for another transaction.

    RFC 5321 4.5.3.1.10: 452, and 552 from old servers, which without an enhanced status code of
    its own meaning is the same; RFC 3463 3.6: x.5.3.
    """
    enhanced = reply.enhanced_status_code
    if enhanced is None:
        return reply.code in (452, 552)
    return enhanced in ("4.5.3", "5.5.3") or (reply.code == 452 and enhanced != "4.2.2")


def status_of(attempt: Attempt) -> str:
    """Return the enhanced status code of an attempt (RFC 3463), for its DSN and for statistics.

    It is the server's own if it gave one, else what our sentence begins with, else the class of
    the outcome with what the phase allows to say.
    """
    if attempt.reply is not None:
        given = attempt.reply.enhanced_status_code
        return given or f"{_class_of(attempt)}.0.0"
    ours = status_code_at_head(attempt.detail)
    return ours or f"{_class_of(attempt)}.{_STATUS_OF_PHASE.get(attempt.phase, '4.2')}"


def _class_of(attempt: Attempt) -> str:
    if attempt.outcome is Outcome.DELIVERED:
        return "2"
    return "5" if attempt.outcome is Outcome.FAILED else "4"
