"""What happened where no server said why: by our own sentence, its origin and the phase.

Our sentences begin with an enhanced status code wherever there is more to say than the phase.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from tracker.explain.category import Category, Side
from tracker.explain.codes import PRECISE, VAGUE
from tracker.explain.meanings import MEANINGS
from tracker.model import Attempt, Origin, Phase

_CODE = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})(?=\s|$)")
_PHASES: Mapping[Phase, Category] = MappingProxyType(
    {
        Phase.ROUTING: Category.DOMAIN_UNROUTABLE,
        Phase.DNS: Category.DNS_FAILURE,
        Phase.CONNECT: Category.CONNECT_FAILED,
        Phase.GREETING: Category.CONNECT_FAILED,
        Phase.EHLO: Category.CONNECTION_LOST,
        Phase.STARTTLS: Category.TLS_FAILED,
        Phase.AUTH: Category.LOGIN_REFUSED,
        Phase.MAIL: Category.CONNECTION_LOST,
        Phase.RCPT: Category.CONNECTION_LOST,
        Phase.DATA: Category.CONNECTION_LOST,
        Phase.CONTENT: Category.CONNECTION_LOST,
        Phase.FINAL_DOT: Category.CONNECTION_LOST,
    }
)


def explain_our_error(attempt: Attempt) -> tuple[str, Category]:
    """Return rule and category of an attempt that ended without a server's refusal."""
    code = _CODE.match(attempt.detail)
    category = (PRECISE.get(code[1]) or VAGUE.get(code[1])) if code else None
    if attempt.origin is Origin.LOCAL:
        # What went wrong on this machine is never the recipient's fault or the network's.
        ours = category is not None and MEANINGS[category].side in (Side.SENDER, Side.OPERATOR)
        return "origin:local", category if category and ours else Category.LOCAL_FAULT
    if code and category:
        return f"own:{code[0]}", category
    return f"phase:{attempt.phase}", _PHASES[attempt.phase]
