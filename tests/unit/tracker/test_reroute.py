"""What another way is for a recipient, and how it is told."""

import pytest
from msgspec.structs import replace

from config.settings import Route
from tests.unit.web.test_standing import recipient
from tracker.acting import reroute_of
from tracker.model import Reroute, Status
from tracker.routing import Routes

HOP = "mail.example.net:587"
ROUTED = Routes((Route(domain="example.org", next_hop="smart.test"),))
NONE = Routes(())


@pytest.mark.parametrize(
    ("routes", "destination", "own", "next_hop", "words"),
    [
        (NONE, "example.org", "", HOP, f"{HOP} instead of the MX of example.org"),
        (ROUTED, "smart.test:25", "", HOP, f"{HOP} instead of the route to smart.test:25"),
        (NONE, HOP, HOP, "b.test:25", f"b.test:25 instead of {HOP}"),
        (NONE, HOP, HOP, "", f"the MX of example.org, as configured, instead of {HOP}"),
        (ROUTED, HOP, HOP, "", f"the route to smart.test:25, as configured, instead of {HOP}"),
        pytest.param(
            NONE, "old.test:25", "", "",
            "the MX of example.org, as configured, instead of the route to old.test:25",
            id="queued when another configuration held",
        ),
        pytest.param(
            ROUTED, "smart.test:25", "", "smart.test:25",
            "smart.test:25 instead of the route to smart.test:25",
            id="stays there whatever becomes of the route",
        ),
        (NONE, "example.org", "", "", None),
        (ROUTED, "smart.test:25", "", "", None),
        (NONE, HOP, HOP, HOP, None),
    ],
)  # fmt: skip
def test_the_words_name_the_new_way_and_the_old_one(
    routes: Routes, destination: str, own: str, next_hop: str, words: str | None
) -> None:
    one = replace(
        recipient(Status.DEFERRED), domain="example.org", destination=destination, next_hop=own
    )
    way = reroute_of(one, next_hop, routes)
    assert (way.words if way else None) == words
    if way is not None:
        assert isinstance(way, Reroute)
        assert (way.old_destination, way.old_next_hop) == (destination, own)
        assert way.destination == (next_hop or routes.destination_of("example.org"))


def test_an_address_literal_names_its_host_itself() -> None:
    one = replace(recipient(Status.DEFERRED), domain="[192.0.2.1]", destination="[192.0.2.1]")
    way = reroute_of(one, HOP, NONE)
    assert way is not None
    assert way.words == f"{HOP} instead of [192.0.2.1]"
