"""One classic sentence for an attempt, with the server's words in it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from tracker.model import Attempt, Origin, Outcome, Phase, Reply, status_code_at_head

_WAYLESS = re.compile(r"[45]\.4\.")
"""Routing (RFC 3463 3.5)."""
_REFUSED: Mapping[Phase, str] = MappingProxyType(
    {
        Phase.GREETING: "Connected to {host} but it does not want to talk",
        Phase.EHLO: "Connected to {host} but it does not like my name",
        Phase.STARTTLS: "Connected to {host} but it does not start TLS",
        Phase.AUTH: "Connected to {host} but it does not let me log in",
        Phase.MAIL: "{host} does not like sender",
        Phase.RCPT: "{host} does not like recipient",
        Phase.DATA: "{host} does not want the message",
        Phase.CONTENT: "{host} did not take the message",
        Phase.FINAL_DOT: "{host} did not take the message after it was sent",
    }
)
"""Where the server said why."""
_FAILED: Mapping[Phase, tuple[str, str]] = MappingProxyType(
    {
        Phase.ROUTING: ("Sorry, I did not try {destination}.", "4.4.4"),
        Phase.DNS: ("Sorry, I could not look up {destination}.", "4.4.3"),
        Phase.CONNECT: ("Sorry, I wasn't able to establish an SMTP connection.", "4.4.1"),
        Phase.GREETING: ("Connected to {host} but it did not greet.", "4.4.2"),
        Phase.STARTTLS: ("Connected to {host} but TLS failed.", "4.7.5"),
        Phase.AUTH: ("Connected to {host} but could not log in.", "4.7.8"),
    }
)
"""Where it did not, and the code that says so."""
_NO_WAY = ("Sorry, I do not know a way to {destination}.", "4.4.4")
_DIED = ("Connected to {host} but connection died.", "4.4.2")
_STRANGE = ("Connected to {host} but it does not keep to SMTP.", "4.4.2")
_NOT_SENT = ("Connected to {host} but did not send the message.", "4.4.2")
_BROKE_OFF = "Connected to {host} but it broke off."
_UNCERTAIN = (
    "Connected to {host} but connection died after the message was sent. Possible duplicate!",
    "4.4.2",
)
_AMBIGUOUS = "{host} said neither yes nor no after the message was sent. Possible duplicate!"


def headline(attempt: Attempt) -> str:
    """Return what became of `attempt` in one line; the server's words in it are not escaped."""
    host = attempt.target.address or attempt.target.host if attempt.target else attempt.destination
    if attempt.reply is not None:
        words = attempt.reply.text.replace("\n", " ")
        return f"{_answered(attempt, attempt.reply, host)} Remote host said: {words}"
    if attempt.outcome is Outcome.UNCERTAIN:
        return _with_code(attempt, host, *_UNCERTAIN)
    return _with_code(attempt, host, *_unanswered(attempt))


def _answered(attempt: Attempt, reply: Reply, host: str) -> str:
    """Return the sentence before the server's words.

    A detail beside them says that they are no answer to what we asked for this recipient.
    """
    if attempt.outcome is Outcome.DELIVERED:
        return f"{host} accepted message."
    if attempt.outcome is Outcome.UNCERTAIN:
        return _AMBIGUOUS.format(host=host)
    if not reply.is_refusal:
        sentence, why = _STRANGE[0], attempt.detail
    elif attempt.detail:
        sentence, why = _BROKE_OFF, attempt.detail
    else:
        sentence, why = f"{_REFUSED.get(attempt.phase, _DIED[0].rstrip('.'))}.", ""
    return sentence.format(host=host) + _because(why)


def _unanswered(attempt: Attempt) -> tuple[str, str]:
    """Return the sentence, and the code that says so, where no server said anything.

    A code of ours tells that we have found the reason; without one, what a server did that is no
    reply of SMTP is its own doing.
    """
    own, phase = _split(attempt.detail)[0], attempt.phase
    lasting = phase is Phase.DNS and attempt.outcome is Outcome.FAILED
    if lasting or (phase is Phase.ROUTING and _WAYLESS.match(own)):
        return _NO_WAY
    if phase in _FAILED:
        return _FAILED[phase]
    if own or attempt.origin in (Origin.LOCAL, Origin.POLICY):
        return _NOT_SENT
    return _STRANGE if attempt.origin is Origin.REMOTE else _DIED


def why_not_dialled(attempt: Attempt) -> str:
    """Return why no host was dialled at all; empty where hosts were, and have their own reasons.

    The headline of an attempt that reached nobody is the same for all, so this goes below it.
    """
    if attempt.phase is not Phase.CONNECT or attempt.tries or attempt.reply is not None:
        return ""
    return _split(attempt.detail)[1]


def _split(detail: str) -> tuple[str, str]:
    """Return the code that a detail begins with, and the words."""
    own = status_code_at_head(detail) or ""
    return own, detail[len(own) :].strip()


def _with_code(attempt: Attempt, host: str, sentence: str, code: str) -> str:
    own = _split(attempt.detail)[0]
    reason = "" if attempt.phase is Phase.CONNECT else _because(attempt.detail)
    told = sentence.format(host=host, destination=attempt.destination)
    return f"{told}{reason} (#{own or code})"


def _because(detail: str) -> str:
    why = _split(detail)[1].rstrip(".")
    return f" {why}." if why else ""
