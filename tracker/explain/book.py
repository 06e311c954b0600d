"""All rules in the order in which they are tried: those of an operator first."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tracker.explain.category import Category
from tracker.explain.matcher import Matcher
from tracker.explain.rule import Rule, RuleFile, Seen, Stage
from tracker.explain.seeing import reason_in, seen_in
from tracker.explain.shipped import rule_files
from tracker.model import Phase, Reply

_KEPT = 512
"""Judgements that a book remembers: servers say the same again and again."""
UNMATCHED = "none"
"""The rule of what no rule matches."""


class Judgement(NamedTuple):
    """Which rule decided, and what it says."""

    rule: str
    category: Category


class RuleBook:
    """What refusals mean. It never changes: another set of rules is another book."""

    def __init__(self, version: str, stages: Mapping[Stage, Sequence[Rule]]) -> None:
        self.version = version
        """Of the files, and of the corrections where there are any: "2026-11-28+3"."""
        self.stages = MappingProxyType({stage: tuple(stages.get(stage, ())) for stage in Stage})
        self._matchers = {
            stage: [Matcher(rule) for rule in rules] for stage, rules in self.stages.items()
        }
        self._by_id = {rule.id: rule for rules in self.stages.values() for rule in rules}
        self._remembered = lru_cache(maxsize=_KEPT)(self._look_up)

    def rule(self, id: str) -> Rule | None:
        """Return a rule by its id; None where none decided, or where it is not in this book."""
        return self._by_id.get(id)

    def judge_reply(self, reply: Reply, phase: Phase | None = None, host: str = "") -> Judgement:
        """Return what a negative reply means."""
        return self._remembered(reply, phase, host.lower())

    def by_code(self, enhanced: str) -> Rule | None:
        """Return the rule for an enhanced status code alone."""
        seen = Seen("", "", enhanced, None, "")
        return self._first(Stage.ENHANCED, seen) or self._first(Stage.LOOSE, seen)

    def with_corrections(self, rules: Iterable[Rule], revision: int) -> "RuleBook":
        """Return the shipped rules with an operator's before them."""
        stages = {**self.stages, Stage.CORRECTION: tuple(rules)}
        return RuleBook(f"{self.version.partition('+')[0]}+{revision}", stages)

    def with_first(self, rule: Rule) -> "RuleBook":
        """Return these rules with one more of an operator's, before all others."""
        mine = (rule, *self.stages[Stage.CORRECTION])
        return RuleBook(self.version, {**self.stages, Stage.CORRECTION: mine})

    def _look_up(self, reply: Reply, phase: Phase | None, host: str) -> Judgement:
        seen = seen_in(reply, phase, host)
        for stage in Stage:
            if stage is not Stage.OWN and (rule := self._decide(stage, seen)):
                return Judgement(rule.id, rule.category)
        return Judgement(UNMATCHED, Category.NO_REASON)

    def _decide(self, stage: Stage, seen: Seen) -> Rule | None:
        if stage is Stage.TEXT and (reason := reason_in(seen.text)) != seen.text:
            only_reason = seen._replace(text=reason)
            return self._first(stage, only_reason) or self._first(stage, seen)
        return self._first(stage, seen)

    def _first(self, stage: Stage, seen: Seen) -> Rule | None:
        for matcher in self._matchers[stage]:
            if matcher.matches(seen):
                return matcher.rule
        return None


def book_of(files: Iterable[RuleFile]) -> RuleBook:
    """Return a book of the rules in `files`."""
    stages: dict[Stage, list[Rule]] = {}
    version = ""
    for file in files:
        stages.setdefault(file.stage, []).extend(file.rule)
        version = max(version, file.version)
    return RuleBook(version, stages)


@cache
def shipped() -> RuleBook:
    """Return the rules that come with Sendtrace; they are read once, when first needed."""
    return book_of(rule_files())
