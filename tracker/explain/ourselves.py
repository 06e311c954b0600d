"""What happened where no server said why: by our own sentence, its origin and the phase.

Our sentences begin with an enhanced status code wherever there is more to say than the phase.
"""

import re

from tracker.explain.book import Judgement, RuleBook
from tracker.explain.category import Side
from tracker.explain.meaning import meanings
from tracker.explain.rule import Rule, Stage
from tracker.model import Attempt, Origin, status_code_at_head


def judge_our_error(attempt: Attempt, book: RuleBook) -> Judgement:
    """Return what an attempt means that ended without a server's refusal."""
    code = status_code_at_head(attempt.detail)
    rule = book.by_code(code) if code else None
    if rule is not None and (attempt.origin is not Origin.LOCAL or _is_near(rule)):
        return Judgement(rule.id, rule.category)
    for own in book.stages[Stage.OWN]:
        if _is_case_of(attempt, own):
            return Judgement(own.id, own.category)
    raise AssertionError(f"no rule for our own errors in phase {attempt.phase}")


def _is_case_of(attempt: Attempt, rule: Rule) -> bool:
    """Say whether `attempt` meets every condition; patterns are for our own sentence."""
    if rule.origins and attempt.origin not in rule.origins:
        return False
    if rule.phases and attempt.phase not in rule.phases:
        return False
    return not rule.patterns or any(re.search(p, attempt.detail) for p in rule.patterns)


def _is_near(rule: Rule) -> bool:
    """Say whether this can be right for something that went wrong on this machine.

    That is never the recipient's fault or the network's.
    """
    side = meanings().categories[rule.category].side
    return side in (Side.SENDER, Side.OPERATOR)
