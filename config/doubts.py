"""What may be set but is hardly meant: said at the start and by `sendtrace config check`. Pure."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final

from config.addresses import parse_host_port
from config.settings import Settings

_WIDEST: Final = {4: 16, 6: 32}
"""Prefixes below which a network of public addresses is hardly somebody's own."""
_UNNAMED: Final = "localhost.localdomain"


def doubts(settings: Settings) -> Iterator[str]:
    """Yield one sentence for each doubt; it begins with the key."""
    if settings.hostname == _UNNAMED:
        yield (
            f"hostname: {_UNNAMED} is good for trying things out only; many receivers refuse mail "
            "from a host that does not name itself"
        )
    yield from _wide_networks(settings)
    yield from _closed_listeners(settings)
    if settings.delivery.allow_private_destinations:
        yield (
            "delivery.allow_private_destinations: anybody's DNS can point our mail into this "
            "network; do not run like this on the internet"
        )
    panel = settings.panel
    if panel.certificate is None and not panel.trusted_proxies and not _is_local(panel.address):
        yield (
            f'panel.address: "{panel.address}" serves log-ins in clear text; set '
            "panel.certificate, or name the proxy that adds TLS in panel.trusted_proxies"
        )


def _wide_networks(settings: Settings) -> Iterator[str]:
    for index, written in enumerate(settings.submission.trusted_networks):
        network = ip_network(written)
        if network.prefixlen < _WIDEST[network.version] and not network.is_private:
            yield (
                f'submission.trusted_networks[{index}]: everybody in "{written}" may send mail to '
                "anybody in your name, without a password: is that an open relay?"
            )


def _closed_listeners(settings: Settings) -> Iterator[str]:
    """AUTH is offered over TLS, and in clear text to trusted networks alone."""
    trusted = (ip_network(written) for written in settings.submission.trusted_networks)
    if any(not network.is_loopback for network in trusted):
        return
    for index, listener in enumerate(settings.submission.listeners):
        if listener.tls == "none" and not _is_local(listener.address):
            yield (
                f"submission.listeners[{index}]: nobody but this machine can submit at "
                f'"{listener.address}": without TLS a password is taken from trusted networks '
                'only; set tls = "starttls" or "implicit", or name submission.trusted_networks'
            )


def _is_local(address: str) -> bool:
    host, _ = parse_host_port(address, None)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
