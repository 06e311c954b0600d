"""What can be wrong with a configuration, and how it is said.

    Exception
    └── ConfigError     everything that is wrong, as Problems

A problem never repeats a secret: whoever makes one passes values through `shown`.
"""

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

_LONGEST_SHOWN = 80
_WIDEST = 64
_PASSWORDS = (
    (re.compile(r"(:/*[^:/@\s]*):.*@"), r"\1:(secret)@"),
    (re.compile(r"(password=)[^&\s]+", re.IGNORECASE), r"\1(secret)"),
)


class Problem(msgspec.Struct, frozen=True):
    """One thing to correct: where, what is there, what belongs there, and perhaps a hint.

    `origin` names the environment variable or file the value came from when that is not the
    configuration file itself, `place` file and line when it is.
    """

    key: str
    found: str
    expected: str
    hint: str = ""
    origin: str = ""
    place: str = ""

    def __str__(self) -> str:
        """Return the problem as one line."""
        origin = f" (from {self.origin})" if self.origin else ""
        hint = f"; {self.hint}" if self.hint else ""
        place = f" [{self.place}]" if self.place else ""
        return f"{self.key}{origin}: found {self.found}, expected {self.expected}{hint}{place}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems in the order they were found."""
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return all problems, one per line."""
        return "\n".join(str(problem) for problem in self.problems)


def shown(value: object, secret: bool = False) -> str:
    """Return a found value as it may appear in a message: short, on one line, without passwords."""
    if secret:
        return "(secret)"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, int) and value.bit_length() > _WIDEST:
        # Python refuses to write numbers of more than some thousand digits.
        return "a very large number"
    if isinstance(value, str | bool | int | float):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value)
    text = without_passwords(text.encode(errors="backslashreplace").decode())
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def without_passwords(text: str) -> str:
    """Return `text` with the passwords inside URLs replaced by `(secret)`."""
    for pattern, replacement in _PASSWORDS:
        text = pattern.sub(replacement, text)
    return text


def did_you_mean(wrong: str, candidates: Iterable[str], quote: str = '"') -> str:
    """Return `did you mean "…"?` for the closest candidate, or nothing when none is close."""
    close = get_close_matches(wrong, list(candidates), n=1, cutoff=0.6)
    return f"did you mean {quote}{close[0]}{quote}?" if close else ""
