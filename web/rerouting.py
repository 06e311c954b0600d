"""Which way mail is to go instead: what a form says, and what a page says of it. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from tracker.acting import configured_way
from tracker.model import Event, EventKind, Recipient
from tracker.routing import Routes
from tracker.states import OPEN
from web.times import Times

CONFIGURED: Final = "configured"
"""The value of the field `way` that takes a reroute back; any other is for a next hop."""
LONGEST: Final = 1000
"""Characters that are looked at: no next hop has as many."""
_OFFERED: Final = 50
"""Next hops of routes that a form offers."""
_PROBLEM: Final = "That is no next hop: "


class Way(NamedTuple):
    """What somebody has filled in."""

    text: str = ""
    is_configured: bool = False


def next_hop_in(way: Way, routes: Routes) -> str:
    """Return the next hop, empty for that as configured. Raises ValueError with what is wrong."""
    if way.is_configured:
        return ""
    try:
        return routes.hop_of(way.text)
    except ValueError as error:
        raise ValueError(f"{_PROBLEM}{error}.") from None


def offered(routes: Routes) -> Sequence[str]:
    """Return the next hops of the routes that are configured."""
    return routes.next_hops[:_OFFERED]


def as_configured(domains: Sequence[str], routes: Routes) -> str:
    """Return in words what as configured is, for recipients at these domains."""
    ways = sorted({configured_way(domain, routes) for domain in domains})
    return ways[0] if len(ways) == 1 else "their route, or the MX of their domain"


def why_this_way(recipient: Recipient, events: Sequence[Event], times: Times) -> str:
    """Return why an open recipient does not go as configured; empty for one that does."""
    if not recipient.next_hop or recipient.status not in OPEN:
        return ""
    goes = f"It goes by way of {recipient.next_hop}, and not as configured"
    told = [event for event in events if event.kind is EventKind.REROUTED]
    if not told:
        return f"{goes}."
    last = told[-1]
    return f"{goes}: {last.actor or 'somebody'} sent it that way {times.spoken(last.at)}."
