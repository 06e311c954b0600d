"""An attempt that was not delivered, as it is counted: with what it has in common with others."""

import hashlib
import re
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from tracker.explain import Category, RuleBook, Side, explain
from tracker.model import Attempt, AttemptId, MessageId, Origin, Outcome, RecipientId
from tracker.provider import provider_of

_READ: Final = 600
"""Characters of an answer that tell it from others."""
_ADDRESS: Final = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_LINK: Final = re.compile(r"https?://\S+")
_DIFFERS: Final = re.compile(r"[^\s]*\d[^\s]*")
"""Words with a digit in them: times, queue ids, IP addresses, scores."""
_CODES: Final = re.compile(r"(?:^|\s)[245]\.\d{1,3}\.\d{1,3}(?=\s|$)|^\d{3}(?=[\s-]|$)")


class Setback(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that was not delivered."""

    attempt_id: AttemptId
    recipient_id: RecipientId
    message_id: MessageId
    at: datetime
    destination: str
    place: str
    """Whose servers said so; the destination itself where no server was reached."""
    cohort: str
    """The same for all attempts that got the same answer at the same place."""
    outcome: Outcome
    category: Category
    side: Side
    origin: Origin


def place_of(attempt: Attempt) -> str:
    """Return whose servers an attempt is about: the domain of the host, else the destination."""
    if attempt.target is None:
        return attempt.destination
    return provider_of(attempt.target.host.lower().rstrip("."))


def setback_of(attempt: Attempt, book: RuleBook | None = None) -> Setback | None:
    """Return how `attempt` counts, explained by `book`.

    None when it was delivered, and when nothing went wrong: it was stopped here on purpose.
    """
    if attempt.outcome is Outcome.DELIVERED:
        return None
    if not attempt.is_try and attempt.origin is Origin.POLICY:
        return None
    explanation, place = explain(attempt, book=book), place_of(attempt)
    return Setback(
        attempt_id=attempt.id,
        recipient_id=attempt.recipient_id,
        message_id=attempt.message_id,
        at=attempt.ended_at,
        destination=attempt.destination,
        place=place,
        cohort=_cohort(place, explanation.category, normalised(attempt.words)),
        outcome=attempt.outcome,
        category=explanation.category,
        side=Side.OPERATOR if is_ours(explanation.side, attempt.origin) else explanation.side,
        origin=attempt.origin,
    )


def is_ours(side: Side, origin: Origin) -> bool:
    """Say whether those who run this relay have to act."""
    return side is Side.OPERATOR or origin is Origin.LOCAL


@lru_cache(maxsize=512)
def normalised(said: str) -> str:
    """Return an answer without what differs from one message to the next.

    Addresses, links, ids, times and numbers become a mark; codes of the reply stay.
    """
    lines = said[: 2 * _READ].lower().split("\n")
    codes = [code.strip() for line in lines for code in _CODES.findall(line)]
    words = " ".join(_CODES.sub(" ", line) for line in lines)
    for pattern in (_LINK, _ADDRESS, _DIFFERS):
        words = pattern.sub("#", words)
    return " ".join([*dict.fromkeys(codes), *words.replace("-", " ").split()])[:_READ]


def _cohort(place: str, category: Category, said: str) -> str:
    text = "\n".join((place, category.value, said))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()
