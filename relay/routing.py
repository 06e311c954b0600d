"""Which way mail for a domain goes: by its MX records, or to the next hop of a route. Pure.

A recipient queues under the *destination* that its `Way` names. The route itself is
looked up again by the recipient's domain whenever we deliver, so that mail which was queued under
an older configuration follows the present one.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from config.addresses import format_host_port
from config.settings import Route
from tracker.provider import provider_of

_SMTP_PORT = 25
_REMEMBERED = 10_000
"""Domains whose way is remembered."""


class Way(NamedTuple):
    """How mail for a domain goes."""

    destination: str
    """Where its recipients queue: the domain itself, or the next hop of its route."""
    pattern: str
    """The domain that its route is set for; empty without a route."""
    route: Route | None


class Routes:
    """The routes of a configuration, prepared for being asked about every recipient."""

    def __init__(self, routes: Sequence[Route], default_port: int = _SMTP_PORT) -> None:
        """`default_port` is the port of next hops that name none."""
        self._routes = {route.domain: route for route in reversed(routes)}
        self._default_port = default_port
        self._known: dict[str, Way] = {}

    def way_of(self, domain: str) -> Way:
        """Return the way by the most specific route: exact, then the longest "*.parent", then "*".

        Without a route it is that by MX records. Address literals name their host themselves
        (RFC 5321 4.1.3): no wildcard matches them.
        """
        way = self._known.get(domain)
        if way is None:
            found = (self._routes[name] for name in _patterns(domain) if name in self._routes)
            route = next(found, None)
            if route is None:
                way = Way(domain, "", None)
            else:
                way = Way(next_hop_of(route, self._default_port), route.domain, route)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[domain] = way
        return way

    def destination_of(self, domain: str) -> str:
        """Return the destination under which recipients at `domain` queue.

        It is the domain itself, or the next hop of its route with the port, which also keeps a
        next hop apart from a domain of the same name.
        """
        return self.way_of(domain).destination


def next_hop_of(route: Route, default_port: int = _SMTP_PORT) -> str:
    """Return the destination that `route` leads to."""
    return format_host_port(*route.target(default_port))


def mx_group_of(exchanges: Iterable[tuple[int, str]]) -> str:
    """Return the name that the hosts of one provider share, for limits on connections.

    `exchanges` are preference and host. It is the organisation's part of the best exchange's
    name: all domains at "…mail.protection.outlook.com" are one group. An address is its own
    group; without exchanges there is no group and the name is empty.
    """
    return provider_of(min(exchanges, default=(0, ""))[1])


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
