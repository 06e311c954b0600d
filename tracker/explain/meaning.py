"""Every category in plain words: what happened, and what the sender can do.

The words are in `rules/categories.toml`: simple language on purpose; the server's own words are
always shown beside it.
"""

from functools import cache

import msgspec

from tracker.explain.category import Category, Side
from tracker.explain.shipped import read


class Meaning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One category in plain words."""

    side: Side
    what_happened: str
    once_failed: str
    """What the sender can do when we have given up."""
    while_waiting: str = "Nothing. We keep trying by ourselves."
    """What the sender can do while we keep trying."""
    who_can_fix: str = ""
    """Where it is somebody else than the side says."""


class Meanings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All words there are."""

    sides: dict[Side, str]
    """Who can fix it, for each side."""
    categories: dict[Category, Meaning]


@cache
def categories_of(side: Side) -> frozenset[Category]:
    """Return why attempts fail whose mending is up to `side`; what was accepted needs none."""
    found = (each for each, meaning in meanings().categories.items() if meaning.side is side)
    return frozenset(found) - {Category.ACCEPTED}


@cache
def meanings() -> Meanings:
    """Return the words; they are read once, when they are first needed."""
    return msgspec.toml.decode(read("categories.toml"), type=Meanings)
