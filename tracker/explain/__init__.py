"""Why an attempt ended as it did, whose doing it is, and what the sender can do.

Rules decide in this order: our own, network, DNS and TLS errors; what an operator has corrected;
how far the attempt had come; what large providers say; the enhanced status code; the text; the
basic code. Where nothing matches, the answer is that the server gave no usable reason: we never
guess. The rules are data, in `rules/*.toml`.
"""

from tracker.explain.book import UNMATCHED, Judgement, RuleBook, shipped
from tracker.explain.category import Category, Side
from tracker.explain.explanation import (
    Explanation,
    categorize_reply,
    explain,
    explain_reply,
    judge,
    may_suppress,
)
from tracker.explain.headline import headline, why_not_dialled
from tracker.explain.meaning import categories_of
from tracker.explain.shipped import shipped_digest

__all__ = [
    "UNMATCHED",
    "Category",
    "Explanation",
    "Judgement",
    "RuleBook",
    "Side",
    "categories_of",
    "categorize_reply",
    "explain",
    "explain_reply",
    "headline",
    "judge",
    "may_suppress",
    "shipped",
    "shipped_digest",
    "why_not_dialled",
]
