"""The files of rules that come with Sendtrace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from tracker.explain.rule import RuleFile

_FOLDER: Final = Path(__file__).parent / "rules"
_WORDS: Final = "categories.toml"


def read(name: str) -> str:
    """Return the text of one file of `rules`."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def rule_files() -> Iterator[RuleFile]:
    """Return the files of rules in the order of their names, which is that of their stages."""
    for name in sorted(path.name for path in _FOLDER.glob("*.toml")):
        if name != _WORDS:
            yield msgspec.toml.decode(read(name), type=RuleFile)
