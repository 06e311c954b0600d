"""When a part of an index has text that the ledger has let go by its age.

Such text goes little by little: walks go along the messages and change those that have come to an
age. A part is not made anew for each step of theirs, but once in a day in which they went through
it.
"""

from collections.abc import Mapping
from typing import Final

ONCE_IN: Final = 86_400_000
"""Milliseconds between two makings of a part for the sake of ages."""

_SLACK: Final = 3_600_000
"""Milliseconds by which the id of a recipient may be later than that of its message."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def milliseconds(identifier: str) -> int:
    """Return the time of an id, in milliseconds since 1970."""
    value = 0
    for character in identifier[:10]:
        value = value << 5 | _ALPHABET.index(character)
    return value


def is_behind(first: str, last: str, then: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Say whether a walk has gone along messages of recipients from `first` to `last`.

    `then` and `now` have the id of the last message of each walk.
    """
    begin = milliseconds(first) - _SLACK
    return any(
        then.get(name, "") < reached
        and then.get(name, "") <= last
        and milliseconds(reached) >= begin
        for name, reached in now.items()
    )
