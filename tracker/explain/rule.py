"""What a rule is: one thing that is said, or happens, and what it means."""

import re
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

import msgspec

from tracker.explain.category import Category, Side
from tracker.model import Origin, Phase

_compile = lru_cache(maxsize=2048)(re.compile)
"""Kept beside `re`'s own cache, which is smaller than what we have and is emptied as a whole."""


class Stage(StrEnum):
    """When a rule has its say; the first stage in which one matches decides."""

    OWN = "own"
    """Where no server refused anything: our own, network, DNS and TLS errors."""
    CORRECTION = "correction"
    """What an operator has written."""
    PHASE = "phase"
    PROVIDER = "provider"
    ENHANCED = "enhanced"
    """Enhanced status codes that mean what they say."""
    TEXT = "text"
    LOOSE = "loose"
    """Enhanced status codes that servers use loosely: words beside them say more."""
    BASIC = "basic"


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule must match before any other does."""

    reply: str = ""
    """As on the wire, lines joined by a newline; "" where no server said anything."""
    detail: str = ""
    """Our own sentence, where `reply` is empty."""
    origin: Origin = Origin.REMOTE
    phase: Phase | None = None
    host: str = ""


class Seen(NamedTuple):
    """One refusal as rules look at it."""

    text: str
    """The reply on one line, without its reply codes."""
    basic: int
    enhanced: str
    """The enhanced status code; "" when there is none."""
    phase: Phase | None
    """None when that is not known, as with a reply that somebody has pasted."""
    host: str
    """The MX that said it, in lower case; "" when that is not known."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refusals that meet every condition given belong to `category`.

    `source` says where the wording or the meaning of a code is documented or was seen.
    """

    id: str
    category: Category
    phases: tuple[Phase, ...] = ()
    hosts: tuple[str, ...] = ()
    """Names of the MX, where `*` stands for anything: `*.mail.protection.outlook.com`."""
    origins: tuple[Origin, ...] = ()
    """Whose doing it was; for our own errors alone."""
    codes: tuple[str, ...] = ()
    """Reply codes and enhanced status codes; `x` stands for any digit: `x.1.1`, `55x`."""
    patterns: tuple[str, ...] = ()
    """Regular expressions, of which one has to be found; letters of either case match."""
    side: Side | None = None
    """Whose job it is, where that differs from the category's."""
    source: str
    examples: tuple[Example, ...] = ()

    def matches(self, seen: Seen) -> bool:
        """Say whether `seen` is one of this rule's."""
        return (
            (not self.phases or seen.phase in self.phases)
            and (not self.hosts or any(fnmatchcase(seen.host, host) for host in self.hosts))
            and (not self.codes or any(_is_code(code, seen) for code in self.codes))
            and (not self.patterns or self._expression.search(seen.text) is not None)
        )

    @property
    def _expression(self) -> re.Pattern[str]:
        return _compile("|".join(self.patterns), re.IGNORECASE)


class RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of rules of one stage, in the order in which they are tried."""

    version: str
    """The day of the last change, e.g. "2026-11-28"."""
    stage: Stage
    rule: tuple[Rule, ...]


def _is_code(code: str, seen: Seen) -> bool:
    said = seen.enhanced if "." in code else str(seen.basic)
    if "x" not in code:
        return code == said
    return len(code) == len(said) and all(c in ("x", d) for c, d in zip(code, said, strict=True))
