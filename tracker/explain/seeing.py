"""A reply as rules look at it: on one line, with its code, and not longer than they read."""

import re

from tracker.explain.rule import Seen
from tracker.model import Phase, Reply

_READ = 2000
"""Characters of a reply that rules look at."""
_LEADING_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\s")
_AT_RCPT = re.compile(r"^(?:[45]\.\d{1,3}\.\d{1,3} )?<[^>]{0,320}>: Recipient address rejected: ")
_CODE_INSIDE = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")


def seen_in(reply: Reply, phase: Phase | None, host: str) -> Seen:
    """Return what rules look at in a negative reply."""
    text = text_of(reply)
    code = reply.enhanced_status_code or _code_inside(reply, text)
    return Seen(text, str(reply.code), code, phase, host)


def reason_in(text: str) -> str:
    """Return what a Postfix gives as the reason, without what it says before any reason."""
    found = _AT_RCPT.match(text)
    return text[found.end() :] if found else text


def text_of(reply: Reply) -> str:
    """Return the reply on one line, with codes only where it begins."""
    first, *others = reply.lines or ("",)
    return " ".join([first, *(_LEADING_CODE.sub("", line) for line in others)])[:_READ]


def _code_inside(reply: Reply, text: str) -> str:
    """Return an enhanced status code that stands elsewhere than at the head; "" when none does."""
    match = _CODE_INSIDE.search(text)
    return match[1] if match and match[1][0] == str(reply.code)[0] else ""
