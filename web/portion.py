"""A list that is in memory whole, of which a page shows a portion. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

SIZE: Final = 50
"""Lines of a page."""


class Portion(NamedTuple, Generic[T]):
    """The lines that are shown, and the way to the others."""

    rows: Sequence[T]
    first: int
    """The number of the first line, from 1; 0 without any."""
    total: int
    before: str
    """Where the portion before it is; empty without any."""
    after: str

    @property
    def last(self) -> int:
        """The number of the last line."""
        return max(0, self.first + len(self.rows) - 1)

    @property
    def is_all(self) -> bool:
        """True when there is nothing before it and nothing after it."""
        return not (self.before or self.after)


def portion_of(rows: Sequence[T], path: str, asked: Mapping[str, str], start: str) -> Portion[T]:
    """Return the portion of `rows` that begins at `start`, which a link of ours carries.

    `asked` is what else is in the links to `path`. What is no place in the list is its beginning.
    """
    first = _place(start, len(rows))

    def link(place: int) -> str:
        return f"{path}?{urlencode({**asked, 'from': place})}"

    return Portion(
        rows=rows[first : first + SIZE],
        first=first + 1 if rows else 0,
        total=len(rows),
        before=link(max(0, first - SIZE)) if first else "",
        after=link(first + SIZE) if first + SIZE < len(rows) else "",
    )


def _place(text: str, below: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return 0
    return int(text) if int(text) < below else 0
