"""Messages a second to ten thousand destinations that each take a second, and fairness among them.

    python -m benchmarks.destinations [--destinations 10000] [--flood 500] [--delay 1] [--limit 60]
                                      [--rounds 1] [--peers postfix sendtrace]

Each destination has an address of its own in 127.0.0.0/8 and gets one message; the reply to a
message comes after `--delay` seconds. In the second run a flood for one more destination is
accepted just before: whoever is fair lets the others hardly feel it. Sendtrace finds the addresses
by DNS, Postfix in a table, Exim and Haraka compute them; OpenSMTPD has no
way to. Rate and waits are those of the others: from the first acceptance to their last arrival, and
from accepted to arrived. A run that is not over after `--limit` seconds is cut off and says so.
"""

import argparse
import asyncio
import contextlib
import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import uvloop

from benchmarks.load import wait_for
from benchmarks.names import domain_of, serving
from benchmarks.peers import NextHop, Peer, Relay, footnotes, present
from benchmarks.report import add_peers
from benchmarks.run import MailLost, placed
from benchmarks.stamping import Stamps, listening, new_stamps, send
from benchmarks.table import percentile, render
from tests.support.ports import free_port

_SIZE = 2000
_SENDERS = 50
_ABLE = ("sendtrace", "postfix", "exim", "haraka")


class Traffic(NamedTuple):
    """One message to each of so many destinations, and before them a flood for one more."""

    destinations: int
    flood: int

    @property
    def messages(self) -> int:
        """How many that is."""
        return self.destinations + self.flood

    def domain(self, number: int) -> str:
        """Return where the message of a number goes."""
        return domain_of(self.destinations if number < self.flood else number - self.flood)


class Outcome(NamedTuple):
    """What became of it."""

    arrived: int
    rate: float
    """Messages of the others a second."""
    waits: list[float]
    """Of the others, in seconds."""


def measure(peer: Peer, traffic: Traffic, delay: float, limit: float) -> Outcome:
    """Send `traffic` and see it arrive. Raises MailLost."""
    port, stamps, domains = free_port(), new_stamps(), traffic.destinations + 1
    with (
        serving(domains) as nameserver,
        placed(peer) as place,
        peer.run(place / "relay", NextHop(port, domains, nameserver)) as relay,
    ):
        uvloop.run(_exchange(relay, port, traffic, delay, limit, stamps))
        _check(relay, traffic, stamps)
    arrived = stamps.arrived
    others = [number for number in arrived if number >= traffic.flood]
    took = max(arrived[number] for number in others) - min(stamps.accepted.values())
    return Outcome(
        len(arrived),
        len(others) / took,
        [arrived[number] - stamps.accepted[number] for number in others],
    )


async def _exchange(
    relay: Relay, sink: int, traffic: Traffic, delay: float, limit: float, stamps: Stamps
) -> None:
    numbers = iter(range(traffic.messages))

    async def send_some() -> None:
        for number in numbers:
            await send(relay.ports[0], number, f"b@{traffic.domain(number)}", _SIZE, stamps)

    async with listening("0.0.0.0", sink, stamps, delay=delay):  # all of 127.0.0.0/8
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                async with asyncio.TaskGroup() as group:
                    for _ in range(_SENDERS):
                        group.create_task(send_some())
                await stamps.wait_for(traffic.messages)
        await asyncio.sleep(2 * delay)  # until the last replies are there


def _check(relay: Relay, traffic: Traffic, stamps: Stamps) -> None:
    """Look whether all arrived once, or is still waiting when the time was over."""
    if len(stamps.arrived) == traffic.messages:
        wait_for(lambda: relay.waiting() == 0, "an empty queue")
        if relay.delivered and relay.delivered() != traffic.messages:
            raise MailLost(f"{relay.delivered()} of {traffic.messages} are on record")
    elif len(stamps.arrived) + relay.waiting() < len(stamps.accepted):
        raise MailLost(f"{len(stamps.accepted)} accepted, {len(stamps.arrived)} arrived")
    if max(stamps.copies.values()) > 1:
        raise MailLost("a message arrived twice")


def cells(name: str, traffic: Traffic, rounds: Sequence[Outcome]) -> list[str]:
    """Return a row."""
    waits = [wait for outcome in rounds for wait in outcome.waits]
    return [
        f"{traffic.flood}",
        name,
        f"{statistics.median(outcome.rate for outcome in rounds):.0f}",
        f"{min(outcome.arrived for outcome in rounds)} of {traffic.messages}",
        *(f"{percentile(waits, share):.2f}" if waits else "-" for share in (0.5, 0.99)),
    ]


_TITLES = ["flood", "relay", "messages/s", "arrived", "others wait p50 s", "p99"]


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--destinations", type=int, default=10_000)
    parser.add_argument("--flood", type=int, default=500, help="messages for one destination")
    parser.add_argument("--delay", type=float, default=1, help="of each reply, in seconds")
    parser.add_argument("--limit", type=float, default=60, help="of a run, in seconds")
    add_peers(parser, rounds=1)
    parser.set_defaults(peers=["postfix", "sendtrace"])
    chosen = parser.parse_args()
    peers = present([name for name in chosen.peers if name in _ABLE])
    results: dict[tuple[Traffic, str], list[Outcome]] = defaultdict(list)
    for number in range(1, chosen.rounds + 1):
        for flood in (0, chosen.flood):
            traffic = Traffic(chosen.destinations, flood)
            for peer in peers:
                some = results[traffic, peer.name]
                some.append(measure(peer, traffic, chosen.delay, chosen.limit))
                print(f"round {number}: {', '.join(cells(peer.name, traffic, some[-1:]))}")
    rows = [cells(name, traffic, some) for (traffic, name), some in results.items()]
    print(f"\nDestinations\n\n{render(_TITLES, rows)}\n\n{footnotes(peers)}")


if __name__ == "__main__":
    main()
