"""What somebody may have meant whose search has found nothing. Pure.

Bare words are looked for in addresses, subjects and ids. Other programs take a star for anything,
a day for a day and "bounced" for an outcome: here each is written in its own way, so that it is
offered, and nothing is searched that was not asked for.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from tracker.search import MAIL, STATUS_WORDS, QueryError, Sought
from web.times import Times
from web.track.filters import Asked, link, query_of
from web.track.form_text import split

_STATUSES: Final[Mapping[str, str]] = {
    "blocked": "permanent",
    "canceled": "cancelled",
    "failed": "permanent",
    "pending": "waiting",
    "refused": "permanent",
    "rejected": "permanent",
    "sent": "accepted",
}
_DAYS: Final[Mapping[str, str]] = {
    "today": "since:today",
    "yesterday": "since:yesterday until:yesterday",
}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODE: Final = re.compile(r"[245][0-9]{2}|[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_ADDRESS: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(?:\.[\w-]+){1,10}")
_AROUND: Final = "*%,;"
"""What stands at the ends of words that are pasted from lists, or written for other programs."""


class Offer(NamedTuple):
    """Another search."""

    url: str
    text: str


def offer(
    asked: Asked, times: Times, retention: timedelta, sought: Sought = MAIL, path: str = "/"
) -> Offer | None:
    """Return the search that may have been meant; None where there is none that can be made."""
    meant = _whom(asked.pasted) if asked.pasted else perhaps(asked.text)
    if meant is None or meant == asked.text:
        return None
    try:
        query_of(meant, times, retention, sought)
    except QueryError:
        return None
    return Offer(link(asked.but(text=meant, is_literal=False), path), meant)


def _whom(pasted: str) -> str | None:
    """Return the search for the first address of something pasted whose id is not on record."""
    found = _ADDRESS.search(pasted)
    return f"to:{found[0]}" if found else None


def perhaps(text: str) -> str | None:
    """Return another search that says what `text` may have meant; None where it is as it is."""
    meant = " ".join(filter(None, (_meant(word) for word in split(text))))
    return meant if meant and meant != " ".join(split(text)) else None


def _meant(word: str) -> str:
    if '"' in word:
        return word
    said = word.lower()
    if said in _DAYS:
        return _DAYS[said]
    if _DAY.fullmatch(said):
        return f"since:{said} until:{said}"
    if _CODE.fullmatch(said):
        return f"code:{said}"
    status = _STATUSES.get(said, said)
    if status in STATUS_WORDS:
        return f"status:{status}"
    name, colon, value = word.rpartition(":")
    bare = value.strip(_AROUND)
    return f"{name}{colon}{bare}" if bare else ""
