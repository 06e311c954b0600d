"""Host names, host:port and networks as operators write them."""

from ipaddress import ip_network

import pytest

from config.addresses import (
    check_domain,
    check_hostname,
    format_host_port,
    parse_host_port,
    parse_network,
    parse_networks,
)


@pytest.mark.parametrize(
    ("text", "default", "parts"),
    [
        ("127.0.0.1:25", None, ("127.0.0.1", 25)),
        ("[::1]:25", None, ("::1", 25)),
        ("[2001:DB8:0::1]:25", None, ("2001:db8::1", 25)),
        ("[::1]", 53, ("::1", 53)),
        ("mx.example.org", 25, ("mx.example.org", 25)),
        ("MX.Example.org:587", 25, ("mx.example.org", 587)),
        ("localhost:0", None, ("localhost", 0)),
        ("a.example:65535", None, ("a.example", 65535)),
    ],
)
def test_host_and_port_are_split(text: str, default: int | None, parts: tuple[str, int]) -> None:
    assert parse_host_port(text, default) == parts


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("127.0.0.1", "port is missing"),
        ("[::1]", "port is missing"),
        ("127.0.0.1:", "'' is not a port"),
        ("127.0.0.1:65536", "'65536' is not a port"),
        ("127.0.0.1:+25", "is not a port"),
        ("127.0.0.1:٢٥", "is not a port"),
        (":25", "host is missing"),
        ("", "host is missing"),
        ("::1:25", r"needs brackets"),
        ("[::1]25", "brackets go around"),
        ("[::1:25", "brackets go around"),
        ("[mx.example.org]:25", "mx.example.org without brackets"),
        ("[127.0.0.1]:25", "127.0.0.1 without brackets"),
        ("256.0.0.1:25", "256.0.0.1"),
        ("-mx.example.org:25", "'-mx'"),
        ("mx_1.example.org:25", "'mx_1'"),
        ("mx example:25", "'mx example'"),
    ],
)
def test_a_wrong_address_is_explained(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_host_port(text, None)


@pytest.mark.parametrize("text", ["127.0.0.1:25", "[::1]:25", "mx.example.org:587"])
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert format_host_port(*parse_host_port(text, None)) == text


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("localhost", "has a dot"),
        ("mail.example.org.", "without the dot"),
        ("192.0.2.1", "an address"),
        ("bücher.example", "A-labels"),
        ("a..example", "''"),
        ("mail.exa_mple.org", "'exa_mple'"),
        ("x" * 64 + ".example", "is not a label"),
        (".".join(["abcdefgh"] * 29), "253"),
        ("mail-.example", "'mail-'"),
        ("mail.example.org\n", "is not a label"),
        ("", "is not a label"),
    ],
)
def test_a_name_unfit_for_ehlo_is_refused(name: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check_hostname(name)


def test_names_are_folded_to_lower_case() -> None:
    assert check_hostname("Mail.Example.ORG") == "mail.example.org"
    assert check_domain("XN--BCHER-KVA.example") == "xn--bcher-kva.example"


def test_networks_are_read() -> None:
    texts = ["10.0.0.0/8", "::1/128", "192.0.2.1"]
    assert parse_networks(texts) == tuple(ip_network(text) for text in texts)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("10.0.0.1/8", "network is 10.0.0.0/8"), ("10.0.0.0/33", "not a network"), ("x", "not a net")],
)
def test_a_wrong_network_is_explained(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_network(text)
