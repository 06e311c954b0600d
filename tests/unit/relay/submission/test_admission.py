"""Limits by client address."""

import pytest

from relay.submission.admission import Connections, TrustedNetworks, client_of, parse_address


@pytest.mark.parametrize(
    ("text", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_clients(text: str, client: str) -> None:
    assert client_of(parse_address(text)) == client


def test_trusted_networks() -> None:
    trusted = TrustedNetworks(("192.0.2.0/24", "::1/128"))
    assert parse_address("192.0.2.99") in trusted
    assert parse_address("::ffff:192.0.2.99") in trusted
    assert parse_address("::1") in trusted
    assert parse_address("198.51.100.1") not in trusted


def test_connections_are_limited_in_total_and_by_client() -> None:
    connections = Connections(3, 2)
    assert [connections.enter("a") for _ in range(2)] == [None, None]
    assert connections.enter("a") == "421 4.7.0 Too many connections from your address"
    assert connections.enter("b") is None
    assert connections.enter("c") == "421 4.3.2 Too many connections, try again later"
    connections.leave("a")
    assert connections.enter("c") is None
