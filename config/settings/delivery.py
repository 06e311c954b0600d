"""Settings of DNS look-ups, delivery and routes."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Final, Literal

import msgspec

from config.addresses import check_domain, format_host_port, parse_host_port
from config.schema import Setting
from config.settings.timeouts import DeliveryTimeouts
from config.units import parse_duration, parse_size

__all__ = ["DeliverySettings", "DeliveryTimeouts", "DnsSettings", "Route"]

_DNS_PORT: Final = 53
_IMPLICIT_TLS_PORT: Final = 465
NEXT_HOP_SHAPE: Final = '"host:port", "host" or "[IPv6]:port"'
"""How a next hop is written, for whoever has written something else."""


def check_nameserver(text: str) -> str:
    """Return a name server's address and port in canonical form; ValueError if it is a name."""
    host, port = parse_host_port(text, _DNS_PORT)
    ip_address(host)
    return format_host_port(host, port)


def check_source_address(text: str) -> str:
    """Return an IP address in canonical form; ValueError if it is none."""
    return str(ip_address(text))


def check_next_hop(text: str) -> str:
    """Return a next hop as written, in lower case; ValueError if host or port are not usable."""
    _, port = parse_host_port(text, 25)
    if port == 0:
        raise ValueError("nothing can be reached at port 0")
    return text.lower()


def check_route_domain(text: str) -> str:
    """Return a domain, "*.domain" or "*" in lower case; ValueError otherwise."""
    if text == "*":
        return text
    if text.startswith("*."):
        return f"*.{check_domain(text[2:])}"
    return check_domain(text)


class DnsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom we ask, how long we wait and what we remember."""

    nameservers: Annotated[
        tuple[str, ...],
        Setting(
            'Resolvers to ask: "address" or "address:port", IPv6 as "[::1]:53". Empty: those of '
            "/etc/resolv.conf.",
            check=check_nameserver,
            shape='an IP address with or without a port, such as "127.0.0.1:53"',
        ),
    ] = ()
    timeout: Annotated[
        timedelta,
        Setting("How long one query waits for its answer.", least=parse_duration("10ms")),
    ] = parse_duration("3s")
    lifetime: Annotated[
        timedelta,
        Setting(
            "How long one look-up may take with all its queries and retries. A look-up that fails "
            "defers the recipients; it never falls through to another record type.",
            least=parse_duration("10ms"),
        ),
    ] = parse_duration("15s")
    cache_size: Annotated[
        int,
        Setting(
            "Answers remembered per worker, each for its TTL. 0 remembers none.",
            unit="answers",
            least=0,
        ),
    ] = 10_000
    failure_ttl: Annotated[
        timedelta,
        Setting(
            "How long a failed look-up (SERVFAIL, no answer) is remembered, so that a broken "
            "domain is not asked again for each of its recipients (RFC 2308 7.1: 5 minutes at "
            "most).",
            most=parse_duration("5m"),
        ),
    ] = parse_duration("30s")

    def servers(self) -> tuple[tuple[str, int], ...]:
        """Return address and port of each resolver; empty means the system's."""
        return tuple(parse_host_port(text, _DNS_PORT) for text in self.nameservers)


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How we connect, how many connections, and how much waits in memory."""

    port: Annotated[
        int,
        Setting("The port of MX hosts: 25, except in tests.", unit="port", least=1, most=65535),
    ] = 25
    allow_private_destinations: Annotated[
        bool,
        Setting(
            "Deliver to MX hosts on loopback, private and link-local addresses. When false, a "
            "public domain cannot point our mail into your network. Next hops of routes are your "
            "own words and always allowed.",
        ),
    ] = False
    source_address: Annotated[
        str | None,
        Setting(
            "The local address to send from. Unset: the system chooses. Targets of the other "
            "address family are then not used.",
            check=check_source_address,
            shape="an IP address",
            example='"192.0.2.25"',
        ),
    ] = None
    tls: Annotated[
        Literal["opportunistic", "off"],
        Setting(
            '"opportunistic" uses STARTTLS where it is offered, does not verify the certificate, '
            'and falls back to clear text when TLS fails (RFC 7435). "off" never uses it.',
        ),
    ] = "opportunistic"
    broken_tls_memory: Annotated[
        timedelta,
        Setting(
            "How long we remember that TLS with a host failed and go to clear text at once.",
        ),
    ] = parse_duration("3d")
    addresses_per_attempt: Annotated[
        int,
        Setting(
            "Addresses tried in one attempt before it is a deferral (RFC 5321 5.1 asks for two "
            "at least).",
            unit="addresses",
            least=1,
        ),
    ] = 5
    concurrency_initial: Annotated[
        int,
        Setting(
            "Connections to one group of MX hosts at the start, from all workers of all nodes "
            "together; though each worker that may have any begins with one.",
            unit="connections",
            least=1,
        ),
    ] = 5
    concurrency_max: Annotated[
        int,
        Setting(
            "Connections to one group of MX hosts at most, from all workers of all nodes together. "
            "Each worker has an equal share, which follows the number of workers that are alive. "
            "The number in use grows with success and shrinks with failure.",
            unit="connections",
            least=1,
        ),
    ] = 20
    rate_max: Annotated[
        int,
        Setting(
            "Messages to one group of MX hosts in a minute at most, from all workers of all nodes "
            "together; 0 means no limit. Every try counts, whatever comes of it. What is over the "
            "limit waits in the ledger. Six seconds' worth may be saved up, though always one "
            "message for each worker.",
            unit="messages",
            least=0,
        ),
    ] = 0
    messages_per_connection: Annotated[
        int,
        Setting("Transactions on one connection before QUIT.", unit="messages", least=1),
    ] = 100
    connection_idle: Annotated[
        timedelta,
        Setting(
            "How long an open connection waits for more mail to the same destination. "
            '"0s" closes it at once.'
        ),
    ] = parse_duration("5s")
    connection_age: Annotated[
        timedelta,
        Setting(
            "The age after which a connection gets no further transaction.",
            least=parse_duration("1s"),
        ),
    ] = parse_duration("5m")
    recipients_per_transaction: Annotated[
        int,
        Setting(
            "Recipients in one transaction; more go into the next. RFC 5321 4.5.3.1.8 lets us "
            "count on 100.",
            unit="recipients",
            least=1,
        ),
    ] = 50
    ready_queue: Annotated[
        int,
        Setting(
            "Jobs a worker holds in memory. The rest waits in the ledger.", unit="jobs", least=1
        ),
    ] = 2000
    ready_bytes: Annotated[
        int,
        Setting(
            "Content a worker holds in memory. The rest is read from the ledger when its turn "
            "comes.",
            size=True,
            least=parse_size("1MiB"),
        ),
    ] = parse_size("64MiB")
    timeouts: Annotated[
        DeliveryTimeouts,
        Setting("How long we wait for the other side in each phase (RFC 5321 4.5.3.2)."),
    ] = DeliveryTimeouts()


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One exception from MX routing."""

    domain: Annotated[
        str,
        Setting(
            'Recipient domains this route is for: "example.org" exactly, "*.example.org" all '
            'domains below it (not itself), or "*" all that no other route names.',
            check=check_route_domain,
            shape='"example.org", "*.example.org" or "*"',
            example='"*"',
        ),
    ]
    next_hop: Annotated[
        str,
        Setting(
            'The host that takes this mail: "host:port", "host", "[IPv6]:port". Its addresses are '
            "looked up, its MX records are not, so brackets around a name are not needed. "
            "localhost is this machine. Without a port it is delivery.port, or 465 with "
            "implicit TLS.",
            check=check_next_hop,
            shape=NEXT_HOP_SHAPE,
            example='"smarthost.example.net:587"',
        ),
    ]
    username: Annotated[
        str | None,
        Setting("Name for AUTH at the next hop (RFC 4954).", example='"relay@example.org"'),
    ] = None
    password: Annotated[
        str | None,
        Setting(
            "Password for AUTH. Best given by a file: name it in the environment variable with "
            "_FILE at its end.",
            secret=True,
            example='"…"',
        ),
    ] = None
    tls: Annotated[
        Literal["opportunistic", "verified", "off", "implicit"],
        Setting(
            '"verified" demands STARTTLS with a certificate that is valid for the next hop, '
            '"implicit" the same on a connection that begins with TLS (RFC 8314 3.3), '
            '"opportunistic" uses STARTTLS where offered, "off" never.',
        ),
    ] = "opportunistic"
    allow_cleartext_password: Annotated[
        bool,
        Setting(
            "Send the password also over connections whose TLS is absent or not verified. When "
            "false, recipients are deferred instead.",
        ),
    ] = False

    def target(self, default_port: int) -> tuple[str, int]:
        """Return host and port of the next hop; `default_port` is for those without TLS at once."""
        implicit = self.tls == "implicit"
        return parse_host_port(self.next_hop, _IMPLICIT_TLS_PORT if implicit else default_port)

    def __repr__(self) -> str:
        """Return domain and next hop: a password must not end up in a log or a traceback."""
        return f"Route(domain={self.domain!r}, next_hop={self.next_hop!r}, tls={self.tls!r})"
