"""What single settings cannot know: conditions between settings.

Each check yields findings. A finding names the keys it rests on, so that the loader can drop it
when one of those has a problem already: a wrong word in `tls` should be reported as that.
"""

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from config.errors import Problem
from config.settings import DomainTracking, Listener, Settings, TrackingSettings
from config.units import format_duration


class Finding(msgspec.Struct, frozen=True):
    """A problem between settings, and the keys (or sections) whose values led to it."""

    problem: Problem
    rests_on: tuple[str, ...]

    def rests_on_any(self, keys: frozenset[str]) -> bool:
        """True if one of `keys` is a key this finding rests on, above it or below it."""
        return any(_related(mine, key) for mine in self.rests_on for key in keys)


def _related(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long == short or long.startswith((f"{short}.", f"{short}["))


def check(settings: Settings) -> Iterator[Finding]:
    """Yield everything that does not fit together."""
    yield from _of_postgresql_only(settings)
    yield from _listener_certificates(settings)
    yield from _keys_without_certificates(settings)
    yield from _proxies_unnamed(settings)
    yield from _addresses_used_twice(settings)
    yield from _routes(settings)
    yield from _lifetimes(settings)
    yield from _orders(settings)
    yield from _ages(settings)


def _finding(key: str, found: str, expected: str, hint: str, *rests_on: str) -> Finding:
    return Finding(Problem(key, found, expected, hint), (key, *rests_on))


def _of_postgresql_only(settings: Settings) -> Iterator[Finding]:
    """A file has neither a password nor a pooler."""
    store = settings.store
    if store.is_postgresql:
        return
    given = {
        "password": store.password and "(secret)",
        "listen_url": store.listen_url and "a URL",
        "pooler": store.pooler and "true",
    }
    for name, found in given.items():
        if found:
            yield _finding(
                f"store.{name}",
                found,
                "nothing, because store.url names a file",
                "it belongs to a ledger in PostgreSQL",
                "store.url",
            )


def _listener_certificates(settings: Settings) -> Iterator[Finding]:
    """TLS needs a certificate."""
    for index, listener in enumerate(settings.submission.listeners):
        if listener.tls != "none" and settings.submission.certificate_for(listener) is None:
            key = f"submission.listeners[{index}]"
            yield _finding(
                f"{key}.certificate",
                "nothing",
                f'a certificate, because tls is "{listener.tls}"',
                "set it here or as submission.certificate for all listeners",
                f"{key}.tls",
                "submission.certificate",
            )


def _keys_without_certificates(settings: Settings) -> Iterator[Finding]:
    """A private key alone is a certificate forgotten."""
    owners: dict[str, tuple[object, object]] = {
        "submission": (settings.submission.certificate, settings.submission.private_key),
        "panel": (settings.panel.certificate, settings.panel.private_key),
    }
    for index, listener in enumerate(settings.submission.listeners):
        pair = (listener.certificate, listener.private_key)
        owners[f"submission.listeners[{index}]"] = pair
    for key, (certificate, private_key) in owners.items():
        if private_key is not None and certificate is None:
            yield _finding(
                f"{key}.certificate",
                "nothing",
                f"a certificate, because {key}.private_key is set",
                "",
                f"{key}.private_key",
            )


def _proxies_unnamed(settings: Settings) -> Iterator[Finding]:
    """Where nobody's PROXY header is believed, nobody could connect."""
    if settings.submission.trusted_proxies:
        return
    for index, listener in enumerate(settings.submission.listeners):
        if listener.proxy_protocol:
            key = f"submission.listeners[{index}].proxy_protocol"
            yield _finding(
                "submission.trusted_proxies",
                "no networks",
                f"those of the load balancers, because {key} is set",
                'for instance trusted_proxies = ["192.0.2.10/32"]',
                key,
            )
            return


def _addresses_used_twice(settings: Settings) -> Iterator[Finding]:
    """Two listeners cannot have one address, the panel's included; port 0 is always another."""
    used: dict[str, str] = {}
    for key, address in _listening(settings.submission.listeners, settings.panel.address):
        if address in used and not address.endswith(":0"):
            yield _finding(
                key,
                f'"{address}"',
                "an address of its own",
                f"{used[address]} has it",
                used[address],
            )
        used.setdefault(address, key)


def _listening(listeners: tuple[Listener, ...], panel: str) -> Iterator[tuple[str, str]]:
    for index, listener in enumerate(listeners):
        yield f"submission.listeners[{index}].address", listener.address
    yield "panel.address", panel


def _routes(settings: Settings) -> Iterator[Finding]:
    """Credentials come in pairs, and one domain has one route."""
    first: dict[str, int] = {}
    for index, route in enumerate(settings.routes):
        key = f"routes[{index}]"
        for given, missing in (("username", "password"), ("password", "username")):
            if getattr(route, given) is not None and getattr(route, missing) is None:
                expected = f"a {missing}, because {given} is set"
                yield _finding(f"{key}.{missing}", "nothing", expected, "", f"{key}.{given}")
        if route.tls == "off" and route.password is not None and not route.allow_cleartext_password:
            yield _finding(
                f"{key}.tls",
                '"off"',
                '"verified" or "implicit", because a password is set',
                "or allow_cleartext_password = true",
                f"{key}.password",
                f"{key}.allow_cleartext_password",
            )
        other = first.setdefault(route.domain, index)
        if other != index:
            found = f'"{route.domain}"'
            other_key = f"routes[{other}].domain"
            yield _finding(
                f"{key}.domain", found, "a domain without a route", f"{other_key} has it", other_key
            )


def _lifetimes(settings: Settings) -> Iterator[Finding]:
    """A lifetime shorter than the first wait would allow no second try."""
    retry = settings.retry
    first = retry.schedule[0]
    for name, lifetime in (
        ("lifetime", retry.lifetime),
        ("report_lifetime", retry.report_lifetime),
    ):
        if lifetime < first:
            yield _finding(
                f"retry.{name}",
                f'"{format_duration(lifetime)}"',
                f"at least the first wait of retry.schedule, {format_duration(first)}",
                "",
                "retry.schedule",
            )


def _ages(settings: Settings) -> Iterator[Finding]:
    """Nothing of a record outlives it, and a domain has one set of ages."""
    tracking = settings.tracking
    yield from _ages_of("tracking", tracking, "tracking.retention", tracking.retention)
    first: dict[str, int] = {}
    for index, domain in enumerate(tracking.domains):
        key = f"tracking.domains[{index}]"
        within = "tracking.retention" if domain.retention is None else f"{key}.retention"
        yield from _ages_of(key, domain, within, domain.retention or tracking.retention)
        if domain.retention is not None and domain.retention > tracking.retention:
            expected = f"at most tracking.retention, {_text(tracking.retention)}"
            found = _text(domain.retention)
            yield _finding(f"{key}.retention", found, expected, "", "tracking.retention")
        if (other := first.setdefault(domain.domain, index)) != index:
            found, other_key = f'"{domain.domain}"', f"tracking.domains[{other}].domain"
            expected = "a domain without ages"
            yield _finding(f"{key}.domain", found, expected, f"{other_key} has it", other_key)


def _ages_of(
    key: str, part: TrackingSettings | DomainTracking, within: str, longest: timedelta
) -> Iterator[Finding]:
    for name in ("subject_retention", "client_retention", "reply_retention"):
        age = getattr(part, name)
        if age is not None and age > longest:
            expected = f"at most {within}, {_text(longest)}"
            yield _finding(f"{key}.{name}", _text(age), expected, "", within)


def _orders(settings: Settings) -> Iterator[Finding]:
    """Pairs of which one cannot be greater than the other."""
    submission, delivery, dns = settings.submission, settings.delivery, settings.dns
    pairs: tuple[tuple[str, str, timedelta | int, timedelta | int], ...] = (
        ("dns.timeout", "dns.lifetime", dns.timeout, dns.lifetime),
        (
            "submission.data_progress_timeout",
            "submission.data_timeout",
            submission.data_progress_timeout,
            submission.data_timeout,
        ),
        (
            "delivery.concurrency_initial",
            "delivery.concurrency_max",
            delivery.concurrency_initial,
            delivery.concurrency_max,
        ),
    )
    for small_key, large_key, small, large in pairs:
        if _exceeds(small, large):
            expected = f"at most {large_key}, {_text(large)}"
            yield _finding(small_key, _text(small), expected, "", large_key)


def _exceeds(one: timedelta | int, other: timedelta | int) -> bool:
    """True if `one` is greater; the pairs above have two of a kind."""
    if isinstance(one, timedelta):
        return isinstance(other, timedelta) and one > other
    return isinstance(other, int) and one > other


def _text(value: timedelta | int) -> str:
    return f'"{format_duration(value)}"' if isinstance(value, timedelta) else str(value)
