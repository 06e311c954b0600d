"""Why mail goes another way, and what "as configured" is."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from config.settings import Route
from tests.support.mail import mint
from tests.unit.web.test_standing import NOW, TIMES, recipient
from tracker.model import Event, EventId, EventKind, MessageId, Status
from tracker.routing import Routes
from tracker.states import FINAL, OPEN
from web.rerouting import as_configured, why_this_way

HOP = "mail.example.net:587"
GOES = f"It goes by way of {HOP}, and not as configured"


def event(actor: str, minutes: int, kind: EventKind = EventKind.REROUTED) -> Event:
    at = NOW - timedelta(minutes=minutes)
    return Event(id=EventId(mint(at)), message_id=MessageId(mint()), at=at, kind=kind, actor=actor)


@pytest.mark.parametrize("status", sorted(OPEN))
def test_who_sent_it_that_way_last_is_named(status: Status) -> None:
    one = replace(recipient(status), next_hop=HOP)
    events = [event("eve", 9), event("anna", 5), event("bob", 1, EventKind.RETRY_REQUESTED)]
    assert why_this_way(one, events, TIMES).startswith(f"{GOES}: anna sent it that way ")
    assert why_this_way(one, [event("", 5)], TIMES).startswith(f"{GOES}: somebody sent it")
    assert why_this_way(one, [], TIMES) == f"{GOES}."


@pytest.mark.parametrize("status", sorted(FINAL))
def test_what_is_finished_goes_nowhere(status: Status) -> None:
    assert why_this_way(replace(recipient(status), next_hop=HOP), [event("eve", 9)], TIMES) == ""


def test_what_goes_as_configured_needs_no_reason() -> None:
    assert why_this_way(recipient(Status.DEFERRED), [event("eve", 9)], TIMES) == ""


@pytest.mark.parametrize(
    ("domains", "words"),
    [
        (["example.org"], "the MX of example.org"),
        (["routed.test", "routed.test"], "the route to smart.test:25"),
        (["[192.0.2.1]"], "[192.0.2.1]"),
        (["example.org", "routed.test"], "their route, or the MX of their domain"),
        ([], "their route, or the MX of their domain"),
    ],
)
def test_what_as_configured_is(domains: list[str], words: str) -> None:
    routes = Routes((Route(domain="routed.test", next_hop="smart.test"),))
    assert as_configured(domains, routes) == words
