"""Messages a second from end to end: smtp-source, relay, smtp-sink, every relay in each round.

    python -m benchmarks.end_to_end [--all] [--sizes 1000 5000 …] [--sessions 1 20 100]
                        [--recipients 1 10] [--rounds 3] [--seconds 2] [--reuse] [--peers postfix …]

Every message is on the disk before its 250, in each of them. A run lasts from the first command
until all has arrived and the queue is empty; how many messages that is, follows from a short run
before it. Without --all each of size, sessions and recipients is varied while the others stay at
5 KB, 20 and 1. Every message comes on a connection of its own, unless --reuse says otherwise.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence

from benchmarks.load import Load
from benchmarks.peers import Peer, present
from benchmarks.report import Results, add_peers, print_table
from benchmarks.run import Result, lasting, measure, running

_MIDDLE = Load(messages=0, sessions=20, size=5000)


def points(
    sizes: Sequence[int], sessions: Sequence[int], recipients: Sequence[int], *, everything: bool
) -> Iterator[Load]:
    """Yield the loads: all combinations, or those that differ from the middle in one thing."""
    for size in sizes:
        for number in sessions:
            for each in recipients:
                load = Load(0, number, size, each)
                apart = sum(a != b for a, b in zip(load, _MIDDLE, strict=True))
                if everything or apart <= 1:
                    yield load


def measure_point(peers: Sequence[Peer], load: Load, rounds: int, seconds: float) -> Results:
    """Measure the relays one after the other, again and again."""
    results: Results = defaultdict(list)
    for number in range(1, rounds + 1):
        for peer in peers:
            results[peer.name].append(_measure(peer, load, seconds))
            rate = results[peer.name][-1].rate
            print(f"{load}, round {number}: {peer.name} {rate:.0f} messages/s", flush=True)
    return results


def _measure(peer: Peer, load: Load, seconds: float) -> Result:
    with running(peer) as (relay, sink):
        return lasting(lambda some: measure(relay, sink, some), load, seconds)


def main() -> None:
    """Run all points and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 5000, 50_000, 1_000_000])
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 20, 100])
    parser.add_argument("--recipients", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--all", action="store_true", help="all combinations of these")
    parser.add_argument("--reuse", action="store_true", help="one connection for each session")
    add_peers(parser, rounds=3)
    parser.add_argument("--seconds", type=float, default=2, help="for one run, about")
    chosen = parser.parse_args()
    peers = present(chosen.peers)
    measured: list[tuple[Load, Results]] = []
    for load in points(chosen.sizes, chosen.sessions, chosen.recipients, everything=chosen.all):
        given = load._replace(reuse=chosen.reuse)
        measured.append((given, measure_point(peers, given, chosen.rounds, chosen.seconds)))
    print_table("End to end", measured, peers)


if __name__ == "__main__":
    main()
