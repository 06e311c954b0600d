"""Addresses that mail must not be carried to just because somebody's DNS names them. Pure.

Without this, a domain's owner could point our mail, and our EHLO, at hosts inside our network.
Documentation addresses are not in the lists: nothing can be there, so they harm nobody.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

_NOWHERE = tuple(
    map(
        ip_network,
        ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "ff00::/8"),
    )
)
"""This host, this network, loopback, multicast, reserved, broadcast: never a mail exchange."""
_INSIDE = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8",
            "100.64.0.0/10",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
        ),
    )
)
"""Private, shared, link-local and site-local: somebody's inside, perhaps ours."""
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


class Bar(NamedTuple):
    """Why an address is not dialled."""

    reason: str
    lasting: bool
    """True where no mail exchange can ever be, seen from anywhere."""


@lru_cache(maxsize=10_000)
def bar_of(address: str) -> Bar | None:
    """Return why mail must not be carried to `address`; None when it may.

    Addresses that carry an IPv4 address inside (mapped, compatible, NAT64, 6to4) are judged by
    that one.
    """
    judged = _carried(ip_address(address))
    if any(judged in network for network in _NOWHERE):
        return Bar(f"{address} is a loopback, multicast or reserved address", lasting=True)
    if any(judged in network for network in _INSIDE):
        return Bar(f"{address} is a private or link-local address", lasting=False)
    return None


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address inside `address` if there is one, else `address`."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
