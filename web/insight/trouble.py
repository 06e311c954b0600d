"""What an operator can do about failures on our side. Pure."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlencode

from tracker.explain import Category, Judgement, headline
from tracker.explain.explanation import put
from tracker.insight import Trouble

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


class TroubleRow(NamedTuple):
    """One group of the inbox."""

    fact: Trouble
    title: str
    words: str
    """The server's own, of the latest."""
    advice: str
    example_url: str
    """Empty when no message of it is on record."""
    list_url: str
    value: str
    """What the form sends back, which `read_value` reads."""


def trouble_row(trouble: Trouble) -> TroubleRow:
    """Return one group for the template."""
    attempt = trouble.example
    words, url = "", ""
    if attempt is not None:
        words = attempt.reply.text if attempt.reply is not None else headline(attempt)
        url = f"/messages/{attempt.message_id}?{urlencode({'recipient': attempt.recipient_id})}"
    return TroubleRow(
        fact=trouble,
        title=put(Judgement("", trouble.category), final=True).what_happened,
        words=words,
        advice=_ADVICE.get(trouble.category, _FALLBACK),
        example_url=url,
        list_url="/?" + urlencode({"outcome": "all", "range": "7d", "q": f"mx:{trouble.place}"}),
        value=f"{trouble.category.value} {trouble.last_at.isoformat()} {trouble.place}",
    )


def read_value(value: str) -> tuple[Category, str, datetime] | None:
    """Return category, place, and until when it was read; None for what is no value of ours."""
    parts = value.split(" ", 2)
    if len(parts) != 3 or parts[0] not in set(Category):
        return None
    try:
        until = datetime.fromisoformat(parts[1])
    except ValueError:
        return None
    return None if until.tzinfo is None else (Category(parts[0]), parts[2], until)
