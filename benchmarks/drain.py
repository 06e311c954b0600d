"""Messages a second that leave a full queue when the destination comes back.

    python -m benchmarks.drain [--messages 5000] [--size 5000] [--sessions 20] [--rounds 2]
                               [--limit 20] [--peers postfix …]

The queue fills while the destination is dead, over connections that stay. A run lasts from the
order to try all of it at once (`postfix flush`, `sendtrace queue retry --all` and the like) until
all has arrived and the queue is empty. Filling ends after `--limit` seconds, and so does a run:
what is slow, is measured with what it got.
"""

import argparse
import time
from collections import defaultdict

from benchmarks.accept import dead_end, fill
from benchmarks.counters import cpu_of
from benchmarks.load import Load, Sink, run_sink, wait_for
from benchmarks.peers import Peer, Relay, present
from benchmarks.report import Results, add_options, print_table
from benchmarks.run import MailLost, Result, check, of_one

_AT_ONCE = 500


def measure(peer: Peer, load: Load, limit: float) -> Result:
    """Fill the queue and measure how it empties. Raises MailLost."""
    with dead_end(peer) as (relay, port, place):
        queued = _fill(relay, load, limit)
        with run_sink(port, place) as sink:
            worked, began = cpu_of(relay.pids), time.perf_counter()
            relay.flush()
            wait_for(lambda: _is_over(relay, sink, queued, began + limit), "the end")
            took, arrived = time.perf_counter() - began, sink.messages()
            worked = cpu_of(relay.pids).since(worked)
            _check(relay, load._replace(messages=queued), sink)
    print(f"{peer.name}: {arrived} of {queued} in {took:.1f} s", flush=True)
    return Result(arrived / took, of_one(worked, arrived))


def _fill(relay: Relay, load: Load, limit: float) -> int:
    """Return how many messages were put into the queue within about `limit` seconds."""
    began, queued = time.perf_counter(), 0
    while queued < load.messages and time.perf_counter() - began < limit:
        some = min(_AT_ONCE, load.messages - queued)
        fill(relay, load._replace(messages=some, reuse=True), queued)
        queued += some
    return queued


def _is_over(relay: Relay, sink: Sink, queued: int, deadline: float) -> bool:
    return time.perf_counter() > deadline or (sink.messages() >= queued and relay.waiting() == 0)


def _check(relay: Relay, load: Load, sink: Sink) -> None:
    """Compare what was queued with what arrived and what is left. Raises MailLost."""
    waiting = relay.waiting()  # before the arrivals: what is on its way then, is counted twice
    arrived = sink.messages()
    if not waiting:
        check(load, arrived, relay.delivered() if relay.delivered else 0, relay)
    elif arrived + waiting < load.messages:
        raise MailLost(f"{load.messages} queued, {arrived} arrived, {waiting} are waiting")


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_options(parser, rounds=2)
    parser.add_argument("--messages", type=int, default=5000, help="in the queue")
    parser.add_argument("--limit", type=float, default=20, help="in seconds")
    chosen = parser.parse_args()
    load = Load(chosen.messages, chosen.sessions, chosen.size)
    peers = present(chosen.peers)
    results: Results = defaultdict(list)
    for number in range(1, chosen.rounds + 1):
        for peer in peers:
            results[peer.name].append(measure(peer, load, chosen.limit))
            rate = results[peer.name][-1].rate
            print(f"round {number}: {peer.name} drains {rate:.0f} messages/s", flush=True)
    print_table(f"Drain only, {load.messages} messages queued at most", [(load, results)], peers)


if __name__ == "__main__":
    main()
