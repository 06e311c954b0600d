"""Which way mail for a domain goes: by its MX records, or to the next hop of a route. Pure.

A recipient queues under the *destination* that `destination_of` names. The route itself is
looked up again by the recipient's domain whenever we deliver, so that mail which was queued under
an older configuration follows the present one.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from config.addresses import format_host_port
from config.settings import Route

_SMTP_PORT = 25
_SECOND_LEVELS = frozenset(
    {"ac", "co", "com", "edu", "gob", "gov", "govt", "net", "ne", "or", "org"}
)
"""Labels that stand for a whole class of owners below a country's domain, as in "co.uk"."""


def route_of(domain: str, routes: Sequence[Route]) -> Route | None:
    """Return the most specific route for `domain`: exact, then the longest "*.parent", then "*".

    None means delivery by MX records. Address literals name their host themselves (RFC 5321
    4.1.3): no wildcard matches them.
    """
    if not routes:
        return None
    patterns = {route.domain: route for route in reversed(routes)}
    return next((patterns[name] for name in _patterns(domain) if name in patterns), None)


def destination_of(domain: str, routes: Sequence[Route], default_port: int = _SMTP_PORT) -> str:
    """Return the destination under which recipients at `domain` queue.

    It is the domain itself, or the next hop of its route with the port, which also keeps a next
    hop apart from a domain of the same name. `default_port` is the port of next hops that name
    none.
    """
    route = route_of(domain, routes)
    return domain if route is None else next_hop_of(route, default_port)


def next_hop_of(route: Route, default_port: int = _SMTP_PORT) -> str:
    """Return the destination that `route` leads to."""
    return format_host_port(*route.target(default_port))


def mx_group_of(exchanges: Iterable[tuple[int, str]]) -> str:
    """Return the name that the hosts of one provider share, for limits on connections.

    `exchanges` are preference and host. It is the organisation's part of the best exchange's
    name: all domains at "…mail.protection.outlook.com" are one group. An address is its own
    group; without exchanges there is no group and the name is empty.
    """
    _, host = min(exchanges, default=(0, ""))
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


def _patterns(domain: str) -> Iterable[str]:
    """Yield the patterns that match `domain`, the most specific first."""
    yield domain
    if domain.startswith("["):
        return
    parent = domain
    while "." in parent:
        parent = parent.partition(".")[2]
        yield f"*.{parent}"
    yield "*"
