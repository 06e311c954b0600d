"""What a correction would change, before anybody has saved it."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from tracker.explain.book import RuleBook
from tracker.explain.category import Category
from tracker.explain.correction import Correction, rule_of
from tracker.explain.explanation import judge
from tracker.explain.likeness import Likeness, group
from tracker.model import Attempt

_BETWEEN = re.compile(r"<(?:address|ip|link|id)>|#|[245]\.\d{1,3}\.\d{1,3}")
_EDGES = " .,:;()[]<>-\"'"


class Effect(NamedTuple):
    """Replies that say the same, and what they were and would be."""

    replies: Likeness
    before: Category
    after: Category


def effects(attempts: Iterable[Attempt], book: RuleBook, correction: Correction) -> list[Effect]:
    """Return what `correction` would change of `attempts`, which come with the newest first."""
    corrected = book.with_first(rule_of(correction))
    changed = defaultdict[tuple[Category, Category], list[Attempt]](list)
    for attempt in attempts:
        before, after = judge(attempt, book).category, judge(attempt, corrected).category
        if before is not after:
            changed[before, after].append(attempt)
    found = [
        Effect(replies, before, after)
        for (before, after), some in changed.items()
        for replies in group(some)
    ]
    return sorted(found, key=lambda effect: -effect.replies.number)


def words_of(shape: str) -> str:
    """Return the longest words in a shape that are no names and numbers: to know it by."""
    parts = [part.strip(_EDGES) for part in _BETWEEN.split(shape[4:])]
    return max(parts, key=len, default="")
