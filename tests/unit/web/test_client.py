"""Who is at the other end."""

import pytest
from aiohttp.test_utils import make_mocked_request

from config.addresses import parse_networks
from web.client import Proxies, client_address, comes_from, is_local, network_of

TRUSTED = parse_networks(("10.0.0.0/8", "::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["127.0.0.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.9:51234"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::7]:51234"], "2001:db8::7"),
        ("10.0.0.1", ["rubbish, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, rubbish"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("::1", ["203.0.113.9"], "203.0.113.9"),
        ("", ["203.0.113.9"], ""),
    ],
    ids=[
        "direct",
        "a stranger's word",
        "the proxy itself",
        "through the proxy",
        "spoofed on the left",
        "spoofed in a header before",
        "through two proxies",
        "only proxies",
        "with a port",
        "IPv6 with a port",
        "rubbish on the left",
        "rubbish from the proxy",
        "mapped IPv4",
        "IPv6 proxy",
        "Unix socket",
    ],
)
def test_client_address(peer: str, forwarded: list[str], expected: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == expected


class Transport:
    """The other end of a socket."""

    def __init__(self, peer: object) -> None:
        self._peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._peer if name == "peername" else default


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        (("127.0.0.1", 5), True),
        (("127.9.9.9", 5), True),
        (("::1", 5, 0, 0), True),
        (("::ffff:127.0.0.1", 5, 0, 0), True),
        (("198.51.100.7", 5), False),
        (("10.0.0.1", 5), False),
        ("/run/panel.sock", False),
        (None, False),
    ],
)
def test_local_is_loopback(peer: object, local: bool) -> None:
    request = make_mocked_request("GET", "/metrics", transport=Transport(peer))
    assert is_local(request) is local


@pytest.mark.parametrize(
    ("peer", "headers", "let_in"),
    [
        (("10.0.0.5", 5), {}, True),
        (("::ffff:10.0.0.5", 5, 0, 0), {}, True),
        (("fd00:5::1", 5, 0, 0), {}, True),
        (("127.0.0.1", 5), {}, True),
        (("10.0.0.6", 5), {}, False),
        (("10.0.0.5", 5), {"X-Forwarded-For": "10.0.0.5"}, False),
        (("10.0.0.6", 5), {"X-Forwarded-For": "10.0.0.5"}, False),
        (("127.0.0.1", 5), {"Forwarded": "for=10.0.0.5"}, False),
        ("/run/panel.sock", {}, False),
        (None, {}, False),
    ],
)
def test_who_is_let_in_comes_from_the_network_itself(
    peer: object, headers: dict[str, str], let_in: bool
) -> None:
    request = make_mocked_request("GET", "/metrics", headers, transport=Transport(peer))
    assert comes_from(request, ("10.0.0.5/32", "fd00:5::/64")) is let_in


@pytest.mark.parametrize(
    ("peer", "protocol", "secure"),
    [
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "http, https", True),
        ("10.0.0.1", "https, http", False),
        ("10.0.0.1", "http", False),
        ("10.0.0.1", "", False),
        ("198.51.100.7", "https", False),
    ],
)
def test_tls_is_what_a_trusted_proxy_says(peer: str, protocol: str, secure: bool) -> None:
    request = make_mocked_request(
        "GET", "/", headers={"X-Forwarded-Proto": protocol}, transport=Transport((peer, 5))
    )
    assert Proxies(TRUSTED, serves_tls=False).is_secure(request) is secure
    assert Proxies(TRUSTED, serves_tls=True).is_secure(request)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("", ""),
    ],
)
def test_whoever_has_one_address_of_a_64_has_all(address: str, counted: str) -> None:
    assert network_of(address) == counted
