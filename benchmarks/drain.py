"""Messages a second that leave a full queue when the destination comes back.

    python -m benchmarks.drain [--messages 10000] [--size 5000] [--sessions 20] [--rounds 1]
                               [--peers postfix …]

The queue fills while the destination is dead. A run lasts from the order to try all of it at once
(`postfix flush`, `sendtrace queue retry --all` and the like) until all has arrived and the queue
is empty.
"""

import argparse
import time
from collections import defaultdict

from benchmarks.accept import dead_end, fill
from benchmarks.counters import cpu_of
from benchmarks.load import Load, run_sink, wait_for
from benchmarks.peers import Peer, present
from benchmarks.report import Results, add_options, print_table
from benchmarks.run import Result, check, of_one


def measure(peer: Peer, load: Load) -> Result:
    """Fill the queue and measure how it empties. Raises MailLost."""
    with dead_end(peer) as (relay, port, place):
        fill(relay, load)
        with run_sink(port, place) as sink:
            worked, began = cpu_of(relay.pids), time.perf_counter()
            relay.flush()
            wait_for(lambda: sink.messages() >= load.messages, "the last arrival")
            ended = wait_for(lambda: relay.waiting() == 0, "an empty queue")
            worked = cpu_of(relay.pids).since(worked)
            recorded = relay.delivered() if relay.delivered else 0
            check(load, sink.messages(), recorded, relay)
    return Result(load.messages / (ended - began), of_one(worked, load.messages))


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_options(parser, rounds=1)
    parser.add_argument("--messages", type=int, default=10_000, help="in the queue")
    chosen = parser.parse_args()
    load = Load(chosen.messages, chosen.sessions, chosen.size)
    peers = present(chosen.peers)
    results: Results = defaultdict(list)
    for number in range(1, chosen.rounds + 1):
        for peer in peers:
            results[peer.name].append(measure(peer, load))
            rate = results[peer.name][-1].rate
            print(f"round {number}: {peer.name} drains {rate:.0f} messages/s", flush=True)
    print_table(f"Drain only, {load.messages} messages", [(load, results)], peers)


if __name__ == "__main__":
    main()
