"""Who is at the other end of an HTTP request, and by what scheme they came."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

from config.addresses import Network

_FORWARDING = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in one item of X-Forwarded-For, with or without a port."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: IPv4Address | IPv6Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the client's address: the first one, from our side, that is no trusted proxy.

    `forwarded` are the values of X-Forwarded-For in the order they came. What an untrusted
    peer says there is not read, and neither is anything left of the first stranger.
    """
    if not _is_in(_parse(peer), trusted):
        return peer
    client = peer
    items = [item for value in forwarded for item in value.split(",")]
    for item in reversed(items):
        address = _parse(item)
        if address is None:
            return client
        client = str(address)
        if not _is_in(address, trusted):
            return client
    return client


def network_of(address: str) -> str:
    """Return whom to count for a client address: itself, or the /64 of an IPv6 address.

    Whoever has one address of a /64 has all of them.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64)) + "/64"
    return str(parsed)


def peer_of(request: web.Request) -> str:
    """Return the address of the socket's other end; empty for a Unix socket."""
    transport = request.transport
    name = transport.get_extra_info("peername") if transport is not None else None
    return str(name[0]) if isinstance(name, tuple) else ""


def is_local(request: web.Request) -> bool:
    """Say whether a process of this machine asks, and not somebody through a proxy on it."""
    return comes_from(request, ())


def comes_from(request: web.Request, networks: Sequence[str]) -> bool:
    """Say whether this machine or a host in `networks` asks, and not somebody through a proxy."""
    address = _direct_peer(request)
    if address is None or address.is_loopback:
        return address is not None
    return _is_in(address, [ip_network(network) for network in networks])


def _direct_peer(request: web.Request) -> IPv4Address | IPv6Address | None:
    """Return who asks; None when that is a proxy, or not to be known."""
    if any(name in request.headers for name in _FORWARDING):
        return None
    return _parse(peer_of(request))


class Proxies:
    """What is believed about a request that came through a proxy."""

    def __init__(self, trusted: Sequence[Network], *, serves_tls: bool) -> None:
        self._trusted = trusted
        self._serves_tls = serves_tls

    def client_of(self, request: web.Request) -> str:
        """Return the client's address."""
        return client_address(
            peer_of(request), request.headers.getall("X-Forwarded-For", ()), self._trusted
        )

    def is_secure(self, request: web.Request) -> bool:
        """Say whether the client speaks TLS, with us or with a proxy that we trust."""
        if self._serves_tls:
            return True
        if not _is_in(_parse(peer_of(request)), self._trusted):
            return False
        protocol = request.headers.get("X-Forwarded-Proto", "")
        return protocol.rpartition(",")[2].strip().lower() == "https"
