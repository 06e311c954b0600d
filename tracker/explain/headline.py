"""One classic sentence for an attempt, with the server's words in it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from tracker.model import Attempt, Outcome, Phase

_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
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
        Phase.ROUTING: ("Sorry, I do not know a way to {destination}.", "4.4.4"),
        Phase.DNS: ("Sorry, I could not look up {destination}.", "4.4.3"),
        Phase.CONNECT: ("Sorry, I wasn't able to establish an SMTP connection.", "4.4.1"),
        Phase.GREETING: ("Connected to {host} but it did not greet.", "4.4.2"),
        Phase.STARTTLS: ("Connected to {host} but TLS failed.", "4.7.5"),
        Phase.AUTH: ("Connected to {host} but could not log in.", "4.7.8"),
    }
)
"""Where it did not, and the code that says so."""
_DIED = ("Connected to {host} but connection died.", "4.4.2")
_UNCERTAIN = (
    "Connected to {host} but connection died after the message was sent. Possible duplicate!",
    "4.4.2",
)


def headline(attempt: Attempt) -> str:
    """Return what became of `attempt` in one line; the server's words in it are not escaped."""
    host = attempt.target.address or attempt.target.host if attempt.target else attempt.destination
    if attempt.outcome is Outcome.UNCERTAIN:
        return _with_code(attempt, host, *_UNCERTAIN)
    if attempt.reply is None:
        lasting = attempt.phase is Phase.DNS and attempt.outcome is Outcome.FAILED
        phase = Phase.ROUTING if lasting else attempt.phase
        return _with_code(attempt, host, *_FAILED.get(phase, _DIED))
    said = attempt.reply.text.replace("\n", " ")
    if attempt.outcome is Outcome.DELIVERED:
        return f"{host} accepted message. Remote host said: {said}"
    sentence = _REFUSED.get(attempt.phase, "Connected to {host} but connection died")
    return f"{sentence.format(host=host)}. Remote host said: {said}"


def why_not_dialled(attempt: Attempt) -> str:
    """Return why no host was dialled at all; empty where hosts were, and have their own reasons.

    The headline of an attempt that reached nobody is the same for all, so this goes below it.
    """
    if attempt.phase is not Phase.CONNECT or attempt.tries or attempt.reply is not None:
        return ""
    return _split(attempt.detail)[1]


def _split(detail: str) -> tuple[str, str]:
    """Return the code that a detail begins with, and the words."""
    own = _CODE.match(detail)
    return ("", detail.strip()) if own is None else (own[0], detail[own.end() :].strip())


def _with_code(attempt: Attempt, host: str, sentence: str, code: str) -> str:
    own, why = _split(attempt.detail)
    reason = f" {why.rstrip('.')}." if why and attempt.phase is not Phase.CONNECT else ""
    told = sentence.format(host=host, destination=attempt.destination)
    return f"{told}{reason} (#{own or code})"
