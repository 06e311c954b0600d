"""The files of rules that come with Sendtrace."""

from collections.abc import Iterator
from importlib.resources import files

import msgspec

from tracker.explain.rule import RuleFile

_WORDS = "categories.toml"


def read(name: str) -> str:
    """Return the text of one file of `rules`."""
    return (files("tracker.explain") / "rules" / name).read_text(encoding="utf-8")


def rule_files() -> Iterator[RuleFile]:
    """Return the files of rules in the order of their names, which is that of their stages."""
    names = (entry.name for entry in (files("tracker.explain") / "rules").iterdir())
    for name in sorted(name for name in names if name.endswith(".toml") and name != _WORDS):
        yield msgspec.toml.decode(read(name), type=RuleFile)
