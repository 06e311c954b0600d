"""A rule made ready: it is asked for every refusal, so that it has to say no at once."""

import re
from fnmatch import fnmatchcase
from itertools import product

from tracker.explain.rule import Rule, Seen

_CLASSES = "45"
_DIGITS = "0123456789"


class Matcher:
    """Says whether a refusal is one of a rule's."""

    __slots__ = ("_codes", "_expression", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._codes = frozenset(full for code in rule.codes for full in _written_out(code))
        self._expression: re.Pattern[str] | None = None

    def matches(self, seen: Seen) -> bool:
        """Say whether `seen` meets every condition."""
        rule, codes = self.rule, self._codes
        if codes and seen.enhanced not in codes and seen.basic not in codes:
            return False
        if rule.phases and seen.phase not in rule.phases:
            return False
        if rule.hosts and not any(fnmatchcase(seen.host, host) for host in rule.hosts):
            return False
        return not rule.patterns or self._find().search(seen.text) is not None

    def _find(self) -> re.Pattern[str]:
        """Return the expression; it is compiled when it is first needed."""
        if self._expression is None:
            self._expression = re.compile("|".join(self.rule.patterns), re.IGNORECASE)
        return self._expression


def _written_out(code: str) -> list[str]:
    """Return every code that one with `x` stands for: a class at the front, a digit behind it."""
    places = [
        (_DIGITS if n else _CLASSES) if character == "x" else character
        for n, character in enumerate(code)
    ]
    return ["".join(characters) for characters in product(*places)]
