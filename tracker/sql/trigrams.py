"""What an index of text is made of: blocks of recipients, and the trigrams that are in them.

A trigram is a sequence of three characters. Whatever a text is part of has all trigrams of it, so
an index of them says where to look, and never leaves out where something is.
"""

import re
from collections.abc import Iterable
from typing import Final

from tracker.sql.rows import Columns

BLOCK: Final = 16
"""Recipients in a block."""

SHORTEST: Final = 3
"""Characters that what is looked for must have."""

RAREST: Final = 6
"""Trigrams of it that are asked for, the rarest: of more the lists would be read for little."""

_THREE: Final = re.compile("...", re.DOTALL).findall
"""Takes half the time of slicing."""


def trigrams_of(text: str) -> set[str]:
    """Return every sequence of three characters in a text."""
    found = set(_THREE(text))
    found.update(_THREE(text, 1), _THREE(text, 2))
    return found


def joined(rows: Iterable[Columns]) -> str:
    """Return the text of rows that is indexed: each value once, all but the first column."""
    values = dict.fromkeys(value for row in rows for value in row[1:])
    return "\n".join(value for value in values if value)
