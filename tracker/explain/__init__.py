"""Why an attempt ended as it did, whose doing it is, and what the sender can do.

Rules decide in this order: our own, network, DNS and TLS errors; how far the attempt had come;
what large providers say; the enhanced status code; the text; the basic code. Where nothing
matches, the answer is that the server gave no usable reason: we never guess.
"""

from tracker.explain.category import Category, Side
from tracker.explain.explanation import Explanation, categorize_reply, explain, judge
from tracker.explain.headline import headline, why_not_dialled

__all__ = [
    "Category",
    "Explanation",
    "Side",
    "categorize_reply",
    "explain",
    "headline",
    "judge",
    "why_not_dialled",
]
