"""Connections that serve again, and those that must not."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import pytest

from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.outward import Outward, impatient, impatient_at, make_job, outward, with_attempts
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
    Entry,
    Script,
    ScriptedServer,
    Silence,
)
from tracker.model import Attempt, Outcome, Phase

BOB = "bob@mx.test"
ROUND = (MAIL, RCPT, DATA, CONTENT)
PATIENCE_AT_QUIT = impatient().quit.total_seconds()
D, T, F = Outcome.DELIVERED, Outcome.DEFERRED, Outcome.FAILED


async def deliver(relay: Outward, count: int) -> list[Attempt]:
    return [await relay.attempt(make_job(BOB)) for _ in range(count)]


async def test_a_connection_serves_again() -> None:
    script = (GREETING, EHLO, *ROUND * 3, QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempts = await deliver(relay, 3)
    assert [a.outcome for a in attempts] == [D] * 3
    assert [a.tries[0].reused for a in attempts] == [False, True, True]
    assert attempts[1].tries[0].steps[0].command.startswith("MAIL")
    assert attempts[1].tries[0].extensions == attempts[0].tries[0].extensions
    assert server.connections == 1
    assert "RSET" not in server.lines


async def test_messages_of_one_connection_are_counted() -> None:
    script = (GREETING, EHLO, *ROUND * 2, QUIT)
    async with (
        ScriptedServer(script) as server,
        outward(port=server.port, messages_per_connection=2) as relay,
    ):
        await deliver(relay, 4)
    assert server.connections == 2


@pytest.mark.parametrize(
    ("passed", "connections"),
    [
        pytest.param(timedelta(seconds=4), 1, id="still waiting"),
        pytest.param(timedelta(seconds=5), 2, id="waited too long"),
    ],
)
async def test_idle_connections_are_closed_by_the_clock(
    passed: timedelta, connections: int
) -> None:
    clock = FakeClock()
    script = (GREETING, EHLO, *ROUND * (3 - connections), QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port, clock=clock) as relay:
        await deliver(relay, 1)
        clock.advance(passed)
        await deliver(relay, 1)
    assert server.connections == connections


async def test_an_idle_connection_takes_its_leave_by_itself() -> None:
    clock = FakeClock()
    async with ScriptedServer(HAPPY) as server, outward(port=server.port, clock=clock) as relay:
        await deliver(relay, 1)
        assert len(relay.pool) == 1
        await asyncio.sleep(0)  # let the reaper begin to wait
        clock.advance(timedelta(seconds=5))
        await asyncio.wait_for(server.left.wait(), 60)
        assert len(relay.pool) == 0
        assert server.lines[-1] == "QUIT"


async def test_the_reaper_comes_when_a_connection_has_waited_long_enough_not_later() -> None:
    clock = FakeClock()
    script = (GREETING, EHLO, *ROUND * 2, QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port, clock=clock) as relay:
        await deliver(relay, 1)
        await asyncio.sleep(0)  # let the reaper begin to wait
        clock.advance(timedelta(seconds=3))
        await deliver(relay, 1)
        clock.advance(timedelta(seconds=2))
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(relay.pool) == 1, "it has waited for two seconds"
        clock.advance(timedelta(seconds=3))
        await asyncio.wait_for(server.left.wait(), 60)
        assert len(relay.pool) == 0


async def test_an_old_connection_is_not_used_again() -> None:
    clock = FakeClock()
    script = (GREETING, EHLO, *ROUND * 2, QUIT)
    async with (
        ScriptedServer(script, HAPPY) as server,
        outward(
            port=server.port,
            clock=clock,
            connection_idle=timedelta(hours=1),
            connection_age=timedelta(minutes=5),
        ) as relay,
    ):
        await deliver(relay, 1)
        clock.advance(timedelta(minutes=4))
        await deliver(relay, 1)
        clock.advance(timedelta(minutes=1))
        await deliver(relay, 1)
    assert server.connections == 2


async def test_no_idle_time_means_no_reuse() -> None:
    async with (
        ScriptedServer(HAPPY) as server,
        outward(port=server.port, connection_idle=timedelta(0)) as relay,
    ):
        await deliver(relay, 2)
    assert server.connections == 2


TIRED: dict[str, list[Entry]] = {
    "closed while idle": [Drop()],
    "reset while idle": [Drop(reset=True)],
    "421 while idle": ["=> 421 4.4.2 timeout", Drop()],
    "421 to MAIL": ["MAIL => 421 4.7.0 too many messages"],
    "452 to MAIL": ["MAIL => 452 4.7.0 too many messages", "RCPT => 503", "DATA => 503", QUIT],
    "closed at MAIL": ["MAIL", Drop()],
    "silent at MAIL": ["MAIL", Silence()],
}


@pytest.mark.parametrize("tired", TIRED.values(), ids=TIRED)
async def test_a_tired_connection_is_no_failure(tired: list[Entry]) -> None:
    script: Script = (GREETING, EHLO, *ROUND, *tired)
    async with (
        ScriptedServer(script, HAPPY) as server,
        outward(port=server.port, timeouts=impatient_at(tired, mail=1.5)) as relay,
    ):
        first, second = await deliver(relay, 2)
    assert (first.outcome, second.outcome) == (D, D)
    assert second.tries[-1].phase is Phase.FINAL_DOT
    assert not second.tries[-1].reused
    assert server.connections == 2


async def test_a_fresh_connection_gets_no_second_chance() -> None:
    script = (GREETING, EHLO_BARE, "MAIL => 421 4.7.0 no")
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(BOB))
    assert (attempt.outcome, attempt.phase) == (T, Phase.MAIL)
    assert server.connections == 1


async def test_a_reused_connection_that_is_lost_later_is_a_failure() -> None:
    script = (GREETING, EHLO_BARE, *ROUND, MAIL, "RCPT", Drop())
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        first, second = await deliver(relay, 2)
    assert (first.outcome, second.outcome, second.phase) == (D, T, Phase.RCPT)
    assert server.connections == 1


async def test_a_refused_transaction_is_reset_before_the_next() -> None:
    script = (GREETING, EHLO_BARE, MAIL, "RCPT => 550 no", "RSET => 250 ok", *ROUND, QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        first, second = await deliver(relay, 2)
    assert (first.outcome, second.outcome) == (F, D)
    assert server.lines.count("RSET") == 1


async def test_a_connection_that_spoke_out_of_turn_is_not_used_again() -> None:
    script = (GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT => 250 ok\n250 and more", Silence())
    async with ScriptedServer(script, HAPPY) as server, outward(port=server.port) as relay:
        first, second = await deliver(relay, 2)
    assert (first.outcome, second.outcome) == (D, D)
    assert server.connections == 2


async def test_quit_delays_no_mail() -> None:
    port = free_port()
    script = (GREETING, EHLO, *ROUND, "QUIT", Silence())
    async with (
        outward(port=port, connection_idle=timedelta(0)) as relay,
        ScriptedServer(script, port=port) as server,  # leaves first: its answer is not waited for
        asyncio.timeout(PATIENCE_AT_QUIT / 2),
    ):
        (attempt,) = await deliver(relay, 1)
        while server.lines[-1] != "QUIT":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert attempt.outcome is D


async def test_targets_do_not_share_connections() -> None:
    resolver = FakeResolver(addresses={"one.test": ["127.0.0.1"], "two.test": ["127.0.0.1"]})
    async with (
        ScriptedServer(HAPPY) as server,
        outward(port=server.port, resolver=resolver) as relay,
    ):
        await relay.attempt(make_job("a@one.test"))
        await relay.attempt(make_job("a@two.test"))
    assert server.connections == 2


async def test_many_messages_at_once_take_several_connections() -> None:
    async with ScriptedServer(HAPPY) as server, outward(port=server.port) as relay:
        attempts = await asyncio.gather(*(relay.attempt(make_job(BOB)) for _ in range(5)))
        assert [a.outcome for a in attempts] == [D] * 5
        assert len(relay.pool) == 5
    assert server.connections == 5
    assert server.lines.count("QUIT") == 5


async def test_of_many_idle_connections_the_one_that_waits_longest_leaves() -> None:
    names = ["one", "two", "three"]
    resolver = FakeResolver(
        mx={f"{name}.test": [(10, f"{name}.mx")] for name in names},
        addresses={f"{name}.mx": ["127.0.0.1"] for name in names},
    )
    once, twice = ((GREETING, EHLO, *ROUND * times, QUIT) for times in (1, 2))
    async with (
        ScriptedServer(once, twice, twice, once) as server,
        outward(port=server.port, resolver=resolver, idle_sessions=2) as relay,
    ):
        for name in names:
            await relay.attempt(make_job(f"bob@{name}.test"))
        assert len(relay.pool) == 2
        again = [await relay.attempt(make_job(f"bob@{name}.test")) for name in ("three", "two")]
        assert [attempt.tries[0].reused for attempt in again] == [True, True]
        assert not (await relay.attempt(make_job("bob@one.test"))).tries[0].reused


class Slow:
    """Takes messages, is slow to say goodbye, and counts."""

    def __init__(self) -> None:
        self.connections = 0
        self.open = 0
        self.most = 0
        """Connections at the same time."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most = max(self.most, self.open)
        writer.write(b"220 mx.test\r\n")
        while line := await reader.readline():
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            if line.startswith(b"QUIT"):
                await asyncio.sleep(0.1)
                break
            writer.write(b"250 ok\r\n")
        self.open -= 1
        writer.close()


@pytest.mark.parametrize(
    ("options", "destinations", "connections"),
    [
        pytest.param({}, ["one", "two", "one"], 3, id="one that waits makes room"),
        pytest.param({"messages_per_connection": 1}, ["one", "one"], 2, id="one that leaves does"),
        pytest.param({}, ["one", "one"], 1, id="one that is used again needs none"),
    ],
)
async def test_idle_connections_count_among_those_of_the_group(
    options: dict[str, Any], destinations: list[str], connections: int
) -> None:
    slow = Slow()
    hosts = {name: f"{name}.mx.test" for name in ("one", "two")}
    resolver = FakeResolver(
        mx={f"{name}.test": [(10, host)] for name, host in hosts.items()},
        addresses={host: ["127.0.0.1"] for host in hosts.values()},
    )
    server = await asyncio.start_server(slow.serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        outward(
            port=port, resolver=resolver, concurrency_initial=1, concurrency_max=1, **options
        ) as relay,
    ):
        for name in destinations:
            attempt = await relay.attempt(make_job(f"a@{name}.test"))
            assert attempt.outcome is D
    assert slow.connections == connections
    assert slow.most == 1


def twins(*preferences: int) -> FakeResolver:
    """Return a resolver by which twins.test has hosts with these preferences, all on loopback."""
    names = [f"mx{number}.twins.test" for number in range(len(preferences))]
    return FakeResolver(
        mx={"twins.test": list(zip(preferences, names, strict=True))},
        addresses={name: ["127.0.0.1"] for name in names},
    )


class Whim(FakeClock):
    """Of two that are equal, each in turn is to be the first."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = itertools.cycle((0.9, 0.1, 0.1, 0.9))

    def chance(self) -> float:
        return next(self._turns)


async def test_of_equal_hosts_the_one_with_an_open_connection_is_used() -> None:
    script = (GREETING, EHLO, *ROUND * 4, QUIT)
    async with (
        ScriptedServer(script) as server,
        outward(port=server.port, resolver=twins(10, 10), clock=Whim()) as relay,
    ):
        attempts = [await relay.attempt(make_job("bob@twins.test")) for _ in range(4)]
    assert server.connections == 1
    assert len({a.target.host for a in attempts if a.target}) == 1


async def test_a_later_attempt_is_not_held_to_the_open_connection() -> None:
    script = (GREETING, EHLO, *ROUND, QUIT)
    async with (
        ScriptedServer(script) as server,
        outward(port=server.port, resolver=twins(10, 10), clock=Whim()) as relay,
    ):
        first = await relay.attempt(make_job("bob@twins.test"))
        again = await relay.attempt(with_attempts(make_job("bob@twins.test"), 1))
    assert first.target != again.target
    assert server.connections == 2


async def test_a_better_host_is_tried_before_one_with_an_open_connection() -> None:
    async with (
        ScriptedServer([Drop()], HAPPY) as server,
        outward(port=server.port, resolver=twins(10, 20)) as relay,
    ):
        first = await relay.attempt(make_job("bob@twins.test"))
        again = await relay.attempt(make_job("bob@twins.test"))
    assert first.target is not None and again.target is not None
    assert (first.target.preference, again.target.preference) == (20, 10)
    assert server.connections == 3
