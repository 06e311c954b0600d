"""From an attempt to its explanation."""

import re

import msgspec

from tracker.explain.category import WHO_CAN_FIX, Category, Side
from tracker.explain.codes import BASIC, ENHANCED
from tracker.explain.meanings import MEANINGS
from tracker.explain.ourselves import explain_our_error
from tracker.explain.providers import PROVIDERS
from tracker.explain.texts import TEXTS
from tracker.model import Attempt, Outcome, Reply

_READ = 2000
"""Characters of a reply that rules look at."""
_CODES = re.compile(r"(?:^|(?<=\s))[245]\d\d[- ](?:[245]\.\d{1,3}\.\d{1,3}\s)?")


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt in plain words. `rule` says which rule matched, for whoever doubts it."""

    rule: str
    category: Category
    side: Side
    what_happened: str
    who_can_fix: str
    what_you_can_do: str


def explain(attempt: Attempt, *, given_up: bool = False) -> Explanation:
    """Explain `attempt`; `given_up` when it was the last one although it could be repeated."""
    rule, category = _judge(attempt)
    meaning = MEANINGS[category]
    final = given_up or attempt.outcome is Outcome.FAILED
    return Explanation(
        rule=rule,
        category=category,
        side=meaning.side,
        what_happened=meaning.what_happened,
        who_can_fix=meaning.who_can_fix or WHO_CAN_FIX[meaning.side],
        what_you_can_do=meaning.once_failed if final else meaning.while_waiting,
    )


def categorize_reply(reply: Reply) -> tuple[str, Category]:
    """Return the name of the rule that matches a negative reply, and its category."""
    text = _CODES.sub(" ", " ".join(reply.lines)[:_READ])
    for rule in PROVIDERS:
        if rule.matches(text):
            return rule.name, rule.category
    code = reply.enhanced_status_code
    if code is not None and (category := ENHANCED.get(code[2:])):
        return f"enhanced:{code}", category
    for rule in TEXTS:
        if rule.matches(text):
            return rule.name, rule.category
    if category := BASIC.get(reply.code):
        return f"code:{reply.code}", category
    return "none", Category.NO_REASON


def _judge(attempt: Attempt) -> tuple[str, Category]:
    if attempt.outcome is Outcome.DELIVERED:
        return "outcome:delivered", Category.ACCEPTED
    if attempt.outcome is Outcome.UNCERTAIN:
        return "outcome:uncertain", Category.UNCERTAIN
    reply = attempt.reply
    if reply is None or reply.is_positive:
        return explain_our_error(attempt)
    return categorize_reply(reply)
