"""A rule that an operator has written: it goes before those that come with Sendtrace."""

import re
from datetime import datetime
from typing import Final

import msgspec

from tracker.explain.category import Category
from tracker.explain.effort import TooCostly, ways
from tracker.explain.rule import Rule
from tracker.model import Phase

MOST: Final = 200
"""Corrections at a time: each is looked at for every refusal."""
LONGEST: Final = 300
"""Characters of each field."""
TIRING: Final = 2000
"""Ways in which an expression may be tried at one place of a text."""

_CODE: Final = re.compile(r"[45x](?:[0-9x]{2}|\.\d{1,3}\.\d{1,3})")
_PREFIX: Final = "operator:"
"""Of the ids of these rules."""
_HOST: Final = re.compile(r"[a-z0-9.*_-]+")


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """Refusals that meet every condition given belong to `category`."""

    id: str
    category: Category
    words: str = ""
    """Found anywhere in the reply; letters of either case match."""
    expression: str = ""
    """A regular expression that is found in it."""
    code: str = ""
    """A reply code or an enhanced status code; `x` stands for any digit: `x.7.1`, `55x`."""
    host: str = ""
    """The name of the MX, where `*` stands for anything."""
    phase: Phase | None = None
    note: str = ""
    """Why it is right, for whoever reads it later."""
    created_at: datetime
    created_by: str
    off_since: datetime | None = None
    """When it was switched off; None while it counts."""


class RuleAct(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody changed the corrections, or a release brought other rules."""

    at: datetime
    actor: str
    act: str
    """added, switched off, switched on, removed; shipped."""
    rule: str
    detail: str


def is_operators(rule: str) -> bool:
    """Say whether the rule of this id is an operator's."""
    return rule.startswith(_PREFIX)


def rule_of(correction: Correction) -> Rule:
    """Return a correction as a rule."""
    pattern = re.escape(correction.words) if correction.words else correction.expression
    return Rule(
        id=f"{_PREFIX}{correction.id}",
        category=correction.category,
        phases=(correction.phase,) if correction.phase else (),
        hosts=(correction.host,) if correction.host else (),
        codes=(correction.code,) if correction.code else (),
        patterns=(pattern,) if pattern else (),
        source=correction.note or f"Written by {correction.created_by}",
    )


def problem_of(correction: Correction) -> str:
    """Return what keeps a correction from being used; "" when nothing does."""
    fields = (correction.words, correction.expression, correction.host, correction.note)
    if any(len(field) > LONGEST for field in fields):
        return f"Each field takes {LONGEST} characters at most."
    if correction.words and correction.expression:
        return "Give words or an expression, not both."
    if not (correction.words or correction.expression or correction.code):
        return "Say how to recognise the replies: by words, an expression or a code."
    if correction.words and len(correction.words.strip()) < 3:
        return "The words are too short: they would be found in nearly every reply."
    if correction.code and not _CODE.fullmatch(correction.code):
        return "A code looks like 550, 55x, 5.7.1 or x.7.1."
    if correction.host and not _HOST.fullmatch(correction.host):
        return "A host is a name in lower case, such as mx.example.org or *.example.org."
    return _problem_of_expression(correction.expression)


def _problem_of_expression(expression: str) -> str:
    if not expression:
        return ""
    try:
        costly = ways(expression) > TIRING
        too_wide = re.compile(expression).search("") is not None
    except TooCostly as problem:
        return f"The expression cannot be used: {problem}."
    if costly:
        return "The expression cannot be used: it could be tried in too many ways."
    return "The expression cannot be used: it matches every reply." if too_wide else ""
