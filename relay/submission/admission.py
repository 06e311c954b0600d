"""Who may connect, by client address."""

from collections import Counter
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple

SHUTTING_DOWN: Final = "421 4.3.2 Shutting down, try again later"

Address = IPv4Address | IPv6Address


@lru_cache(10_000)
def parse_address(text: str) -> Address:
    """Return the client's address; IPv4 behind IPv6 (RFC 4291 2.5.5.2) counts as IPv4."""
    address = ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def client_of(address: Address) -> str:
    """Return what limits count by: the address, or for IPv6 the /64 that one subscriber has."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, 64), strict=False))


class TrustedNetworks:
    """The networks that relay without AUTH."""

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks = [ip_network(network) for network in networks]

    def __contains__(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


class Caller(NamedTuple):
    """Who connects."""

    address: str
    client: str
    """What limits count it as."""
    is_trusted: bool


@lru_cache(10_000)
def recognise(host: str, trusted: TrustedNetworks) -> Caller:
    """Return who connects from `host`; for each host it is worked out once."""
    address = parse_address(host)
    return Caller(str(address), client_of(address), address in trusted)


class Connections:
    """Counts open connections, in total and by client."""

    def __init__(self, total: int, per_client: int) -> None:
        self._total = total
        self._per_client = per_client
        self._open: Counter[str] = Counter()
        self._count = 0
        self._is_closed = False

    def close(self) -> None:
        """Let nobody in any more: what came before is all there is to wait for."""
        self._is_closed = True

    def enter(self, client: str) -> str | None:
        """Count one more connection, or return the reply that refuses it."""
        if self._is_closed:
            return SHUTTING_DOWN
        if self._count >= self._total:
            return "421 4.3.2 Too many connections, try again later"
        connections = self._open.get(client, 0)
        if connections >= self._per_client:
            return "421 4.7.0 Too many connections from your address"
        self._open[client] = connections + 1
        self._count += 1
        return None

    def leave(self, client: str) -> None:
        """Count one connection less."""
        self._count -= 1
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]
