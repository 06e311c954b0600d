"""From an attempt to its explanation."""

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from tracker.explain.category import WHO_CAN_FIX, Category, Side
from tracker.explain.codes import BASIC, PRECISE, VAGUE
from tracker.explain.meanings import MEANINGS
from tracker.explain.ourselves import explain_our_error
from tracker.explain.providers import PROVIDERS
from tracker.explain.rules import Rule
from tracker.explain.texts import TEXTS
from tracker.model import Attempt, Outcome, Phase, Reply

_READ = 2000
"""Characters of a reply that rules look at."""
_LEADING_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\s")
_CODE_INSIDE = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")


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
    rule, category = judge(attempt)
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


@lru_cache(maxsize=512)
def categorize_reply(reply: Reply) -> tuple[str, Category]:
    """Return the name of the rule that matches a negative reply, and its category."""
    text = _text_of(reply)
    if rule := _first_match(PROVIDERS, text):
        return rule.name, rule.category
    code = reply.enhanced_status_code or _code_inside(reply, text)
    if category := PRECISE.get(code[2:]):
        return f"enhanced:{code}", category
    if rule := _first_match(TEXTS, text):
        return rule.name, rule.category
    if category := VAGUE.get(code[2:]):
        return f"enhanced:{code}", category
    if category := BASIC.get(reply.code):
        return f"code:{reply.code}", category
    return "none", Category.NO_REASON


def _text_of(reply: Reply) -> str:
    """Return the reply on one line, with codes only where it begins."""
    first, *others = reply.lines or ("",)
    return " ".join([first, *(_LEADING_CODE.sub("", line) for line in others)])[:_READ]


def _first_match(rules: Sequence[Rule], text: str) -> Rule | None:
    return next((rule for rule in rules if rule.matches(text)), None)


def _code_inside(reply: Reply, text: str) -> str:
    """Return an enhanced status code that stands elsewhere than at the head; "" when none does."""
    match = _CODE_INSIDE.search(text)
    return match[1] if match and match[1][0] == str(reply.code)[0] else ""


def judge(attempt: Attempt) -> tuple[str, Category]:
    """Return the name of the rule that says why `attempt` ended as it did, and its category."""
    if attempt.outcome is Outcome.DELIVERED:
        return "outcome:delivered", Category.ACCEPTED
    if attempt.outcome is Outcome.UNCERTAIN:
        return "outcome:uncertain", Category.UNCERTAIN
    reply = attempt.reply
    if reply is None or not 400 <= reply.code < 600:
        return explain_our_error(attempt)
    if attempt.phase is Phase.STARTTLS:
        return "phase:starttls", Category.TLS_FAILED
    if attempt.phase is Phase.AUTH:
        return "phase:auth", Category.LOGIN_REFUSED
    return categorize_reply(reply)
