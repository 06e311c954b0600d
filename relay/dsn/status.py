"""The Status field: an enhanced status code that never says more than is known (RFC 3463)."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from relay.dsn.report import Action, Reported
from tracker.explain import Category, explain
from tracker.model import Attempt, Outcome, Phase

_CLASSES: Mapping[Action, str] = MappingProxyType(
    {Action.FAILED: "5", Action.DELAYED: "4", Action.RELAYED: "2"}
)
_VALID = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")

# Only codes with one meaning: 550, 552, 553 and 554 are used for everything.
_BY_CODE: Mapping[int, str] = MappingProxyType(
    {
        421: "3.2",
        432: "7.12",
        450: "2.0",
        451: "3.0",
        452: "3.1",
        500: "5.2",
        501: "5.4",
        502: "5.1",
        503: "5.1",
        504: "5.4",
        521: "3.2",
        530: "7.0",
        535: "7.8",
        551: "1.6",
        555: "5.4",
        556: "1.10",
    }
)
_BY_CATEGORY: Mapping[Category, str] = MappingProxyType(
    {
        Category.DOMAIN_NO_MAIL: "1.10",
        Category.DOMAIN_UNKNOWN: "1.2",
        Category.ROUTING_LOOP: "4.6",
        Category.SMTPUTF8_UNSUPPORTED: "6.7",
        Category.SIZE_LIMIT: "3.4",
        Category.TLS_FAILED: "7.10",
        Category.LOCAL_FAULT: "3.0",
    }
)
_BY_PHASE: Mapping[Phase, str] = MappingProxyType(
    {
        Phase.ROUTING: "4.4",
        Phase.DNS: "4.3",
        Phase.CONNECT: "4.1",
        Phase.GREETING: "4.1",
        Phase.EHLO: "4.2",
        Phase.STARTTLS: "7.5",
        Phase.AUTH: "7.8",
        Phase.MAIL: "4.2",
        Phase.RCPT: "4.2",
        Phase.DATA: "4.2",
        Phase.CONTENT: "4.2",
        Phase.FINAL_DOT: "4.2",
    }
)


def status_of(reported: Reported, action: Action) -> str:
    """Return the Status of one recipient: the server's own code where its class fits.

    Expiry is 5.4.7 whatever the last reason was: a full mailbox or a dead server for a week is
    not a fault of the address. The reason stays in Diagnostic-Code.
    """
    if reported.expired:
        return "5.4.7"
    attempt = reported.attempt
    wanted = _CLASSES[action]
    said = attempt.reply.enhanced_status_code if attempt.reply else None
    if said is not None and said[0] == wanted and _VALID.fullmatch(said):
        return said
    return f"{wanted}.{_subject_and_detail(attempt)}"


def _subject_and_detail(attempt: Attempt) -> str:
    if attempt.outcome is Outcome.DELIVERED:
        return "0.0"
    if attempt.outcome is Outcome.UNCERTAIN:
        return "4.2"
    reply = attempt.reply
    if reply is None or reply.is_positive:
        return _BY_CATEGORY.get(explain(attempt).category) or _BY_PHASE[attempt.phase]
    return _BY_CODE.get(reply.code, "0.0")
