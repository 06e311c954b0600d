"""Messages a second that are accepted while the destination is dead: each waits in the queue.

    python -m benchmarks.accept [--size 5000] [--sessions 20] [--rounds 3] [--seconds 3]
                                [--peers postfix …]

A run lasts from the first command to the last reply; then the queue must hold every message.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.counters import cpu_of
from benchmarks.load import Load, send, wait_for
from benchmarks.peers import NextHop, Peer, Relay, present
from benchmarks.report import Results, add_options, print_table
from benchmarks.run import Result, lasting, of_one, placed
from tests.support.ports import free_port


@contextmanager
def dead_end(peer: Peer) -> Iterator[tuple[Relay, int, Path]]:
    """Run a relay whose destination refuses to be connected to: the relay, its port, a place."""
    port = free_port()
    with placed(peer) as place, peer.run(place / "relay", NextHop(port)) as relay:
        yield relay, port, place / "sink"


def fill(relay: Relay, load: Load, before: int) -> Result:
    """Put `load` into a queue of `before` messages.

    Raises TimeoutError when it does not hold all of that then. How many there are is not asked at
    the beginning: a relay that moves a message from one queue to another may count it twice.
    """
    worked, began = cpu_of(relay.pids), time.perf_counter()
    send(relay.ports, load)
    took = time.perf_counter() - began
    worked = cpu_of(relay.pids).since(worked)
    wait_for(lambda: relay.waiting() == before + load.messages, "all messages in the queue")
    return Result(load.messages / took, of_one(worked, load.messages))


def measure(peer: Peer, load: Load, seconds: float) -> Result:
    """Measure about as long as `seconds`, as `benchmarks.run.measure_for` does."""
    with dead_end(peer) as (relay, *_):
        queued = 0

        def fill_more(some: Load) -> Result:
            nonlocal queued
            result = fill(relay, some, queued)
            queued += some.messages
            return result

        return lasting(fill_more, load, seconds)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_options(parser, rounds=3)
    parser.add_argument("--seconds", type=float, default=3, help="for one run, about")
    chosen = parser.parse_args()
    load = Load(0, chosen.sessions, chosen.size)
    peers = present(chosen.peers)
    results: Results = defaultdict(list)
    for number in range(1, chosen.rounds + 1):
        for peer in peers:
            results[peer.name].append(measure(peer, load, chosen.seconds))
            rate = results[peer.name][-1].rate
            print(f"round {number}: {peer.name} accepts {rate:.0f} messages/s", flush=True)
    print_table("Accept only", [(load, results)], peers)


if __name__ == "__main__":
    main()
