"""Whose mail server it is: the part of a host's name that its operator registered. Pure."""

from functools import lru_cache
from ipaddress import ip_address
from typing import Final

_REMEMBERED: Final = 10_000

_SECOND_LEVELS: Final = frozenset(
    {"ac", "co", "com", "edu", "gob", "gov", "govt", "net", "ne", "or", "org"}
)
"""Labels that stand for a whole class of owners below a country's domain, as in "co.uk"."""


@lru_cache(maxsize=_REMEMBERED)
def provider_of(host: str) -> str:
    """Return the organisation's part of a host's name, and an address as it is."""
    if is_address(host):
        return host
    labels = host.split(".")
    depth = 2
    if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS:
        depth = 3
    return ".".join(labels[-depth:])


def is_address(host: str) -> bool:
    """Say whether `host` is an IP address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
