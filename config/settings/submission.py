"""Settings of the submission server."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from config.addresses import format_host_port, parse_host_port, parse_network
from config.schema import Setting
from config.units import parse_duration, parse_size

ADDRESS_SHAPE = '"host:port", or "[IPv6]:port"'


class Certificate(NamedTuple):
    """Files of a TLS identity; without `private_key` the key is in the certificate's file."""

    certificate: Path
    private_key: Path | None


def check_listening_address(text: str) -> str:
    """Return an address to listen on in canonical form; ValueError if it has no host or port."""
    return format_host_port(*parse_host_port(text, None))


def check_network(text: str) -> str:
    """Return a network in canonical form; ValueError if it is none."""
    return str(parse_network(text))


class Listener(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One address on which mail is taken in."""

    address: Annotated[
        str,
        Setting(
            'Where to listen: "host:port", "0.0.0.0:587" for all IPv4 addresses, "[::]:587" for '
            "all IPv6 addresses. Submission is port 587 with STARTTLS (RFC 6409 3.1) or 465 with "
            "implicit TLS (RFC 8314 3.3). Port 0 takes any free port.",
            check=check_listening_address,
            shape=ADDRESS_SHAPE,
            example='"127.0.0.1:2525"',
        ),
    ]
    tls: Annotated[
        Literal["none", "starttls", "implicit"],
        Setting(
            '"starttls" offers STARTTLS (RFC 3207), "implicit" begins with TLS (RFC 8314 3.3), '
            '"none" does neither and cannot offer AUTH to anybody but trusted networks.',
        ),
    ] = "none"
    auth: Annotated[
        Literal["required", "optional", "off"],
        Setting(
            '"required" takes mail from authenticated clients only, "optional" also from trusted '
            'networks, "off" from trusted networks only. AUTH (RFC 4954) is offered over TLS, and '
            "in clear text to trusted networks alone.",
        ),
    ] = "optional"
    proxy_protocol: Annotated[
        bool,
        Setting(
            "A load balancer in front of this listener names the client in a PROXY header, version "
            "1 or 2, before anything else, TLS included. The address in it is the client's for all "
            "that follows. Connections come from submission.trusted_proxies only, and each of them "
            "begins with a header.",
        ),
    ] = False
    certificate: Annotated[
        Path | None,
        Setting(
            "Certificate of this listener, instead of the one of the section. PEM, the chain after "
            "the certificate.",
            example='"/etc/sendtrace/tls/listener.pem"',
        ),
    ] = None
    private_key: Annotated[
        Path | None,
        Setting(
            "Private key for this listener's certificate. Without it, the key is looked for in the "
            "certificate's file.",
            example='"/etc/sendtrace/tls/listener.key"',
        ),
    ] = None

    def host_port(self) -> tuple[str, int]:
        """Return host and port to listen on."""
        return parse_host_port(self.address, None)


class SubmissionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may submit, how much, and how long we wait for a client."""

    listeners: Annotated[
        tuple[Listener, ...],
        Setting("Where mail is taken in, one table for each address."),
    ] = (Listener(address="127.0.0.1:2525"),)
    certificate: Annotated[
        Path | None,
        Setting(
            "Certificate of the listeners that have none of their own. PEM, the chain after the "
            "certificate. Read again on SIGHUP.",
            example='"/etc/sendtrace/tls/fullchain.pem"',
        ),
    ] = None
    private_key: Annotated[
        Path | None,
        Setting(
            "Private key for the certificate. Without it, the key is looked for in the "
            "certificate's file.",
            example='"/etc/sendtrace/tls/privkey.pem"',
        ),
    ] = None
    trusted_networks: Annotated[
        tuple[str, ...],
        Setting(
            "Clients in these networks relay without AUTH. Whatever is listed here can send mail "
            "to anybody in your name: a network that is too wide makes an open relay.",
            check=check_network,
            shape='a network such as "10.0.0.0/8" or "::1/128"',
        ),
    ] = ("127.0.0.0/8", "::1/128")
    trusted_proxies: Annotated[
        tuple[str, ...],
        Setting(
            "Load balancers in these networks are believed when they name the client in a PROXY "
            "header (listeners with proxy_protocol). Whoever can connect from here can claim to be "
            "anybody, trusted_networks included: list the balancers, not the network they are in. "
            "A balancer's own connections, its health checks, count under its own address, so keep "
            "it out of trusted_networks.",
            check=check_network,
            shape='a network such as "192.0.2.10/32" or "2001:db8::10/128"',
        ),
    ] = ()
    max_message_size: Annotated[
        int,
        Setting(
            "Largest message taken in, announced with SIZE (RFC 1870). A larger one gets 552.",
            size=True,
            least=parse_size("64KiB"),
        ),
    ] = parse_size("25MiB")
    max_recipients: Annotated[
        int,
        Setting(
            "Recipients in one transaction; the next one gets 452. RFC 5321 4.5.3.1.8 asks for 100 "
            "at least.",
            unit="recipients",
            least=1,
        ),
    ] = 1000
    max_connections: Annotated[
        int,
        Setting(
            "Submission connections open at once in the whole service, over all workers. Further "
            "clients get 421.",
            unit="connections",
            least=1,
        ),
    ] = 1000
    max_connections_per_client: Annotated[
        int,
        Setting(
            "Submission connections open at once from one client address.",
            unit="connections",
            least=1,
        ),
    ] = 50
    max_received_headers: Annotated[
        int,
        Setting(
            "A message with more Received fields than this is taken to be in a loop and refused. "
            "RFC 5321 6.3 names 100 as usual; 50 is Postfix's limit, and few paths need 20.",
            unit="fields",
            least=1,
        ),
    ] = 50
    match_sender: Annotated[
        bool,
        Setting(
            "An authenticated account may only use reverse-paths it owns (RFC 6409 6.1): a user "
            "its own address, a domain-admin its domain, an admin any.",
        ),
    ] = True
    command_timeout: Annotated[
        timedelta,
        Setting(
            "How long we wait for a client's next command (RFC 5321 4.5.3.2.7).",
            least=parse_duration("1s"),
        ),
    ] = parse_duration("5m")
    data_progress_timeout: Annotated[
        timedelta,
        Setting(
            "How long a client may send nothing in the middle of a message (RFC 5321 4.5.3.2.5).",
            least=parse_duration("1s"),
        ),
    ] = parse_duration("3m")
    data_timeout: Annotated[
        timedelta,
        Setting(
            "How long a whole message may take, however steadily it trickles in.",
            least=parse_duration("1s"),
        ),
    ] = parse_duration("30m")
    auth_failures_per_connection: Annotated[
        int,
        Setting(
            "Wrong passwords after which the connection is closed with 421.",
            unit="failures",
            least=1,
        ),
    ] = 3
    auth_failures_per_client: Annotated[
        int,
        Setting(
            "Wrong passwords from one client address within auth_failure_window, on all nodes "
            "together, after which AUTH is refused to that address until the window has passed.",
            unit="failures",
            least=1,
        ),
    ] = 10
    auth_failure_window: Annotated[
        timedelta,
        Setting(
            "The time over which auth_failures_per_client counts.",
            least=parse_duration("1s"),
        ),
    ] = parse_duration("15m")

    def certificate_for(self, listener: Listener) -> Certificate | None:
        """Return the certificate `listener` uses: its own, else the section's, else None.

        The two files are never mixed: a listener's certificate goes with the listener's key.
        """
        for owner in (listener, self):
            if owner.certificate is not None:
                return Certificate(owner.certificate, owner.private_key)
        return None
