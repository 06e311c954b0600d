"""Questions to the DNS, by dnspython; nothing else in the relay imports it.

A look-up says one of four things, and they must not be mixed up (RFC 5321 5.1): records, an
empty answer, "no such domain", or nothing usable. The last is again one of two: the domain's name
servers fail, or our own resolver does not answer anybody.

    DnsFault
    ├── NoSuchDomain      NXDOMAIN: permanent for the domain itself
    ├── LookupFailed      SERVFAIL, a broken answer, or no answer for this name: temporary
    └── ResolverSilent    our own resolver answers nothing: a local fault
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.resolver

from config.settings import DnsSettings
from relay.answers import Answers
from relay.clock import Clock

_PARALLEL = 200
"""Look-ups on the way at once."""
_PAYLOAD = 1232
"""Octets of a UDP answer that cross the internet unfragmented; larger ones come by TCP."""
_REMEMBERED_FAILURES = 10_000
_SET = 10.0
"""Seconds by which a wall clock does not differ unless somebody sets it."""
_SILENCE = 5.0
"""Seconds for which a resolver that was found silent is not asked again."""


class DnsFault(Exception):
    """A look-up brought no records; the text is one sentence for the record."""


class NoSuchDomain(DnsFault):
    """The name does not exist (NXDOMAIN)."""


class LookupFailed(DnsFault):
    """The DNS of this name gives no usable answer now."""


class ResolverSilent(DnsFault):
    """Our own resolver answers nothing at all."""


class Exchange(NamedTuple):
    """One MX record; `host` is empty in a null MX (RFC 7505)."""

    preference: int
    host: str


class Resolver(Protocol):
    """What delivery asks of the DNS. Names are given and returned without the final dot."""

    async def mx(self, domain: str) -> Sequence[Exchange]:
        """Return the MX records in any order; empty when there are none. Raises DnsFault."""
        ...

    async def addresses(self, host: str) -> Sequence[str]:
        """Return IPv6 and IPv4 addresses; empty when there are none. Raises DnsFault."""
        ...

    def known_addresses(self, host: str) -> Sequence[str] | None:
        """Return what `addresses` would, if that is known without asking; None if it is not."""
        ...


_Question = tuple[dns.name.Name, dns.rdatatype.RdataType, dns.rdataclass.RdataClass]


class DnsResolver:
    """A resolver with a cache, one query for many who ask the same, and a memory of failures."""

    def __init__(self, settings: DnsSettings, clock: Clock) -> None:
        """Raises ValueError when no name server is known: none set, none of the system's."""
        self._clock = clock
        self._failure_ttl = settings.failure_ttl.total_seconds()
        self._cache = dns.resolver.LRUCache(settings.cache_size) if settings.cache_size else None
        self._resolver = _configured(settings)
        self._resolver.cache = self._cache
        self._exchanges: Answers[Sequence[Exchange]] = Answers(settings.cache_size)
        self._addresses: Answers[Sequence[str]] = Answers(settings.cache_size)
        self._places = asyncio.Semaphore(_PARALLEL)
        self._flights: dict[_Question, asyncio.Task[dns.resolver.Answer]] = {}
        self._failures: dict[_Question, tuple[float, str]] = {}
        self._silent_until = float("-inf")
        self._ahead = self._wall_ahead()
        self._probe: asyncio.Task[bool] | None = None

    async def mx(self, domain: str) -> Sequence[Exchange]:
        known = self._exchanges.get(domain, self._clock.monotonic())
        if known is not None:
            return known
        question = _question(domain, dns.rdatatype.MX)
        answer = self._known(question) or await self._ask(question)
        exchanges = tuple(
            Exchange(record.preference, record.exchange.to_text(omit_final_dot=True).lower())
            if len(record.exchange.labels) > 1
            else Exchange(record.preference, "")
            for record in _records(answer)
        )
        self._exchanges.keep(domain, exchanges, self._good_until([answer]))
        return exchanges

    def known_addresses(self, host: str) -> Sequence[str] | None:
        return self._addresses.get(host, self._clock.monotonic())

    async def addresses(self, host: str) -> Sequence[str]:
        """Return what either family has; one that fails matters only when the other has none."""
        known = self.known_addresses(host)
        if known is not None:
            return known
        questions = [_question(host, kind) for kind in (dns.rdatatype.AAAA, dns.rdatatype.A)]
        answers: list[dns.resolver.Answer | None] = [self._known(q) for q in questions]
        if None in answers:
            return await self._ask_for_addresses(host, questions)
        return self._keep_addresses(host, [answer for answer in answers if answer is not None])

    async def _ask_for_addresses(self, host: str, questions: Sequence[_Question]) -> Sequence[str]:
        results = await asyncio.gather(*map(self._ask, questions), return_exceptions=True)
        good = [result for result in results if isinstance(result, dns.resolver.Answer)]
        if len(good) == len(results):
            return self._keep_addresses(host, good)
        found = _addresses(good)
        faults = [r for r in results if isinstance(r, BaseException)]
        # "No such name" from one family loses against a failure of the other.
        faults.sort(key=lambda fault: isinstance(fault, NoSuchDomain))
        if faults and not found:
            raise faults[0]
        return found

    def _keep_addresses(self, host: str, answers: Sequence[dns.resolver.Answer]) -> Sequence[str]:
        found = _addresses(answers)
        self._addresses.keep(host, found, self._good_until(answers))
        return found

    def _wall_ahead(self) -> float:
        """Return by how much the wall clock is ahead of the one that only goes forward."""
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _mind_the_clock(self) -> None:
        """Forget what was kept by another wall clock than we have now.

        dnspython goes by it: answers of a clock that was a year ahead would be good for a year.
        """
        ahead = self._wall_ahead()
        if abs(ahead - self._ahead) > _SET:
            self._ahead = ahead
            if self._cache is not None:
                self._cache.flush()

    def _good_until(self, answers: Iterable[dns.resolver.Answer]) -> float:
        """Return the monotonic time until which all of `answers` are good."""
        # An answer may have been kept for a while, and tells by the wall clock when it is too old.
        wall = self._clock.now().timestamp()
        left = min(min(a.expiration - wall, a.chaining_result.minimum_ttl) for a in answers)
        return self._clock.monotonic() + left

    def _known(self, question: _Question) -> dns.resolver.Answer | None:
        """Return a cached answer that has records, without waiting for anything."""
        self._mind_the_clock()
        answer = self._cache.get(question) if self._cache else None
        return answer if answer and answer.rrset else None

    async def _ask(self, question: _Question) -> dns.resolver.Answer:
        """Look it up, together with whoever else is just asking the same. Raises DnsFault."""
        failure = self._failures.get(question)
        if failure and failure[0] > self._clock.monotonic():
            raise LookupFailed(failure[1])
        flight = self._flights.get(question)
        if flight is None:
            flight = self._flights[question] = asyncio.create_task(self._look_up(question))
            flight.add_done_callback(lambda task: self._land(question, task))
        # Shielded: one who gives up must not take the answer from the others.
        return await asyncio.shield(flight)

    def _land(self, question: _Question, flight: asyncio.Task[dns.resolver.Answer]) -> None:
        del self._flights[question]
        fault = None if flight.cancelled() else flight.exception()
        if isinstance(fault, LookupFailed) and self._failure_ttl:
            if len(self._failures) >= _REMEMBERED_FAILURES:
                self._failures.clear()
            until = self._clock.monotonic() + self._failure_ttl
            self._failures[question] = (until, str(fault))

    async def _look_up(self, question: _Question) -> dns.resolver.Answer:
        name, kind, _ = question
        if self._silent_until > self._clock.monotonic():
            raise ResolverSilent("Our resolver does not answer")
        async with self._places:
            try:
                return await self._resolver.resolve(
                    name, kind, raise_on_no_answer=False, search=False
                )
            except dns.resolver.NXDOMAIN:
                raise NoSuchDomain(f"{_shown(name)} does not exist (NXDOMAIN)") from None
            except dns.exception.DNSException as problem:
                fault = problem
        said = _said(fault)
        if not said and not await self._is_alive():
            raise ResolverSilent("Our resolver does not answer")
        reason = said or "no answer in time"
        raise LookupFailed(f"The {kind.name} look-up of {_shown(name)} failed: {reason}") from fault

    async def _is_alive(self) -> bool:
        """Ask for the root's name servers: any answer shows that our resolver is there.

        A look-up without an answer is the fault of the domain's name servers when our resolver
        answers this, and ours when it does not.
        """
        if self._probe is None:
            self._probe = asyncio.create_task(self._probe_root())
            self._probe.add_done_callback(self._note_silence)
        return await asyncio.shield(self._probe)

    async def _probe_root(self) -> bool:
        lifetime = float(self._resolver.timeout)
        try:
            await self._resolver.resolve(
                dns.name.root, dns.rdatatype.NS, search=False, lifetime=lifetime
            )
        except (dns.resolver.NoNameservers, dns.resolver.LifetimeTimeout) as problem:
            return bool(_said(problem))
        except dns.exception.DNSException:
            return True
        return True

    def _note_silence(self, probe: asyncio.Task[bool]) -> None:
        self._probe = None
        if not probe.cancelled() and probe.exception() is None and not probe.result():
            self._silent_until = self._clock.monotonic() + _SILENCE


def _configured(settings: DnsSettings) -> dns.asyncresolver.Resolver:
    """Return dnspython's resolver for `settings`; ValueError without any name server."""
    servers = settings.servers()
    try:
        resolver = dns.asyncresolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration as problem:
        raise ValueError(f"the system has no resolver: {problem}") from problem
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in servers]
    resolver.timeout = settings.timeout.total_seconds()
    resolver.lifetime = settings.lifetime.total_seconds()
    resolver.use_edns(0, 0, _PAYLOAD)
    return resolver


def _question(host: str, kind: dns.rdatatype.RdataType) -> _Question:
    """Return the question for an absolute name. Raises NoSuchDomain for what cannot be one."""
    try:
        name = dns.name.from_text(host, dns.name.root)
    except dns.exception.DNSException as problem:
        raise NoSuchDomain(f"{host} is not a domain name: {problem}") from problem
    return name, kind, dns.rdataclass.IN


def _records(answer: dns.resolver.Answer) -> Sequence[Any]:
    """Return the records; dnspython types them all alike."""
    return tuple(answer.rrset or ())


def _addresses(answers: Iterable[dns.resolver.Answer]) -> tuple[str, ...]:
    return tuple(record.address for answer in answers for record in _records(answer))


def _said(problem: dns.exception.DNSException) -> str:
    """Return what name servers answered, if any did: "SERVFAIL", or what was wrong with it."""
    errors = problem.kwargs.get("errors") or ()
    answers = [error for *_, error, response in errors if response is not None]
    if not errors:
        answers = [problem]  # not about servers at all: the answer itself was no good
    return ", ".join(dict.fromkeys(str(answer) for answer in answers))[:200]


def _shown(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True)
