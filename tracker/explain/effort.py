"""How many ways a regular expression may try at one place before it gives up.

`re` goes back and tries again, so that a short pattern can take for ever on a text made for it.
This reads a small language of patterns, in which the worst case can be computed, and refuses the
rest: no group that repeats except `(…)?` and `(…){n}`, no `*`, `+` or `{n,}`, no look-around but
at one place, no back-references.
"""

import re
from typing import Final

_BOUNDS: Final = re.compile(r"\{(\d{1,4})(?:,(\d{1,4}))?\}")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_GROUP: Final = re.compile(r"\((?:\?(?::|=|!|<=|<!))?")
_LONGEST: Final = 4000
_DEEPEST: Final = 20


class TooCostly(ValueError):
    """A pattern that may not be used; says why."""


def ways(pattern: str) -> int:
    """Return in how many ways `pattern` can be tried at one place of a text, at most.

    Raises TooCostly where that cannot be told, and where the pattern is no regular expression.
    """
    if len(pattern) > _LONGEST:
        raise TooCostly(f"it is longer than {_LONGEST} characters")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as problem:
        raise TooCostly(f"it is no regular expression: {problem}") from None
    reader = _Reader(pattern)
    found = reader.alternatives(0)
    if reader.at < len(pattern):
        raise TooCostly("its parentheses do not match")
    return found


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def alternatives(self, depth: int) -> int:
        """Read up to the end of the group: what is tried one after the other adds up."""
        if depth > _DEEPEST:
            raise TooCostly("its groups are nested too deeply")
        total = self._sequence(depth)
        while self._next("|"):
            total += self._sequence(depth)
        return total

    def _sequence(self, depth: int) -> int:
        """Read what has to match one after the other: each way of one with each of the next."""
        product = 1
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            product *= self._piece(depth)
        return product

    def _piece(self, depth: int) -> int:
        group = self._match(_GROUP)
        if group is not None:
            inner = self.alternatives(depth + 1)
            if not self._next(")"):
                raise TooCostly("its parentheses do not match")
            return self._repeated_group(inner)
        self._character()
        least, most = self._bounds()
        return most - least + 1

    def _character(self) -> None:
        if self._match(_CLASS) is not None:
            return
        if self._next("\\"):
            if self._pattern[self.at : self.at + 1].isdigit():
                raise TooCostly("it refers back to what has matched")
            self.at += 1
        else:
            self.at += 1

    def _repeated_group(self, inner: int) -> int:
        least, most = self._bounds()
        if (least, most) == (0, 1):
            return inner + 1
        if least != most or most > 4:
            raise TooCostly("a group repeats: write out how often")
        return int(inner**most)

    def _bounds(self) -> tuple[int, int]:
        """Read how often the piece before is repeated."""
        if self._next("?"):
            bounds = (0, 1)
        elif found := self._match(_BOUNDS):
            bounds = (int(found[1]), int(found[2] or found[1]))
        elif self._pattern.startswith(("*", "+", "{"), self.at):
            raise TooCostly("it repeats without a bound: write .{0,60} where you have .*")
        else:
            return 1, 1
        if self._pattern.startswith(("?", "+"), self.at):
            self.at += 1  # lazy or possessive: as many ways at most
        return bounds

    def _next(self, character: str) -> bool:
        if self._pattern.startswith(character, self.at):
            self.at += 1
            return True
        return False

    def _match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self._pattern, self.at)
        if found is not None:
            self.at = found.end()
        return found
