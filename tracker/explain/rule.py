"""What a rule is: one thing that is said, or happens, and what it means."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from tracker.explain.category import Category, Side
from tracker.model import Origin, Phase


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
    basic: str
    """The reply code."""
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


class RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of rules of one stage, in the order in which they are tried."""

    version: str
    """The day of the last change, e.g. "2026-11-28"."""
    stage: Stage
    rule: tuple[Rule, ...]
