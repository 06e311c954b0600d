"""From a destination to targets in order, or to the reason why there is none."""

from collections.abc import Callable
from itertools import cycle

import pytest

from config.settings import DeliverySettings, Route, Settings
from relay.dns import LookupFailed, ResolverSilent
from relay.resolve import Resolution, Rules, targets
from tests.support.dns import FakeResolver
from tracker.model import Origin, Outcome, Phase

RESOLVER = FakeResolver(
    mx={
        "one.test": [(20, "backup.test"), (10, "best.test")],
        "equal.test": [(10, "a.test"), (10, "b.test"), (10, "c.test")],
        "null.test": [(0, "")],
        "lame.test": [(10, "empty.test"), (20, "gone.test"), (30, "backup.test")],
        "nohost.test": [(10, "empty.test"), (20, "gone.test")],
        "many.test": [(i, f"mx{i}.test") for i in range(1_000)],
        "ours.test": [(10, "best.test"), (20, "relay.test"), (30, "backup.test")],
        "ours-by-address.test": [(10, "best.test"), (20, "us.test"), (30, "backup.test")],
        "loop.test": [(10, "relay.test"), (20, "backup.test")],
        "loop-by-address.test": [(10, "us.test")],
        "loopback.test": [(10, "local.test")],
        "private.test": [(10, "inside.test"), (20, "local.test")],
        "mixed.test": [(10, "inside.test"), (20, "backup.test")],
        "null-too.test": [(0, ""), (10, "best.test")],
        "unsure.test": [(10, "unsure-host.test")],
    },
    addresses={
        "best.test": ["2001:db8::1", "192.0.2.1", "192.0.2.2"],
        "backup.test": ["192.0.2.9"],
        "a.test": ["192.0.2.11"],
        "b.test": ["192.0.2.12"],
        "c.test": ["192.0.2.13"],
        "empty.test": [],
        "us.test": ["192.0.2.25"],
        "local.test": ["127.0.0.1", "::1"],
        "inside.test": ["10.0.0.1"],
        "implicit.test": ["192.0.2.3"],
        "implicit-us.test": ["192.0.2.25"],
        "implicit-local.test": ["::ffff:127.0.0.1"],
        "hollow.test": [],
        "smarthost.test": ["10.0.0.25"],
        **{f"mx{i}.test": [f"198.51.100.{i}"] for i in range(250)},
    },
    fail={
        "mx servfail.test": LookupFailed("The MX look-up of servfail.test failed: SERVFAIL"),
        "mx silent.test": ResolverSilent("Our resolver does not answer"),
        "addresses unsure-host.test": LookupFailed("The A look-up failed: SERVFAIL"),
        "addresses failing-hop.test": LookupFailed("The A look-up failed: SERVFAIL"),
    },
)
RULES = Rules(
    port=25,
    limit=5,
    own_names=frozenset({"relay.test"}),
    own_addresses=frozenset({"192.0.2.25"}),
)


async def resolve(
    domain: str,
    rules: Rules = RULES,
    *,
    route: Route | None = None,
    attempt: int = 1,
    chance: Callable[[], float] = lambda: 0.5,
) -> Resolution:
    return await targets(domain, route, RESOLVER, rules, attempt=attempt, chance=chance)


def addresses_of(resolution: Resolution) -> list[str]:
    return [c.target.address for c in resolution.candidates if not c.barred]


def barred_of(resolution: Resolution) -> dict[str, str]:
    return {c.target.host: c.barred for c in resolution.candidates if c.barred}


@pytest.mark.parametrize(
    ("attempt", "addresses"),
    [
        pytest.param(1, ["2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.9"], id="IPv6 first"),
        pytest.param(2, ["192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.9"], id="then IPv4"),
        pytest.param(3, ["2001:db8::1", "192.0.2.2", "192.0.2.1", "192.0.2.9"], id="other IPv4"),
        pytest.param(4, ["192.0.2.2", "2001:db8::1", "192.0.2.1", "192.0.2.9"], id="IPv4 again"),
    ],
)
async def test_order(attempt: int, addresses: list[str]) -> None:
    resolution = await resolve("one.test", attempt=attempt)
    assert addresses_of(resolution) == addresses
    assert [c.target.preference for c in resolution.candidates] == [10, 10, 10, 20]
    assert {c.target.port for c in resolution.candidates} == {25}
    assert resolution.refusal is None


async def test_equal_preferences_are_shuffled_by_chance() -> None:
    orders = set()
    for turn in range(6):
        numbers = cycle([(turn * 7 + step * 5) % 11 / 11 for step in range(1, 4)])
        resolution = await resolve("equal.test", chance=numbers.__next__)
        orders.add(tuple(addresses_of(resolution)))
        assert set(addresses_of(resolution)) == {"192.0.2.11", "192.0.2.12", "192.0.2.13"}
    assert len(orders) > 1


@pytest.mark.parametrize(
    ("domain", "outcome", "origin", "phase", "detail"),
    [
        pytest.param("null.test", Outcome.FAILED, Origin.REMOTE, Phase.DNS, "5.1.10", id="null MX"),
        pytest.param("gone.test", Outcome.FAILED, Origin.REMOTE, Phase.DNS, "5.1.2", id="NXDOMAIN"),
        pytest.param(
            "servfail.test", Outcome.DEFERRED, Origin.NETWORK, Phase.DNS, "4.4.3", id="SERVFAIL"
        ),
        pytest.param(
            "hollow.test", Outcome.FAILED, Origin.REMOTE, Phase.DNS, "5.4.4", id="no records at all"
        ),
        pytest.param(
            "nohost.test", Outcome.DEFERRED, Origin.REMOTE, Phase.DNS, "4.4.4", id="no exchange"
        ),
        pytest.param(
            "unsure.test", Outcome.DEFERRED, Origin.REMOTE, Phase.DNS, "4.4.4", id="host SERVFAIL"
        ),
        pytest.param(
            "loop.test", Outcome.FAILED, Origin.POLICY, Phase.ROUTING, "5.4.6", id="loop by name"
        ),
        pytest.param(
            "loop-by-address.test",
            Outcome.FAILED,
            Origin.POLICY,
            Phase.ROUTING,
            "5.4.6",
            id="loop by address",
        ),
        pytest.param(
            "implicit-us.test",
            Outcome.FAILED,
            Origin.POLICY,
            Phase.ROUTING,
            "5.4.6",
            id="loop without MX",
        ),
        pytest.param(
            "[192.0.2.25]", Outcome.FAILED, Origin.POLICY, Phase.ROUTING, "5.4.6", id="our literal"
        ),
        pytest.param(
            "loopback.test", Outcome.FAILED, Origin.POLICY, Phase.ROUTING, "5.4.4", id="loopback"
        ),
        pytest.param(
            "implicit-local.test",
            Outcome.FAILED,
            Origin.POLICY,
            Phase.ROUTING,
            "5.4.4",
            id="mapped loopback",
        ),
        pytest.param(
            "private.test", Outcome.DEFERRED, Origin.POLICY, Phase.ROUTING, "4.4.4", id="private"
        ),
        pytest.param(
            "[10.0.0.1]", Outcome.DEFERRED, Origin.POLICY, Phase.ROUTING, "4.4.4", id="literal"
        ),
        pytest.param(
            "[ipv6:::1]", Outcome.FAILED, Origin.POLICY, Phase.ROUTING, "5.4.4", id="IPv6 literal"
        ),
        pytest.param(
            "[tag:x]", Outcome.FAILED, Origin.REMOTE, Phase.DNS, "5.1.2", id="literal of no kind"
        ),
    ],
)
async def test_refusal(
    domain: str, outcome: Outcome, origin: Origin, phase: Phase, detail: str
) -> None:
    resolution = await resolve(domain)
    refusal = resolution.refusal
    assert refusal is not None
    assert (refusal.outcome, refusal.origin, refusal.phase) == (outcome, origin, phase)
    assert refusal.detail.startswith(f"{detail} ")
    assert addresses_of(resolution) == []


async def test_a_failed_mx_look_up_never_falls_through_to_addresses() -> None:
    RESOLVER.asked.clear()
    await resolve("servfail.test")
    assert RESOLVER.asked == {"mx servfail.test": 1}


async def test_a_silent_resolver_is_not_an_attempt() -> None:
    with pytest.raises(ResolverSilent):
        await resolve("silent.test")


async def test_hosts_without_addresses_are_skipped_with_the_reason() -> None:
    resolution = await resolve("lame.test")
    assert addresses_of(resolution) == ["192.0.2.9"]
    assert barred_of(resolution) == {
        "empty.test": "empty.test has no address",
        "gone.test": "gone.test does not exist (NXDOMAIN)",
    }


@pytest.mark.parametrize("domain", ["ours.test", "ours-by-address.test"])
async def test_exchanges_not_better_than_ourselves_are_left_out(domain: str) -> None:
    resolution = await resolve(domain)
    assert {c.target.host for c in resolution.candidates if not c.barred} == {"best.test"}
    barred = barred_of(resolution)
    assert len(barred) == 2
    assert all("ourselves" in reason for reason in barred.values())


async def test_private_exchanges_are_skipped_and_public_ones_used() -> None:
    resolution = await resolve("mixed.test")
    assert addresses_of(resolution) == ["192.0.2.9"]
    assert "10.0.0.1 is a private" in barred_of(resolution)["inside.test"]


@pytest.mark.parametrize("domain", ["loopback.test", "private.test", "[127.0.0.1]"])
async def test_private_destinations_can_be_allowed(domain: str) -> None:
    rules = Rules(port=2525, limit=5, allow_private=True)
    assert addresses_of(await resolve(domain, rules))


async def test_a_thousand_exchanges_cost_few_look_ups() -> None:
    RESOLVER.asked.clear()
    resolution = await resolve("many.test")
    assert RESOLVER.asked.total() <= 21
    assert len(resolution.candidates) <= 22
    assert addresses_of(resolution)[:2] == ["198.51.100.0", "198.51.100.1"]
    assert any("980 further" in reason for reason in barred_of(resolution).values())


async def test_a_null_mx_beside_others_is_no_exchange() -> None:
    assert "192.0.2.1" in addresses_of(await resolve("null-too.test"))


async def test_without_mx_the_domain_is_its_own_exchange() -> None:
    (candidate,) = (await resolve("implicit.test")).candidates
    assert candidate.target.preference is None
    assert (candidate.target.host, candidate.target.address) == ("implicit.test", "192.0.2.3")


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        pytest.param("[192.0.2.77]", "192.0.2.77", id="IPv4"),
        pytest.param("[ipv6:2001:db8:0::77]", "2001:db8::77", id="IPv6"),
        pytest.param("[IPv6:2001:DB8::77]", "2001:db8::77", id="in capitals"),
    ],
)
async def test_literal(domain: str, address: str) -> None:
    (candidate,) = (await resolve(domain)).candidates
    assert (candidate.target.host, candidate.target.address) == (domain, address)


async def test_the_other_family_of_the_source_address_is_skipped() -> None:
    settings = Settings(delivery=DeliverySettings(source_address="192.0.2.100"))
    resolution = await resolve("one.test", Rules.of(settings))
    assert addresses_of(resolution) == ["192.0.2.1", "192.0.2.2", "192.0.2.9"]
    assert "other family" in barred_of(resolution)["best.test"]


@pytest.mark.parametrize(
    ("next_hop", "tls", "address", "port"),
    [
        pytest.param("smarthost.test:587", "verified", "10.0.0.25", 587, id="name and port"),
        pytest.param("smarthost.test", "opportunistic", "10.0.0.25", 25, id="port of delivery"),
        pytest.param("smarthost.test", "implicit", "10.0.0.25", 465, id="implicit TLS"),
        pytest.param("127.0.0.1:10025", "off", "127.0.0.1", 10025, id="an address inside"),
        pytest.param("[2001:db8::5]:26", "off", "2001:db8::5", 26, id="an IPv6 address"),
    ],
)
async def test_next_hop_is_the_operators_word(
    next_hop: str, tls: str, address: str, port: int
) -> None:
    RESOLVER.asked.clear()
    route = Route(domain="*", next_hop=next_hop, tls=tls)  # type: ignore[arg-type]
    resolution = await resolve("one.test", route=route)
    (candidate,) = resolution.candidates
    assert (candidate.target.address, candidate.target.port) == (address, port)
    assert resolution.refusal is None
    assert resolution.group == f"{next_hop.removesuffix(f':{port}')}:{port}"
    assert not any(question.startswith("mx ") for question in RESOLVER.asked)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "filter.localhost"])
async def test_a_next_hop_on_this_machine_is_asked_of_no_name_server(host: str) -> None:
    RESOLVER.asked.clear()
    route = Route(domain="*", next_hop=f"{host}:10025")
    first = await resolve("one.test", route=route, attempt=1)
    second = await resolve("one.test", route=route, attempt=2)
    assert addresses_of(first) == ["::1", "127.0.0.1"]
    assert addresses_of(second) == ["127.0.0.1", "::1"]
    assert not RESOLVER.asked


@pytest.mark.parametrize("hop", ["gone.test", "hollow.test", "failing-hop.test"])
async def test_a_next_hop_that_is_not_found_waits_and_is_our_own_matter(hop: str) -> None:
    resolution = await resolve("one.test", route=Route(domain="*", next_hop=hop))
    assert resolution.refusal is not None
    assert resolution.refusal.outcome is Outcome.DEFERRED
    assert resolution.refusal.origin is Origin.LOCAL
