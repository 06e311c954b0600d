"""Names and addresses an operator writes: `host:port`, host names, networks.

Pure text work: nothing here resolves a name or opens a socket. Every function raises
ValueError with a text that says what is wrong and, where it can, how to write it instead.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_PORT: Final = re.compile(r"[0-9]{1,5}", re.ASCII)


@lru_cache(1000)
def parse_host_port(text: str, default_port: int | None) -> tuple[str, int]:
    """Split `"host:port"`, `"host"` or `"[::1]:25"` into host (without brackets) and port.

    `default_port` serves when `text` names none; None makes the port mandatory. Port 0 is
    accepted and means "any free port" to those who listen. Raises ValueError.
    """
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError("brackets go around an IPv6 address only: [::1]:25")
        return _bracketed(host), _port(rest[1:] if rest else None, default_port)
    if text.count(":") > 1:
        raise ValueError(f"an IPv6 address needs brackets: [{text}]")
    host, colon, port = text.partition(":")
    return check_host(host), _port(port if colon else None, default_port)


def _bracketed(host: str) -> str:
    """Return the IPv6 address found between brackets in its short form."""
    try:
        address = ip_address(host)
    except ValueError:
        raise ValueError(f"write {host} without brackets, they are for IPv6 addresses") from None
    if address.version != 6:
        raise ValueError(f"write {host} without brackets, they are for IPv6 addresses")
    return str(address)


def _port(text: str | None, default: int | None) -> int:
    """Return the port number in `text`, or the default when there is none."""
    if text is None:
        if default is None:
            raise ValueError("the port is missing, as in 127.0.0.1:25")
        return default
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise ValueError(f"{text!r} is not a port number (0 to 65535)")
    return int(text)


def format_host_port(host: str, port: int) -> str:
    """Return the text `parse_host_port` reads, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_host(text: str) -> str:
    """Return `text` if it is a host name or an IPv4 address; ValueError otherwise."""
    if not text:
        raise ValueError("the host is missing")
    if re.fullmatch(r"[0-9.]+", text):
        return str(ip_address(text))
    return check_domain(text)


def check_domain(text: str) -> str:
    """Return the domain name `text` in lower case (RFC 1035 2.3.1, RFC 5321 4.1.2).

    Labels are letters, digits and inner hyphens, up to 63 each and 253 in total; names with
    other letters are written as A-labels (`xn--…`, RFC 5890). Raises ValueError.
    """
    if len(text) > 253:
        raise ValueError("a domain name has at most 253 characters")
    if text.endswith("."):
        raise ValueError("write the domain name without the dot at its end")
    if not text.isascii():
        raise ValueError("write internationalised names as A-labels (xn--…)")
    for label in text.split("."):
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label!r} is not a label of a domain name")
    return text.lower()


def check_hostname(text: str) -> str:
    """Return the fully qualified name `text` in lower case: a domain name of two labels or more.

    It is what we say in EHLO (RFC 5321 4.1.1.1), so an address is not accepted. Raises ValueError.
    """
    name = check_domain(text)
    if "." not in name:
        raise ValueError("a fully qualified name has a dot, as in mail.example.org")
    if name.rpartition(".")[2].isdigit():
        raise ValueError("an address is not a host name")
    return name


def parse_network(text: str) -> Network:
    """Return the network in `text`: `"10.0.0.0/8"`, `"::1/128"` or a single address.

    Raises ValueError, also for an address with bits set beyond the prefix, which is more
    often a slip than a wish.
    """
    try:
        return ip_network(text)
    except ValueError:
        try:
            wide = ip_network(text, strict=False)
        except ValueError:
            raise ValueError("this is not a network such as 10.0.0.0/8 or ::1/128") from None
    raise ValueError(f"bits are set beyond the prefix, the network is {wide}")


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return every network in `texts`; ValueError for the first that does not parse."""
    return tuple(parse_network(text) for text in texts)
