"""Look-ups against a real DNS server on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.settings import DnsSettings
from relay.clock import Clock, SystemClock
from relay.dns import (
    DnsFault,
    DnsResolver,
    Exchange,
    LookupFailed,
    NoSuchDomain,
    ResolverSilent,
)
from tests.support.clock import FakeClock
from tests.support.dns_server import DnsServer
from tests.support.ports import free_port

ZONES = {
    "one.test": {"MX": ["10 MX.one.test."], "A": ["192.0.2.1"]},
    "mx.one.test": {"A": ["192.0.2.10", "192.0.2.11"], "AAAA": ["2001:db8::10"]},
    "null.test": {"MX": ["0 ."]},
    "bare.test": {"A": ["192.0.2.2"]},
    "text.test": {"TXT": ['"nothing here"']},
    "alias.test": {"CNAME": ["one.test."]},
    "loop-a.test": {"CNAME": ["loop-b.test."]},
    "loop-b.test": {"CNAME": ["loop-a.test."]},
    "dangling.test": {"CNAME": ["nowhere.test."]},
    "large.test": {"MX": [f"{i} mx{i}.large-provider.test." for i in range(1_000)]},
    "v4.test": {"A": ["192.0.2.3"]},
    "odd_name.test": {"A": ["192.0.2.4"]},
}


class WallClock(SystemClock):
    """The machine's clock, which somebody has set `ahead`, when `passed` seconds have passed."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = self.passed = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def monotonic(self) -> float:
        return super().monotonic() + self.passed


QUICK: dict[str, Any] = {"timeout": timedelta(seconds=1), "lifetime": timedelta(seconds=2)}
"""For a resolver that answers nothing."""
UNANSWERED: dict[str, Any] = {"timeout": timedelta(seconds=20), "lifetime": timedelta(seconds=2)}
"""For names that it does not answer: whether it answers at all has to be found out."""
SILENT = ("slow.test", "garbage.test")


@asynccontextmanager
async def asking(
    failing: dict[str, str] | None = None, *, clock: Clock | None = None, **options: Any
) -> AsyncIterator[tuple[DnsServer, DnsResolver]]:
    async with DnsServer(ZONES, failing=failing) as server:
        settings = DnsSettings(nameservers=(server.address,), **options)
        yield server, DnsResolver(settings, clock or SystemClock())


@pytest.mark.parametrize(
    ("domain", "exchanges"),
    [
        pytest.param("one.test", [Exchange(10, "mx.one.test")], id="in lower case"),
        pytest.param("null.test", [Exchange(0, "")], id="null MX"),
        pytest.param("bare.test", [], id="no MX"),
        pytest.param("alias.test", [Exchange(10, "mx.one.test")], id="alias"),
    ],
)
async def test_mx(domain: str, exchanges: list[Exchange]) -> None:
    async with asking() as (_, resolver):
        assert list(await resolver.mx(domain)) == exchanges
        assert list(await resolver.mx(domain)) == exchanges


async def test_a_large_answer_comes_by_tcp() -> None:
    async with asking() as (server, resolver):
        assert len(await resolver.mx("large.test")) == 1_000
        assert server.by_tcp == 1


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        pytest.param("mx.one.test", {"192.0.2.10", "192.0.2.11", "2001:db8::10"}, id="both"),
        pytest.param("v4.test", {"192.0.2.3"}, id="one family"),
        pytest.param("text.test", set(), id="neither"),
        pytest.param("alias.test", {"192.0.2.1"}, id="alias"),
        pytest.param("odd_name.test", {"192.0.2.4"}, id="underscore"),
    ],
)
async def test_addresses(host: str, addresses: set[str]) -> None:
    async with asking() as (_, resolver):
        for _ in range(2):
            assert set(await resolver.addresses(host)) == addresses


@pytest.mark.parametrize(
    ("domain", "fault"),
    [
        pytest.param("unknown.test", NoSuchDomain, id="NXDOMAIN"),
        pytest.param("dangling.test", NoSuchDomain, id="alias to nowhere"),
        pytest.param("a..b.test", NoSuchDomain, id="empty label"),
        pytest.param("a" * 64 + ".test", NoSuchDomain, id="label too long"),
        pytest.param("loop-a.test", LookupFailed, id="alias loop"),
        pytest.param("servfail.test", LookupFailed, id="SERVFAIL"),
        pytest.param("refused.test", LookupFailed, id="REFUSED"),
        pytest.param("formerr.test", LookupFailed, id="FORMERR"),
        pytest.param("garbage.test", LookupFailed, id="no DNS packet"),
        pytest.param("slow.test", LookupFailed, id="no answer for this name"),
    ],
)
async def test_fault(domain: str, fault: type[DnsFault]) -> None:
    failing = {
        "servfail.test": "SERVFAIL",
        "refused.test": "REFUSED",
        "formerr.test": "FORMERR",
        "garbage.test": "EMPTY",
        "slow.test": "SILENCE",
    }
    async with asking(failing, **(UNANSWERED if domain in SILENT else {})) as (_, resolver):
        for look_up in (resolver.mx, resolver.addresses):
            with pytest.raises(fault) as raised:
                await look_up(domain)
            assert type(raised.value) is fault
            assert len(str(raised.value)) < 400


async def test_a_resolver_that_answers_nothing_is_our_fault() -> None:
    async with asking(**QUICK) as (server, resolver):
        server.silent = True
        with pytest.raises(ResolverSilent):
            await resolver.mx("one.test")


async def test_a_resolver_that_is_not_there_is_our_fault() -> None:
    settings = DnsSettings(nameservers=(f"127.0.0.1:{free_port()}",), **QUICK)
    with pytest.raises(ResolverSilent):
        await DnsResolver(settings, SystemClock()).mx("one.test")


async def test_silence_ends_as_soon_as_the_resolver_answers_again() -> None:
    clock = FakeClock()
    async with asking(clock=clock, **QUICK) as (server, resolver):
        server.silent = True
        with pytest.raises(ResolverSilent):
            await resolver.mx("one.test")
        server.silent = False
        asked = server.asked.total()
        with pytest.raises(ResolverSilent):
            await resolver.mx("one.test")
        assert server.asked.total() == asked
        clock.advance(timedelta(seconds=6))
        assert await resolver.mx("one.test")


async def test_many_who_ask_the_same_make_one_query() -> None:
    async with asking() as (server, resolver):
        answers = await asyncio.gather(*(resolver.mx("one.test") for _ in range(100)))
        assert all(answers)
        await resolver.mx("ONE.test")
        assert server.asked == {"one.test MX": 1}


async def test_no_memory_asks_again() -> None:
    async with asking(cache_size=0) as (server, resolver):
        await resolver.mx("one.test")
        await resolver.mx("one.test")
        assert server.asked["one.test MX"] == 2
        await resolver.addresses("mx.one.test")
        assert resolver.known_addresses("mx.one.test") is None


async def test_addresses_are_known_for_as_long_as_the_answer_is_good() -> None:
    clock = FakeClock()
    async with asking(clock=clock) as (server, resolver):
        assert resolver.known_addresses("mx.one.test") is None
        found = await resolver.addresses("mx.one.test")
        assert await resolver.addresses("v4.test") == ("192.0.2.3",)
        clock.advance(timedelta(seconds=server.ttl - 1))
        assert resolver.known_addresses("mx.one.test") == found
        assert resolver.known_addresses("v4.test") == ("192.0.2.3",)
        clock.advance(timedelta(seconds=1))
        assert resolver.known_addresses("mx.one.test") is None


async def test_addresses_of_which_one_family_failed_are_asked_for_again() -> None:
    async with asking({"mx.one.test AAAA": "SERVFAIL"}) as (_, resolver):
        found = await resolver.addresses("mx.one.test")
        assert set(found) == {"192.0.2.10", "192.0.2.11"}
        assert resolver.known_addresses("mx.one.test") is None


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    async with asking() as (server, resolver):
        server.held = asyncio.Event()
        first = asyncio.create_task(resolver.mx("one.test"))
        second = asyncio.create_task(resolver.mx("one.test"))
        await asyncio.wait_for(server.reached.wait(), 60)
        first.cancel()
        server.held.set()
        assert await second
        with pytest.raises(asyncio.CancelledError):
            await first
        assert server.asked["one.test MX"] == 1


async def test_a_failure_is_remembered_for_a_while() -> None:
    clock = FakeClock()
    ttl = timedelta(seconds=30)
    async with asking({"bad.test": "SERVFAIL"}, clock=clock, failure_ttl=ttl) as (server, resolver):
        for _ in range(3):
            with pytest.raises(LookupFailed):
                await resolver.mx("bad.test")
        assert server.asked["bad.test MX"] == 1
        clock.advance(ttl)
        del server.failing["bad.test"]
        with pytest.raises(NoSuchDomain):
            await resolver.mx("bad.test")
        assert server.asked["bad.test MX"] == 2


async def test_one_family_that_fails_does_not_hide_the_other() -> None:
    async with asking({"mx.one.test AAAA": "SERVFAIL"}) as (_, resolver):
        assert set(await resolver.addresses("mx.one.test")) == {"192.0.2.10", "192.0.2.11"}


async def test_an_empty_family_does_not_hide_a_failure() -> None:
    async with asking({"v4.test A": "SERVFAIL"}) as (_, resolver):
        with pytest.raises(LookupFailed):
            await resolver.addresses("v4.test")


async def test_a_clock_that_is_set_right_makes_no_answer_good_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was looked up while it was a year ahead would be good for a year."""
    clock, real = WallClock(), time.time
    monkeypatch.setattr(time, "time", lambda: real() + clock.ahead + clock.passed)
    async with asking(clock=clock) as (server, resolver):
        clock.ahead = timedelta(days=365).total_seconds()
        assert await resolver.addresses("v4.test") == ("192.0.2.3",)
        with pytest.raises(NoSuchDomain):
            await resolver.mx("new.test")
        clock.ahead = 0.0
        server.zones["v4.test"] = {"A": ["192.0.2.33"]}
        server.zones["new.test"] = {"MX": ["10 mx.one.test."]}
        clock.passed = timedelta(days=1).total_seconds()
        assert await resolver.addresses("v4.test") == ("192.0.2.33",)
        assert await resolver.mx("new.test") == (Exchange(10, "mx.one.test"),)
