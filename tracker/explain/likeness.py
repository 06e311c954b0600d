"""Replies that say the same, but for names and numbers."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from tracker.model import Attempt

_LONGEST = 300
_PARTS = (
    (re.compile(r"https?://\S+", re.IGNORECASE), "<link>"),
    (re.compile(r"<?[^\s<>@]{1,64}@[^\s<>@:;,]{1,255}>?"), "<address>"),
    (re.compile(r"\[?(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])\]?"), "<ip>"),
    (re.compile(r"\[?(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}(?![\w:])\]?", re.I), "<ip>"),
    (re.compile(r"\b(?=[\w-]{0,40}\d)(?=[\w-]{0,40}[a-z])[\w-]{8,80}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])"), "\0"),
    (re.compile(r"\d+"), "#"),
)


class Likeness(NamedTuple):
    """Replies that say the same."""

    shape: str
    """What they say, without names and numbers."""
    number: int
    last: Attempt
    """The newest of them."""

    @property
    def host(self) -> str:
        """The MX that said the newest."""
        return self.last.target.host if self.last.target else self.last.destination


def shape_of(text: str) -> str:
    """Return a reply's text with addresses, ids and numbers replaced; status codes stay."""
    shape, kept = " ".join(text[:2000].split()), []
    for pattern, put in _PARTS:
        if put == "\0":
            kept = pattern.findall(shape)
        shape = pattern.sub(put, shape)
    for code in kept:
        shape = shape.replace("\0", code, 1)
    return shape[:_LONGEST]


def group(attempts: Iterable[Attempt]) -> list[Likeness]:
    """Put attempts whose replies say the same together, the most frequent first.

    `attempts` come with the newest first.
    """
    groups: dict[tuple[int, str], Likeness] = {}
    for attempt in attempts:
        if attempt.reply is None:
            continue
        key = attempt.reply.code, shape_of(" ".join(attempt.reply.lines))
        known = groups.get(key)
        groups[key] = (
            Likeness(f"{key[0]} {key[1]}", 1, attempt)
            if known is None
            else known._replace(number=known.number + 1)
        )
    return sorted(groups.values(), key=lambda found: -found.number)
