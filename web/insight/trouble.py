"""What an operator can do about failures on our side. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import urlencode

from tracker.explain import Category, headline
from tracker.explain.meaning import meanings
from tracker.insight import Trouble, TroubleKey, TroubleKind
from tracker.model import Attempt
from web.insight.senders import BEARS_ON

_LONGEST: Final = 1000
"""Characters of a place that are looked at."""
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

    fact: TroubleKind
    title: str
    advice: str
    words: str
    """Of the latest unread: the server's own, or ours where no server said anything."""
    places: Sequence[Place]
    """Those in sight."""

    @property
    def url(self) -> str:
        """The page of all its places."""
        return kind_url(self.fact.category)

    @property
    def senders_url(self) -> str:
        """Where it says whose mail may have brought it about; empty where nobody's mail does."""
        return f"{self.url}#senders" if self.fact.category in BEARS_ON else ""

    @property
    def value(self) -> str:
        """What the form sends back, which `read_value` reads: what was shown, and until when."""
        return f"{self.fact.category.value} {self.fact.last_at.isoformat()}"


def kind_of(fact: TroubleKind) -> Kind:
    """Return in words what is known of a kind; it has one place at least."""
    return Kind(
        fact=fact,
        title=title_of(fact.category),
        advice=_ADVICE.get(fact.category, _FALLBACK),
        words=_words(fact.troubles[0].example),
        places=[place_of(one) for one in fact.troubles],
    )


def title_of(category: Category) -> str:
    """Return what failures of a kind are."""
    return meanings().categories[category].what_happened


def kind_url(category: Category, **query: str) -> str:
    """Return the page of a kind."""
    return f"/inbox/{category.value}" + (f"?{urlencode(query)}" if query else "")


def _words(attempt: Attempt | None) -> str:
    if attempt is None:
        return ""
    return attempt.reply.text if attempt.reply is not None else headline(attempt)


def place_of(trouble: Trouble) -> Place:
    """Return one line of a list, with its links."""
    attempt, url = trouble.example, ""
    if attempt is not None:
        url = f"/messages/{attempt.message_id}?{urlencode({'recipient': attempt.recipient_id})}"
    asked = {"outcome": "all", "range": "7d", "q": f"mx:{trouble.place}"}
    return Place(trouble, url, "/?" + urlencode(asked))


def read_value(value: str) -> tuple[Category, datetime] | None:
    """Return the category, and until when it was read; None for what is no value of ours."""
    category, _, moment = value.partition(" ")
    until = _read_moment(moment)
    return None if category not in set(Category) or until is None else (Category(category), until)


def key_in(query: Mapping[str, str]) -> TroubleKey | None:
    """Return behind which place a page goes on; None for the first, and for what is no place."""
    last_at = _read_moment(query.get("before", ""))
    return None if last_at is None else TroubleKey(last_at, query.get("place", "")[:_LONGEST])


def key_fields(trouble: Trouble) -> Mapping[str, str]:
    """Return what `key_in` reads, for the page behind this place."""
    return {"before": trouble.last_at.isoformat(), "place": trouble.place}


def _read_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
