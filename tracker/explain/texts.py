"""What servers say in words, whoever runs them."""

from tracker.explain.category import Category
from tracker.explain.rules import Rule

TEXTS: tuple[Rule, ...] = (
    Rule(
        "text:greylisted",
        Category.GREYLISTED,
        r"gr[ae]y-?list",
        example="Greylisted, please try again in 300 seconds",
        source="RFC 6647",
    ),
)
