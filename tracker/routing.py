"""Which way mail for a domain goes: by its MX records, or to the next hop of a route. Pure.

A recipient queues under the *destination* that its `Way` names. The route itself is
looked up again by the recipient's domain whenever we deliver, so that mail which was queued under
an older configuration follows the present one. A recipient that somebody has sent another way has
a next hop of its own, and goes there whatever the configuration says of its domain.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Self

from config.addresses import format_host_port, parse_host_port
from config.errors import shown
from config.settings import Route, Settings
from config.settings.delivery import NEXT_HOP_SHAPE, check_next_hop
from tracker.provider import provider_of

_SMTP_PORT = 25
_REMEMBERED = 10_000
"""Domains whose way is remembered."""
_LONGEST: Final = 300
_PLAIN: Final = re.compile(r"[0-9a-z.:%\[\]-]+", re.ASCII)
"""Next hops as people write them; the zone of an IPv6 address could be anything else."""


class Way(NamedTuple):
    """How mail for a domain goes."""

    destination: str
    """Where its recipients queue: the domain itself, or the next hop of its route."""
    pattern: str
    """The domain that its route is set for; empty without a route. Of a next hop that no route
    names it is that next hop, which is never a domain, as it has a port."""
    route: Route | None


class Routes:
    """The routes of a configuration, prepared for being asked about every recipient."""

    def __init__(self, routes: Sequence[Route], default_port: int = _SMTP_PORT) -> None:
        """`default_port` is the port of next hops that name none."""
        self._routes = {route.domain: route for route in reversed(routes)}
        self._default_port = default_port
        used = [route for route in reversed(routes) if self._routes[route.domain] is route]
        self._leading_to = {next_hop_of(route, default_port): route for route in used}
        self._written = {route.next_hop: next_hop_of(route, default_port) for route in used}
        self._known: dict[str, Way] = {}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the routes of `settings`, for all parts of a process: they remember ways."""
        return cls(settings.routes, settings.delivery.port)

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

    @property
    def next_hops(self) -> list[str]:
        """The destinations that routes lead to, sorted."""
        return sorted(self._leading_to)

    def way_for(self, domain: str, next_hop: str) -> Way:
        """Return the way of a recipient at `domain` that has a next hop of its own, if not empty.

        Where a route leads to that next hop, its password and its rules of TLS are used: the
        domain's own route before others, then the one that is set first. To a next hop that no
        route leads to, no password is ever sent.
        """
        way = self.way_of(domain)
        if not next_hop or (way.route is not None and way.destination == next_hop):
            return way
        route = self._leading_to.get(next_hop)
        if route is None:
            route = Route(domain=next_hop, next_hop=next_hop)
        return Way(next_hop, route.domain, route)

    def hop_of(self, text: str) -> str:
        """Return the destination that a next hop leads to, which somebody has typed.

        It is checked as those of routes are; without a port it has that of the route that is
        written like it, else the default. Raises ValueError, whose text is for that person.
        """
        try:
            written = _checked(text)
        except ValueError as error:
            plain = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
            said = f"found {shown(plain)}, expected {NEXT_HOP_SHAPE}; {error}"
            raise ValueError(said) from None
        return self._written.get(written) or format_host_port(
            *parse_host_port(written, self._default_port)
        )


def _checked(text: str) -> str:
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} characters")
    if not text.isprintable():
        raise ValueError("it has characters that do not print")
    written = check_next_hop(text)
    if not _PLAIN.fullmatch(written):
        raise ValueError("it has characters that no host has")
    return written


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
