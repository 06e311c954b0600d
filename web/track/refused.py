"""Why a submission was refused, in plain words. Pure.

Our own replies are few and their codes are ours, so that they say it; where they do not, the
words of the reply stand for themselves.
"""

import re
from typing import Final

from tracker.model import Refusal

_CODES: Final = re.compile(r"([45][0-9]{2})(?: ([45]\.[0-9]{1,3}\.[0-9]{1,3}))?")

UNKNOWN: Final = "The relay did not take it; its words below say why."

_REASONS: Final[dict[str, str]] = {
    "530": "Nobody had logged in. The mail program has to be told the account and its password.",
    "553 5.7.1": "This account may not send under this sender's address.",
    "550 5.7.1": "This relay does not carry mail for this client or by this way.",
    "552 5.3.4": "The message is larger than this relay takes. Send a link or smaller files.",
    "452 4.5.3": (
        "More recipients than one message may have. Mail programs send the rest in another "
        "message; if this one did not, send to fewer at once."
    ),
    "452 4.3.1": "There was no room for it at that time. It is our job; trying again helps.",
    "554 5.4.6": "It had gone in a circle from server to server.",
    "550 5.6.0": "The message breaks a rule of how mail is written. Another program may do better.",
    "553 5.6.7": "An address needs letters that the mail program did not announce (SMTPUTF8).",
}
"""By reply code, or by both codes."""

_BY_DETAIL: Final[dict[str, str]] = {
    "1.1": "This address may not be sent to.",
    "1.3": "The address of the recipient is not written correctly.",
    "1.7": "The address of the sender is not written correctly.",
    "2.2": "This account has sent as much as it may for now.",
    "5.2": "The mail program said something that no mail server understands.",
    "5.4": "The mail program asked for something that this relay does not know.",
    "7.0": "A rule of this relay forbids it.",
    "7.1": "A rule of this relay forbids it.",
}
"""By the subject and detail of the enhanced status code (RFC 3463)."""


_SUPPRESSED: Final = "Nothing is sent to this address"
"""How our reply begins where the recipient is on the list of suppressions, whatever its codes."""
_WHY_SUPPRESSED: Final = (
    "This address is suppressed: mail for it is refused until somebody takes it off the list."
)


def is_suppressed(refusal: Refusal) -> bool:
    """Say whether it was refused because its recipient is on the list of suppressions."""
    return _SUPPRESSED in refusal.reply


def why_refused(refusal: Refusal) -> str:
    """Return the reason in a sentence or two."""
    if is_suppressed(refusal):
        return _WHY_SUPPRESSED
    match = _CODES.match(refusal.reply)
    if match is None:
        return UNKNOWN
    code, enhanced = match[1], match[2] or ""
    for key in (f"{code} {enhanced}", code):
        if key in _REASONS:
            return _REASONS[key]
    if enhanced[2:] in _BY_DETAIL:
        return _BY_DETAIL[enhanced[2:]]
    if enhanced.startswith("4.3.") or code in ("451", "421"):
        return "The relay had a fault at that time. It is our job; trying again helps."
    return UNKNOWN


def helps_to_try_again(refusal: Refusal) -> bool:
    """Say whether the same may be taken at another time."""
    return refusal.reply[:1] == "4"


WHEN: Final = {
    "MAIL": "when its sender was named",
    "RCPT": "when this recipient was named",
    "DATA": "when it had come in whole",
}
"""At which point of the conversation."""
