"""What an operator can do about failures on our side. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlencode

from tracker.explain import Category, headline
from tracker.explain.meaning import meanings
from tracker.insight import Trouble
from tracker.model import Attempt

_FALLBACK = (
    "Read the words of the example: something on this machine or in its configuration kept the "
    "mail from being sent. The log of the node says more."
)
_ADVICE: Mapping[Category, str] = MappingProxyType(
    {
        Category.IP_BLOCKLISTED: "Find out who sent what brought the address there, stop it, and "
        "ask the list to take the address off; the words often name the page for it. Until then "
        "send such mail from another address if you have one.",
        Category.REPUTATION_LOW: "Look for mail that nobody asked for, and send less per hour "
        "there until the answers get better. Register the address with the provider's page for "
        "senders.",
        Category.PTR_MISSING: "Give the sending address a PTR record whose name leads back to the "
        "same address, and greet with that name.",
        Category.LOGIN_REFUSED: "Check user name and password of the route to this smarthost.",
        Category.RATE_LIMITED: "Usually nothing: mail is slowed down by itself. When it stays, "
        "lower the connections and the rate for this destination.",
        Category.TOO_MANY_RECIPIENTS: "Usually nothing: the recipients are split up. When it "
        "stays, lower the recipients per transaction.",
        Category.PROTOCOL_ERROR: "Look at the dialogue of the example: the two servers did not "
        "understand each other. Report it if the fault is ours.",
        Category.TLS_FAILED: "Compare the certificate that the example names with the policy that "
        "was asked for.",
        Category.DNS_FAILURE: "Check the resolver that this machine uses.",
        Category.LOCAL_FAULT: _FALLBACK,
    }
)


class Place(NamedTuple):
    """One place where a failure came up."""

    fact: Trouble
    example_url: str
    """Empty when no message of it is on record."""
    list_url: str


class Kind(NamedTuple):
    """Failures of one kind: at one place or at many, what to do about them is the same."""

    category: Category
    title: str
    advice: str
    words: str
    """Of the latest: the server's own, or ours where no server said anything."""
    places: tuple[Place, ...]
    """Unread ones first, of those the latest first."""

    @property
    def unread(self) -> int:
        """How many places nobody has read of."""
        return sum(one.fact.is_unread for one in self.places)

    @property
    def attempts(self) -> int:
        """How often it came up."""
        return sum(one.fact.count for one in self.places)

    @property
    def first_at(self) -> datetime:
        """When it came up first."""
        return min(one.fact.first_at for one in self.places)

    @property
    def last_at(self) -> datetime:
        """When it came up last."""
        return max(one.fact.last_at for one in self.places)

    @property
    def value(self) -> str:
        """What the form sends back, which `read_value` reads."""
        return f"{self.category.value} {self.last_at.isoformat()}"


def kinds_of(troubles: Iterable[Trouble]) -> list[Kind]:
    """Return failures by their kind, the latest first."""
    found: dict[Category, list[Trouble]] = {}
    for one in troubles:
        found.setdefault(one.category, []).append(one)
    kinds = [_kind(category, facts) for category, facts in found.items()]
    return sorted(kinds, key=lambda kind: kind.last_at, reverse=True)


def _kind(category: Category, facts: list[Trouble]) -> Kind:
    ordered = sorted(facts, key=lambda one: (one.is_unread, one.last_at), reverse=True)
    latest = max(facts, key=lambda one: one.last_at)
    return Kind(
        category=category,
        title=meanings().categories[category].what_happened,
        advice=_ADVICE.get(category, _FALLBACK),
        words=_words(latest.example),
        places=tuple(map(_place, ordered)),
    )


def _words(attempt: Attempt | None) -> str:
    if attempt is None:
        return ""
    return attempt.reply.text if attempt.reply is not None else headline(attempt)


def _place(trouble: Trouble) -> Place:
    attempt, url = trouble.example, ""
    if attempt is not None:
        url = f"/messages/{attempt.message_id}?{urlencode({'recipient': attempt.recipient_id})}"
    asked = {"outcome": "all", "range": "7d", "q": f"mx:{trouble.place}"}
    return Place(trouble, url, "/?" + urlencode(asked))


def read_value(value: str) -> tuple[Category, datetime] | None:
    """Return the category, and until when it was read; None for what is no value of ours."""
    category, _, moment = value.partition(" ")
    if category not in set(Category):
        return None
    try:
        until = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return None if until.tzinfo is None else (Category(category), until)
