"""Routes by domain, and the name that the hosts of a provider share."""

import pytest

from config.settings import Route
from relay.routing import Routes, mx_group_of

ROUTES = (
    Route(domain="*", next_hop="smarthost.example.net:587"),
    Route(domain="*.example.org", next_hop="inner.example.net"),
    Route(domain="*.deep.example.org", next_hop="[2001:db8::1]:2525"),
    Route(domain="exact.deep.example.org", next_hop="exact.example.net", tls="implicit"),
)


@pytest.mark.parametrize(
    ("domain", "destination"),
    [
        pytest.param("exact.deep.example.org", "exact.example.net:465", id="exact beats all"),
        pytest.param("a.deep.example.org", "[2001:db8::1]:2525", id="longest wildcard"),
        pytest.param("b.a.deep.example.org", "[2001:db8::1]:2525", id="several labels deep"),
        pytest.param("deep.example.org", "inner.example.net:25", id="wildcard is not its parent"),
        pytest.param("example.org", "smarthost.example.net:587", id="everything else"),
        pytest.param("notexample.org", "smarthost.example.net:587", id="labels, not letters"),
        pytest.param("[192.0.2.1]", "[192.0.2.1]", id="literal keeps to itself"),
        pytest.param("[ipv6:2001:db8::2]", "[ipv6:2001:db8::2]", id="IPv6 literal"),
    ],
)
def test_destination(domain: str, destination: str) -> None:
    assert Routes(ROUTES).destination_of(domain) == destination


def test_without_routes_a_domain_is_its_own_destination() -> None:
    assert Routes(()).destination_of("example.org") == "example.org"
    assert Routes(()).way_of("example.org").route is None


def test_the_order_of_routes_does_not_matter() -> None:
    for domain in ("exact.deep.example.org", "a.deep.example.org", "example.org"):
        assert Routes(ROUTES).way_of(domain).route is Routes(ROUTES[::-1]).way_of(domain).route


def test_a_next_hop_is_never_the_name_of_a_domain() -> None:
    routes = (Route(domain="example.org", next_hop="example.net"),)
    assert Routes(routes).destination_of("example.org") != Routes(routes).destination_of(
        "example.net"
    )


def test_a_next_hop_without_port_uses_the_port_of_delivery() -> None:
    assert Routes(ROUTES, 2525).destination_of("a.example.org") == "inner.example.net:2525"


def test_the_first_of_two_routes_for_a_domain_counts() -> None:
    routes = (Route(domain="*", next_hop="first.test:25"), Route(domain="*", next_hop="two.test"))
    assert Routes(routes).destination_of("example.org") == "first.test:25"


@pytest.mark.parametrize(
    ("exchanges", "group"),
    [
        pytest.param(
            [(10, "alt1.aspmx.l.google.com"), (1, "aspmx.l.google.com")], "google.com", id="google"
        ),
        pytest.param(
            [(0, "example-org.mail.protection.outlook.com")], "outlook.com", id="host per customer"
        ),
        pytest.param([(10, "mx.provider.co.uk")], "provider.co.uk", id="country's second level"),
        pytest.param([(10, "mx.provider.de")], "provider.de", id="country"),
        pytest.param(
            [(10, "b.one.test"), (10, "a.two.test")], "two.test", id="stable among equals"
        ),
        pytest.param([(0, "192.0.2.1")], "192.0.2.1", id="address"),
        pytest.param([(0, "2001:db8::1")], "2001:db8::1", id="IPv6 address"),
        pytest.param([(0, "localhost")], "localhost", id="single label"),
        pytest.param([], "", id="nothing"),
    ],
)
def test_group(exchanges: list[tuple[int, str]], group: str) -> None:
    assert mx_group_of(exchanges) == group
