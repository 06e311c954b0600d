"""The files of rules that come with Sendtrace."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from tracker.explain.rule import RuleFile

_FOLDER: Final = Path(__file__).parent / "rules"
_WORDS: Final = "categories.toml"


@cache
def shipped_digest() -> str:
    """Return what tells the rules of one release from those of another, in 16 characters.

    The version of the files is set by hand and can be forgotten; what people read does not count.
    """
    digest = hashlib.sha256()
    for name in _rule_names():
        digest.update(read(name).encode())
    return digest.hexdigest()[:16]


def read(name: str) -> str:
    """Return the text of one file of `rules`."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def rule_files() -> Iterator[RuleFile]:
    """Return the files of rules in the order of their names, which is that of their stages."""
    for name in _rule_names():
        yield msgspec.toml.decode(read(name), type=RuleFile)


def _rule_names() -> list[str]:
    return sorted(path.name for path in _FOLDER.glob("*.toml") if path.name != _WORDS)
