"""Routes by domain, and the name that the hosts of a provider share."""

import pytest

from config.settings import DeliverySettings, Route, Settings
from tracker.routing import Routes, mx_group_of

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
    settings = Settings(routes=ROUTES, delivery=DeliverySettings(port=2525))
    for routes in (Routes(ROUTES, 2525), Routes.of(settings)):
        assert routes.destination_of("a.example.org") == "inner.example.net:2525"


def test_the_first_of_two_routes_for_a_domain_counts() -> None:
    routes = (Route(domain="*", next_hop="first.test:25"), Route(domain="*", next_hop="two.test"))
    assert Routes(routes).destination_of("example.org") == "first.test:25"


PAID = Route(domain="paid.test", next_hop="smart.test:587", username="us", password="pass")
FREE = Route(domain="free.test", next_hop="smart.test:587")
CLOSED = Route(domain="closed.test", next_hop="tls.test", tls="implicit")


def test_a_next_hop_of_ones_own_beats_route_and_mx() -> None:
    for domain in ("example.org", "free.test"):
        way = Routes((FREE,)).way_for(domain, "other.test:25")
        assert (way.destination, way.pattern) == ("other.test:25", "other.test:25")
        assert way.route is not None
        assert way.route.target(1) == ("other.test", 25)
        assert Routes((FREE,)).way_for(domain, "") == Routes((FREE,)).way_of(domain)


@pytest.mark.parametrize("next_hop", ["smart.test:25", "smart.test:465", "art.test:587"])
def test_a_next_hop_that_no_route_leads_to_gets_no_password(next_hop: str) -> None:
    route = (
        Routes((PAID, Route(domain="*", next_hop="x.test", username="u")))
        .way_for("paid.test", next_hop)
        .route
    )
    assert route is not None
    assert (route.username, route.password) == (None, None)


@pytest.mark.parametrize(
    ("domain", "routes", "taken"),
    [
        pytest.param("example.org", (PAID, FREE), PAID, id="the first that leads there"),
        pytest.param("example.org", (FREE, PAID), FREE, id="whichever that is"),
        pytest.param("free.test", (PAID, FREE), FREE, id="its own before others"),
        pytest.param("paid.test", (FREE, PAID), PAID, id="its own with its password"),
    ],
)
def test_a_next_hop_that_is_a_routes_is_used_as_the_route_says(
    domain: str, routes: tuple[Route, ...], taken: Route
) -> None:
    way = Routes(routes).way_for(domain, "smart.test:587")
    assert way == ("smart.test:587", taken.domain, taken)


@pytest.mark.parametrize(
    ("text", "next_hop"),
    [
        ("Mail.Example.NET:587", "mail.example.net:587"),
        ("mail.example.net", "mail.example.net:2525"),
        ("localhost:1025", "localhost:1025"),
        ("10.0.0.7", "10.0.0.7:2525"),
        ("[2001:DB8:0::1]:25", "[2001:db8::1]:25"),
        ("[::1]", "[::1]:2525"),
        pytest.param("tls.test", "tls.test:465", id="the port of the route that is written so"),
        pytest.param("tls.test:25", "tls.test:25", id="another port is another next hop"),
    ],
)
def test_a_next_hop_is_read_as_in_the_configuration(text: str, next_hop: str) -> None:
    assert Routes((CLOSED,), 2525).hop_of(text) == next_hop


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "two words", "mail.example.net:0", "mail.example.net:70000", "mail.example.net:",
        "mail.example.net:x", "us:pass@mail.example.net", "us@mail.example.net:25", "smtp://a.test",
        "a.test/b", "::1", "[::1", "[mail.example.net]:25", "[fe80::1%a b]:25", "[fe80::1%<b>]:25",
        "a.test\r\nQUIT", "a\x00.test", "a.test:25\n", "\u202ea.test", "münchen.example", "a..test",
        "-a.test", "a" * 64 + ".test", "a." * 5000 + "test", "1.2.3", "999.1.1.1:25",
    ],
)  # fmt: skip
def test_what_is_no_next_hop_is_refused_as_in_the_configuration(text: str) -> None:
    with pytest.raises(ValueError, match=r"found .*, expected .*IPv6") as refusal:
        Routes(()).hop_of(text)
    said = str(refusal.value)
    assert said.isprintable()
    assert len(said) < 600


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
