"""From a destination to the targets it may be handed to, in order (RFC 5321 5.1).

What may not be dialled stays in the list with the reason, for the record. Chance is an argument.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from config.settings import Route, Settings
from relay.dns import DnsFault, Exchange, LookupFailed, NoSuchDomain, Resolver
from relay.forbidden import bar_of
from tracker.model import Origin, Outcome, Phase, Target
from tracker.provider import is_address
from tracker.routing import mx_group_of, next_hop_of

_EXCHANGES = 20
"""MX records that are considered; nobody sane has more, and each costs two look-ups."""
_SPARE = 2
"""Candidates for each address an attempt may dial: some families have no way out of here."""
_LOOPBACK = ("127.0.0.1", "::1")
_T = TypeVar("_T")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What bounds the choice of targets."""

    port: int
    limit: int
    """Addresses one attempt may dial."""
    allow_private: bool = False
    source_address: str | None = None
    own_names: frozenset[str] = frozenset()
    own_addresses: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings, own_addresses: Iterable[str] = ()) -> "Rules":
        """Return the rules of `settings`; `own_addresses` are those mail for us arrives at."""
        delivery = settings.delivery
        source = delivery.source_address
        return cls(
            port=delivery.port,
            limit=delivery.addresses_per_attempt,
            allow_private=delivery.allow_private_destinations,
            source_address=source,
            own_names=frozenset({settings.hostname.lower()}),
            own_addresses=frozenset(own_addresses) | ({source} if source else set()),
        )


class Candidate(NamedTuple):
    """A target, and why it must not be dialled; an empty `barred` means it may."""

    target: Target
    barred: str = ""
    lasting: bool = False
    """True when nobody could ever dial it."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a destination has no target at all.

    `detail` begins with the enhanced status code that fits (RFC 3463).
    """

    outcome: Outcome
    origin: Origin
    phase: Phase
    detail: str


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail for a destination may go."""

    candidates: tuple[Candidate, ...] = ()
    """In the order in which they are to be considered."""
    group: str = ""
    """The name that the hosts of one provider share."""
    refusal: Refusal | None = None
    """Set when no candidate may be dialled."""
    is_lasting: bool = False
    """True when every attempt by the same route would find just this."""


async def targets(
    domain: str,
    route: Route | None,
    resolver: Resolver,
    rules: Rules,
    *,
    attempt: int,
    chance: Callable[[], float],
) -> Resolution:
    """Return the targets for mail to `domain`, which `route` sends elsewhere if it is not None.

    `attempt` counts from 1 and decides which address of a host, and which family, comes first.
    Raises ResolverSilent when our own resolver answers nothing.
    """
    search = _Search(resolver, rules, attempt, chance)
    if route is not None:
        return await search.next_hop(route)
    if domain.startswith("["):
        return search.literal(domain)
    try:
        exchanges = await resolver.mx(domain)
        if not exchanges:
            return await search.implicit(domain)
    except NoSuchDomain as fault:
        return _refused(Outcome.FAILED, Origin.REMOTE, f"5.1.2 {fault}")
    except LookupFailed as fault:
        return _refused(Outcome.DEFERRED, Origin.NETWORK, f"4.4.3 {fault}")
    return await search.exchanges(domain, exchanges)


class _Search:
    """The candidates of one attempt, as they are found."""

    def __init__(
        self, resolver: Resolver, rules: Rules, attempt: int, chance: Callable[[], float]
    ) -> None:
        self._resolver = resolver
        self._rules = rules
        self._attempt = attempt
        self._chance = chance
        self._found: list[Candidate] = []

    async def next_hop(self, route: Route) -> Resolution:
        """Look up the next hop of a route: the operator's own word, so any address will do."""
        host, port = route.target(self._rules.port)
        is_literal = is_address(host)
        known: Sequence[str] = [host] if is_literal else _of_this_machine(host)
        try:
            addresses = known or await self._resolver.addresses(host)
        except (NoSuchDomain, LookupFailed) as fault:
            return _refused(Outcome.DEFERRED, Origin.LOCAL, f"4.4.4 The next hop: {fault}")
        if not addresses:
            detail = f"4.4.4 The next hop {host} has no address"
            return _refused(Outcome.DEFERRED, Origin.LOCAL, detail)
        for address in self._rotated(addresses):
            target = Target(host=host, address=address, port=port)
            self._found.append(Candidate(target, self._family_bar(address)))
        found = self._result(next_hop_of(route, self._rules.port))
        return replace(found, is_lasting=True) if is_literal else found

    def literal(self, domain: str) -> Resolution:
        """Return the host that an address literal names (RFC 5321 4.1.3)."""
        address = domain.strip("[]").lower().removeprefix("ipv6:")
        if not is_address(address):
            detail = f"5.1.2 {domain} names no host"
            return _refused(Outcome.FAILED, Origin.REMOTE, detail)
        address = str(ip_address(address))
        if address in self._rules.own_addresses:
            return _loop(domain)
        self._add(domain, address, None)
        return self._result(address)

    async def implicit(self, domain: str) -> Resolution:
        """Use the domain's own addresses, as it has no MX record. Raises DnsFault."""
        addresses = await self._resolver.addresses(domain)
        if not addresses:
            detail = f"5.4.4 {domain} has neither an MX nor an address record"
            return _refused(Outcome.FAILED, Origin.REMOTE, detail)
        if self._is_us(domain, addresses):
            return _loop(domain)
        for address in self._rotated(addresses):
            self._add(domain, address, None)
        return self._result(mx_group_of([(0, domain)]))

    async def exchanges(self, domain: str, exchanges: Sequence[Exchange]) -> Resolution:
        """Use the hosts of the MX records, best preference first."""
        if all(not exchange.host for exchange in exchanges):
            detail = f"5.1.10 {domain} accepts no mail (null MX, RFC 7505)"
            return _refused(Outcome.FAILED, Origin.REMOTE, detail)
        ordered = self._shuffled({e for e in exchanges if e.host})
        group = mx_group_of(ordered)
        ours = next((e.preference for e in ordered if e.host in self._rules.own_names), None)
        for preference in sorted({e.preference for e in ordered[:_EXCHANGES]}):
            if preference == ours or self._is_enough():
                break
            hosts = [e.host for e in ordered[:_EXCHANGES] if e.preference == preference]
            answers = await _look_up_all(self._resolver, hosts)
            if any(self._is_us("", a) for a in answers if not isinstance(a, DnsFault)):
                ours = preference
                break
            for host, answer in zip(hosts, answers, strict=True):
                self._add_host(host, answer, preference)
        if ours is not None and not self._found:
            return _loop(domain)
        self._note_the_rest(ordered, ours)
        return self._result(group)

    def _add_host(self, host: str, answer: Sequence[str] | DnsFault, preference: int) -> None:
        if isinstance(answer, DnsFault):
            self._bar(host, preference, str(answer))
        elif not answer:
            self._bar(host, preference, f"{host} has no address")
        else:
            for address in self._rotated(answer):
                self._add(host, address, preference)

    def _note_the_rest(self, ordered: Sequence[Exchange], ours: int | None) -> None:
        """Say in the record which exchanges were left out."""
        for exchange in ordered[:_EXCHANGES]:
            if ours is not None and exchange.preference >= ours:
                reason = f"Not better than preference {ours}, which is ourselves (RFC 5321 5.1)"
                self._bar(exchange.host, exchange.preference, reason)
        if len(ordered) > _EXCHANGES:
            first = ordered[_EXCHANGES]
            reason = f"{len(ordered) - _EXCHANGES} further MX records are not considered"
            self._bar(first.host, first.preference, reason)

    def _add(self, host: str, address: str, preference: int | None) -> None:
        target = Target(host=host, address=address, port=self._rules.port, preference=preference)
        bar = None if self._rules.allow_private else bar_of(address)
        if bar is None:
            self._found.append(Candidate(target, self._family_bar(address)))
        else:
            self._found.append(Candidate(target, bar.reason, bar.lasting))

    def _bar(self, host: str, preference: int, reason: str) -> None:
        target = Target(host=host, address="", port=self._rules.port, preference=preference)
        self._found.append(Candidate(target, reason))

    def _family_bar(self, address: str) -> str:
        source = self._rules.source_address
        if source is None or (":" in source) == (":" in address):
            return ""
        return f"The source address {source} is of the other family"

    def _is_us(self, host: str, addresses: Iterable[str]) -> bool:
        rules = self._rules
        return host in rules.own_names or not rules.own_addresses.isdisjoint(addresses)

    def _is_enough(self) -> bool:
        usable = sum(not candidate.barred for candidate in self._found)
        return usable >= self._rules.limit * _SPARE

    def _shuffled(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Order by preference, equal ones by chance (RFC 5321 5.1)."""
        keyed = [(exchange.preference, self._chance(), exchange) for exchange in exchanges]
        return [exchange for _, _, exchange in sorted(keyed)]

    def _rotated(self, addresses: Iterable[str]) -> list[str]:
        """Alternate between the families; each attempt begins with another one, further on."""
        known = list(dict.fromkeys(addresses))
        if len(known) < 2:
            return known
        turn = self._attempt - 1
        families = [
            _turned(sorted(a for a in known if ":" in a), turn // 2),
            _turned(sorted(a for a in known if ":" not in a), turn // 2),
        ]
        first, second = _turned(families, turn % 2)
        pairs = [a for pair in zip(first, second, strict=False) for a in pair]
        return [*pairs, *first[len(second) :], *second[len(first) :]]

    def _result(self, group: str) -> Resolution:
        found = tuple(self._found)
        if any(not candidate.barred for candidate in found):
            return Resolution(candidates=found, group=group)
        return Resolution(candidates=found, group=group, refusal=_refusal_of(found))


def _of_this_machine(host: str) -> Sequence[str]:
    """Return what a name for this machine stands for, which no name server is asked (RFC 6761 6.3).

    Empty for every other name.
    """
    labels = host.lower().rstrip(".").split(".")
    return _LOOPBACK if labels[-1] == "localhost" else ()


def _refusal_of(candidates: Sequence[Candidate]) -> Refusal:
    """Judge a destination none of whose candidates may be dialled.

    Addresses at which no exchange can ever be are the domain's way of taking no mail: permanent.
    Private ones may be a name that the operator's DNS answers differently inside and outside, and
    exchanges without addresses may be mended: both wait.
    """
    barred = next((c for c in candidates if c.target.address), candidates[0])
    lasting = all(c.lasting for c in candidates if c.target.address)
    if not barred.target.address:
        detail = f"4.4.4 No exchange has an address: {barred.barred}"
        return Refusal(
            outcome=Outcome.DEFERRED, origin=Origin.REMOTE, phase=Phase.DNS, detail=detail
        )
    return Refusal(
        outcome=Outcome.FAILED if lasting else Outcome.DEFERRED,
        origin=Origin.POLICY,
        phase=Phase.ROUTING,
        detail=f"{5 if lasting else 4}.4.4 {barred.barred}",
    )


async def _look_up_all(resolver: Resolver, hosts: Sequence[str]) -> list[Sequence[str] | DnsFault]:
    """Return addresses or the fault for each host. Raises ResolverSilent."""
    known = [resolver.known_addresses(host) for host in hosts]
    found = [answer for answer in known if answer is not None]
    if len(found) == len(hosts):
        return [*found]
    if len(hosts) == 1:
        return [await _look_up(resolver, hosts[0])]
    return await asyncio.gather(*(_look_up(resolver, host) for host in hosts))


async def _look_up(resolver: Resolver, host: str) -> Sequence[str] | DnsFault:
    try:
        return await resolver.addresses(host)
    except (NoSuchDomain, LookupFailed) as fault:
        return fault


def _turned(items: list[_T], by: int) -> list[_T]:
    """Return `items` with the first `by` moved to the end."""
    at = by % len(items) if items else 0
    return items[at:] + items[:at]


def _refused(outcome: Outcome, origin: Origin, detail: str) -> Resolution:
    refusal = Refusal(outcome=outcome, origin=origin, phase=Phase.DNS, detail=detail)
    return Resolution(refusal=refusal)


def _loop(domain: str) -> Resolution:
    detail = f"5.4.6 Mail for {domain} loops back: its best exchange is this relay"
    return Resolution(
        refusal=Refusal(
            outcome=Outcome.FAILED, origin=Origin.POLICY, phase=Phase.ROUTING, detail=detail
        )
    )
