"""From target to target: which failures lead on, which do not, and what is left on record."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from config.settings import Route
from relay.dns import LookupFailed, ResolverSilent
from tests.support.clock import START, FakeClock
from tests.support.dns import FakeResolver
from tests.support.outward import (
    Octets,
    impatient,
    impatient_at,
    make_job,
    make_message,
    make_recipient,
    outward,
    with_attempts,
)
from tests.support.ports import free_port
from tests.support.server import (
    CONTENT,
    DATA,
    EHLO,
    EHLO_BARE,
    GREETING,
    HAPPY,
    MAIL,
    QUIT,
    RCPT,
    Drop,
    Script,
    ScriptedServer,
    Silence,
)
from tracker.model import Gate, Origin, Outcome, Phase

FIRST, SECOND, THIRD = "127.0.0.1", "127.0.0.2", "127.0.0.3"
BOB = "bob@two.test"
D, T, F, U = Outcome.DELIVERED, Outcome.DEFERRED, Outcome.FAILED, Outcome.UNCERTAIN
REFUSED_MAIL = ("RCPT => 503 no", "DATA => 503 no", QUIT)


def two_hosts() -> FakeResolver:
    return FakeResolver(
        mx={"two.test": [(10, "first.test"), (20, "second.test")]},
        addresses={"first.test": [FIRST], "second.test": [SECOND]},
    )


@pytest.mark.parametrize(
    ("script", "phase"),
    [
        pytest.param([Drop()], Phase.GREETING, id="closed at once"),
        pytest.param([Silence()], Phase.GREETING, id="no greeting"),
        pytest.param(["=> 421 4.3.2 busy"], Phase.GREETING, id="421 greeting"),
        pytest.param(["=> 554 5.7.1 go away"], Phase.GREETING, id="554 greeting"),
        pytest.param(["=> 521 no mail here"], Phase.GREETING, id="521 greeting"),
        pytest.param([GREETING, "EHLO => 421 4.3.2 busy"], Phase.EHLO, id="421 at EHLO"),
        pytest.param([GREETING, "EHLO => 550 no", "HELO => 550 no"], Phase.EHLO, id="no EHLO"),
        pytest.param([GREETING, EHLO, "MAIL => 451 no", *REFUSED_MAIL], Phase.MAIL, id="4yz MAIL"),
        pytest.param([GREETING, EHLO_BARE, "MAIL => 421 no"], Phase.MAIL, id="421 at MAIL"),
        pytest.param([GREETING, EHLO_BARE, MAIL, "RCPT => 421 no"], Phase.RCPT, id="421 at RCPT"),
        pytest.param([GREETING, EHLO_BARE, MAIL, Drop()], Phase.RCPT, id="drop at RCPT"),
        pytest.param([GREETING, EHLO, MAIL, RCPT, Drop()], Phase.DATA, id="drop at DATA"),
    ],
)
async def test_the_next_target_is_tried(script: Script, phase: Phase) -> None:
    async with (
        ScriptedServer(script, host=FIRST) as first,
        ScriptedServer(HAPPY, host=SECOND, port=first.port) as second,
        outward(
            port=first.port, resolver=two_hosts(), timeouts=impatient_at(script, greeting=1.5)
        ) as relay,
    ):
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    assert attempt.target is not None
    assert attempt.target.host == "second.test"
    assert [(t.target.host, t.phase) for t in attempt.tries] == [
        ("first.test", phase),
        ("second.test", Phase.FINAL_DOT),
    ]
    assert len(second.contents) == 1


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        pytest.param([MAIL, "RCPT => 550 5.1.1 no"], F, id="5yz to RCPT"),
        pytest.param([MAIL, "RCPT => 450 4.2.0 later"], T, id="4yz to RCPT"),
        pytest.param(["MAIL => 550 5.7.1 no"], F, id="5yz to MAIL"),
        pytest.param([MAIL, RCPT, "DATA => 451 later"], T, id="4yz to DATA"),
        pytest.param([MAIL, RCPT, DATA, "CONTENT => 451 later"], T, id="4yz after the dot"),
        pytest.param([MAIL, RCPT, DATA, "CONTENT => 554 no"], F, id="5yz after the dot"),
        pytest.param([MAIL, RCPT, DATA, "CONTENT", Drop()], U, id="drop after the dot"),
    ],
)
async def test_a_recipient_that_has_its_answer_is_not_offered_elsewhere(
    script: Script, outcome: Outcome
) -> None:
    async with (
        ScriptedServer([GREETING, EHLO_BARE, *script, "QUIT => 221 bye"], host=FIRST) as first,
        ScriptedServer(HAPPY, host=SECOND, port=first.port) as second,
        outward(port=first.port, resolver=two_hosts()) as relay,
    ):
        attempt = await relay.attempt(make_job(BOB))
        first.surprises.clear()  # RSET or QUIT, whichever the script does not wait for
    assert attempt.outcome is outcome
    assert [t.target.host for t in attempt.tries] == ["first.test"]
    assert second.connections == 0


async def test_only_the_undecided_go_on() -> None:
    script = (GREETING, EHLO_BARE, MAIL, "RCPT => 550 5.1.1 no", RCPT, Drop())
    async with (
        ScriptedServer(script, host=FIRST) as first,
        ScriptedServer(HAPPY, host=SECOND, port=first.port) as second,
        outward(port=first.port, resolver=two_hosts()) as relay,
    ):
        attempts = (await relay.deliver(make_job("eve@two.test", BOB))).attempts
    assert [a.outcome for a in attempts] == [F, D]
    assert [len(a.tries) for a in attempts] == [1, 2]
    assert [line for line in second.lines if "RCPT" in line] == [f"RCPT TO:<{BOB}>"]


async def test_a_refused_connection_is_on_record() -> None:
    port = free_port(FIRST, SECOND)
    async with outward(port=port, resolver=two_hosts()) as relay:
        delivered = await relay.deliver(make_job(BOB))
    (attempt,) = delivered.attempts
    assert (attempt.outcome, attempt.origin, attempt.phase) == (T, Origin.NETWORK, Phase.CONNECT)
    assert attempt.detail == "Connection refused"
    assert [t.target.address for t in attempt.tries] == [FIRST, SECOND]
    assert delivered.reachable is False
    assert delivered.detail == attempt.detail


async def test_a_connection_that_does_not_come_about_ends_in_time() -> None:
    with socket.socket() as full:
        full.bind((FIRST, 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection((FIRST, port)), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex((FIRST, port))
            resolver = FakeResolver(addresses={"two.test": [FIRST]})
            async with outward(
                port=port, resolver=resolver, timeouts=impatient(connect=0.2)
            ) as relay:
                attempt = await relay.attempt(make_job(BOB))
    assert (attempt.outcome, attempt.phase) == (T, Phase.CONNECT)
    assert attempt.detail == "No connection within 0.2 s"


@pytest.mark.parametrize(
    ("scripts", "outcome", "code"),
    [
        pytest.param(["=> 521 never", "=> 521 never"], F, 521, id="never and never"),
        pytest.param(["=> 521 never", "=> 421 busy"], T, 421, id="never and busy"),
        pytest.param(["=> 421 busy", "=> 521 never"], T, 421, id="busy and never"),
        pytest.param(["=> 554 blocked", "=> 554 blocked"], T, 554, id="blocked"),
    ],
)
async def test_several_failures_make_one_outcome(
    scripts: list[str], outcome: Outcome, code: int
) -> None:
    async with (
        ScriptedServer([scripts[0]], host=FIRST) as first,
        ScriptedServer([scripts[1]], host=SECOND, port=first.port),
        outward(port=first.port, resolver=two_hosts()) as relay,
    ):
        delivered = await relay.deliver(make_job(BOB))
    (attempt,) = delivered.attempts
    assert attempt.reply is not None
    assert (attempt.outcome, attempt.reply.code) == (outcome, code)
    assert delivered.reachable is True


async def test_what_came_furthest_tells_most() -> None:
    script = (GREETING, EHLO_BARE, "MAIL => 451 4.7.1 greylisted", QUIT)
    async with (
        ScriptedServer(script, host=FIRST) as first,
        outward(port=first.port, resolver=two_hosts()) as relay,
    ):
        attempt = await relay.attempt(make_job(BOB))
    assert (attempt.phase, attempt.target and attempt.target.host) == (Phase.MAIL, "first.test")
    assert [t.phase for t in attempt.tries] == [Phase.MAIL, Phase.CONNECT]


async def test_addresses_of_one_attempt_are_bounded_and_the_rest_is_on_record() -> None:
    addresses = [f"127.0.0.{i}" for i in range(10, 20)]
    resolver = FakeResolver(addresses={"two.test": addresses})
    port = free_port(*addresses)
    async with outward(port=port, resolver=resolver, addresses_per_attempt=3) as relay:
        attempt = await relay.attempt(make_job(BOB))
    assert [t.skipped for t in attempt.tries] == [False] * 3 + [True] * 7
    assert attempt.tries[3].detail.startswith("Not tried")


async def test_later_attempts_begin_with_other_addresses() -> None:
    addresses = [FIRST, SECOND, THIRD]
    resolver = FakeResolver(addresses={"two.test": addresses})
    dialled = set()
    async with outward(
        port=free_port(*addresses), resolver=resolver, addresses_per_attempt=1
    ) as relay:
        for number in range(6):
            attempt = await relay.attempt(with_attempts(make_job(BOB), number))
            assert attempt.number == number + 1
            dialled.add(attempt.tries[0].target.address)
    assert dialled == set(addresses)


async def test_loopback_is_refused_unless_allowed() -> None:
    resolver = FakeResolver(
        mx={"two.test": [(10, "evil.test")]}, addresses={"evil.test": ["127.0.0.1", "::1"]}
    )
    async with (
        ScriptedServer(HAPPY) as server,
        outward(port=server.port, resolver=resolver, allow_private_destinations=False) as relay,
    ):
        delivered = await relay.deliver(make_job(BOB))
    (attempt,) = delivered.attempts
    assert (attempt.outcome, attempt.origin, attempt.phase) == (F, Origin.POLICY, Phase.ROUTING)
    assert all(t.skipped and "loopback" in t.detail for t in attempt.tries)
    assert len(attempt.tries) == 2
    assert server.connections == 0
    assert delivered.reachable is None


async def test_a_name_that_changes_between_attempts_is_judged_each_time() -> None:
    resolver = FakeResolver(addresses={"two.test": ["192.0.2.1"]})
    async with (
        ScriptedServer(HAPPY) as server,
        outward(
            port=server.port,
            resolver=resolver,
            allow_private_destinations=False,
            timeouts=impatient(connect=0.1),
        ) as relay,
    ):
        assert (await relay.attempt(make_job(BOB))).phase is Phase.CONNECT
        resolver.hosts["two.test"] = ["127.0.0.1"]
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.origin is Origin.POLICY
    assert server.connections == 0


@pytest.mark.parametrize(
    ("fault", "outcome", "origin", "reachable"),
    [
        pytest.param(LookupFailed("SERVFAIL"), T, Origin.NETWORK, False, id="their DNS fails"),
        pytest.param(None, F, Origin.REMOTE, None, id="no such domain"),
    ],
)
async def test_dns_failures_are_attempts(
    fault: LookupFailed | None, outcome: Outcome, origin: Origin, reachable: bool | None
) -> None:
    resolver = FakeResolver(fail={"mx two.test": fault} if fault else {})
    async with outward(resolver=resolver) as relay:
        delivered = await relay.deliver(make_job(BOB))
    (attempt,) = delivered.attempts
    assert (attempt.outcome, attempt.origin, attempt.phase) == (outcome, origin, Phase.DNS)
    assert delivered.reachable is reachable
    assert attempt.tries == ()


async def test_a_silent_resolver_is_no_attempt() -> None:
    resolver = FakeResolver(fail={"mx two.test": ResolverSilent("Our resolver does not answer")})
    clock = FakeClock()
    async with outward(resolver=resolver, clock=clock) as relay:
        postponement = await relay.postpone(make_job(BOB))
    assert postponement.gate is Gate.DNS
    assert postponement.until == START + timedelta(seconds=30)


async def test_when_nobody_of_a_job_gets_through_it_is_no_attempt() -> None:
    """Its recipients went to one destination once, and go different ways now."""
    silence = ResolverSilent("Our resolver does not answer")
    resolver = FakeResolver(fail={"mx one.test": silence, "mx two.test": silence})
    async with outward(resolver=resolver, clock=FakeClock()) as relay:
        postponement = await relay.postpone(make_job("a@one.test", BOB, destination="old.test"))
    assert postponement.gate is Gate.DNS


async def test_a_fault_of_this_machine_is_no_attempt() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with outward(resolver=two_hosts(), clock=FakeClock()) as relay:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            postponement = await relay.postpone(make_job(BOB))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert postponement.gate is Gate.LOCAL
    assert "Too many open files" in postponement.detail


async def test_what_has_been_delivered_stays_so_when_this_machine_fails_later() -> None:
    """The second recipient needs a second connection, for which there is no descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with (
        ScriptedServer(HAPPY) as server,
        outward(port=server.port, recipients_per_transaction=1, messages_per_connection=1) as relay,
    ):

        async def use_up_descriptors() -> None:
            await server.received.wait()
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))

        using_up = asyncio.create_task(use_up_descriptors())
        try:
            delivered = await relay.deliver(make_job("bob@mx.test", "eve@mx.test"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await using_up
    outcomes = [(attempt.outcome, attempt.origin) for attempt in delivered.attempts]
    assert outcomes == [
        (Outcome.DELIVERED, Origin.REMOTE),
        (Outcome.DEFERRED, Origin.LOCAL),
    ]


async def test_a_source_address_that_is_not_ours_is_no_attempt() -> None:
    async with outward(
        resolver=two_hosts(), clock=FakeClock(), source_address="192.0.2.200"
    ) as relay:
        postponement = await relay.postpone(make_job(BOB))
    assert postponement.gate is Gate.LOCAL
    assert "192.0.2.200" in postponement.detail


async def test_the_source_address_is_used_and_on_record() -> None:
    async with (
        ScriptedServer(HAPPY) as server,
        outward(port=server.port, source_address="127.0.0.9") as relay,
    ):
        attempt = await relay.attempt(make_job("bob@mx.test"))
    assert attempt.tries[0].source_address == "127.0.0.9"


async def test_an_old_server_gets_helo() -> None:
    script = (
        *(GREETING, "EHLO => 500 what", "HELO => 250 mx.test", MAIL, RCPT, DATA, CONTENT),
        QUIT,
    )
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job("bob@mx.test"))
    assert attempt.outcome is D
    assert attempt.tries[0].extensions == ()


async def test_a_host_that_goes_by_our_own_name_is_a_loop() -> None:
    script = (GREETING, "EHLO => 250-relay.test greets you\n250 SIZE 100", Silence())
    resolver = FakeResolver(addresses={"two.test": [outside_address()]})
    async with (
        ScriptedServer(script, host=outside_address()) as server,
        outward(port=server.port, resolver=resolver) as relay,
    ):
        attempt = await relay.attempt(make_job(BOB))
    assert (attempt.outcome, attempt.origin) == (T, Origin.POLICY)
    assert attempt.detail.startswith("4.4.6 ")


def outside_address() -> str:
    """Return an address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


async def test_recipients_follow_a_route_that_is_new() -> None:
    async with ScriptedServer(HAPPY) as server:
        route = Route(domain="*", next_hop=f"127.0.0.1:{server.port}", tls="off")
        async with outward(resolver=FakeResolver(), routes=[route]) as relay:
            attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    assert attempt.destination == f"127.0.0.1:{server.port}"


async def test_recipients_whose_route_has_vanished_go_their_own_ways() -> None:
    message = make_message()
    recipients = [
        make_recipient(path, message, destination="old.example.net:587")
        for path in ("a@two.test", "b@gone.test", "c@two.test")
    ]
    script = (GREETING, EHLO, MAIL, RCPT, RCPT, DATA, CONTENT, QUIT)
    async with (
        ScriptedServer(script, host=FIRST) as server,
        outward(port=server.port, resolver=two_hosts()) as relay,
    ):
        job = make_job(message=message, recipients=recipients)
        result = await relay.delivery.deliver(job, Octets())
    attempts = {a.recipient_id: a for a in getattr(result, "attempts", ())}
    assert [attempts[r.id].outcome for r in recipients] == [D, F, D]
    assert [attempts[r.id].destination for r in recipients] == ["two.test", "gone.test", "two.test"]


async def test_content_that_cannot_be_read_is_a_local_deferral() -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"Subject: a\r\n\r\n"
        raise KeyError("gone")

    script = (GREETING, EHLO, MAIL, RCPT, DATA, Silence())
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job("bob@mx.test"), source)
    assert (attempt.outcome, attempt.origin, attempt.phase) == (T, Origin.LOCAL, Phase.CONTENT)
    assert relay.flights.entered == []
    assert server.contents == []


async def test_cancelling_cuts_the_connection() -> None:
    script = (GREETING, EHLO, "MAIL, RCPT, DATA => 250 a\n250 b\n354 c", "CONTENT", Silence())
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        task = asyncio.create_task(relay.deliver(make_job("bob@mx.test")))
        await asyncio.wait_for(server.received.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 60)
