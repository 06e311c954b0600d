"""How long a message takes through a relay that has little to do: at 10 % of what it can.

    python -m benchmarks.latency [--size 5000] [--share 0.1] [--rate N] [--seconds 5] [--rounds 3]
                                 [--peers postfix …]

How much a relay can do, a short run of 20 sessions before tells (`--rate` gives all the same
load). Messages are sent at regular intervals, each on a connection of its own, by a sender of ours
that notes when the 250 came, to a sink of ours that notes when the final dot came. Accept is from
final dot to 250, delivery from that 250 to the arrival (it may be negative: the mail arrived
before its sender read the 250), total from final dot to final dot.
"""

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import uvloop

from benchmarks.load import Load, wait_for
from benchmarks.peers import NextHop, Peer, Relay, footnotes, present
from benchmarks.report import add_peers
from benchmarks.run import MailLost, lasting, measure, placed, running
from benchmarks.stamping import Stamps, listening, new_stamps, send
from benchmarks.table import percentile, render
from tests.support.ports import free_port

_CALIBRATION = 1.0
"""Seconds of the run that tells what a relay can do."""

_PATIENCE = 60.0
_WARM_UP = 10


class Latencies(NamedTuple):
    """Seconds."""

    rate: float
    accept: list[float]
    delivery: list[float]
    total: list[float]


def capacity(peer: Peer, size: int) -> float:
    """Return messages a second that a relay can do."""
    with running(peer) as (relay, sink):
        return lasting(
            lambda some: measure(relay, sink, some), Load(0, 20, size), _CALIBRATION
        ).rate


def measure_latency(peer: Peer, rate: float, size: int, seconds: float) -> Latencies:
    """Measure `seconds` at `rate` messages a second. Raises MailLost."""
    port, stamps = free_port(), new_stamps()
    with placed(peer) as place, peer.run(place / "relay", NextHop(port)) as relay:
        uvloop.run(_exchange(relay, port, rate, size, max(int(rate * seconds), 50), stamps))
        wait_for(lambda: relay.waiting() == 0, "an empty queue")
        check(stamps, relay)
    measured = [number for number in stamps.sent if number >= _WARM_UP]
    sent, accepted, arrived = stamps.sent, stamps.accepted, stamps.arrived
    return Latencies(
        rate,
        [accepted[number] - sent[number] for number in measured],
        [arrived[number] - accepted[number] for number in measured],
        [arrived[number] - sent[number] for number in measured],
    )


async def _exchange(
    relay: Relay, sink: int, rate: float, size: int, messages: int, stamps: Stamps
) -> None:
    loop = asyncio.get_running_loop()
    async with listening("127.0.0.1", sink, stamps), asyncio.timeout(messages / rate + _PATIENCE):
        async with asyncio.TaskGroup() as group:
            begin = loop.time()
            for number in range(messages):
                await asyncio.sleep(begin + number / rate - loop.time())
                group.create_task(send(relay.ports[0], number, "b@example.org", size, stamps))
        await stamps.wait_for(messages)


def check(stamps: Stamps, relay: Relay) -> None:
    """Look whether all that was sent arrived once and is on record. Raises MailLost."""
    if stamps.copies.keys() != stamps.accepted.keys() or max(stamps.copies.values()) > 1:
        raise MailLost(f"{len(stamps.accepted)} accepted, {stamps.copies.total()} arrived")
    if relay.delivered and relay.delivered() != len(stamps.accepted):
        raise MailLost(f"{len(stamps.accepted)} accepted, {relay.delivered()} on record")


def cells(name: str, rounds: Sequence[Latencies]) -> list[str]:
    """Return a row: percentiles of all rounds together, in milliseconds."""
    row = [name, f"{rounds[-1].rate:.0f}"]
    for some in ("accept", "delivery", "total"):
        times = [each for latencies in rounds for each in getattr(latencies, some)]
        row += [f"{percentile(times, share) * 1e3:.1f}" for share in (0.5, 0.99)]
    return row


_TITLES = ["relay", "messages/s", "accept p50 ms", "p99", "delivery p50 ms", "p99",
           "total p50 ms", "p99"]  # fmt: skip


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=5000, help="of a message, in octets")
    parser.add_argument("--share", type=float, default=0.1, help="of what each relay can do")
    parser.add_argument("--rate", type=float, help="messages a second, for every relay")
    parser.add_argument("--seconds", type=float, default=5, help="for one run")
    add_peers(parser, rounds=3)
    chosen = parser.parse_args()
    peers = present(chosen.peers)
    rates = {peer.name: chosen.rate or capacity(peer, chosen.size) * chosen.share for peer in peers}
    rounds: dict[str, list[Latencies]] = defaultdict(list)
    for number in range(1, chosen.rounds + 1):
        for peer in peers:
            rate = rates[peer.name]
            rounds[peer.name].append(measure_latency(peer, rate, chosen.size, chosen.seconds))
            print(f"round {number}: {', '.join(cells(peer.name, rounds[peer.name][-1:]))}")
    rows = [cells(name, some) for name, some in rounds.items()]
    print(f"\nLatency\n\n{render(_TITLES, rows)}\n\n{footnotes(peers)}")


if __name__ == "__main__":
    main()
