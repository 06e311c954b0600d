"""Messages a second and their cost with the ledger in PostgreSQL, shared by one node and more.

    python -m benchmarks.cluster [--nodes 1 2 3] [--sessions 20] [--messages 3000] [--size 5000]
                                 [--rounds 3] [--workers 1] [--replica] [--version 16]

smtp-source, the nodes, the server and smtp-sink run on this machine; every commit is synced to its
disk. SQLite (with as many workers as one node) and Postfix run in the same rounds, which
alternate; medians are printed, and their ratio to SQLite, since absolute figures of a shared
machine mean little. Needs Postfix and smtp-source, and root for Postfix.
"""

import argparse
import statistics
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

from benchmarks import run
from benchmarks.counters import ROW_KINDS, Watch, cpu_of
from benchmarks.load import Load, Sink, counted, run_sink
from benchmarks.peers import NextHop, Peer, Relay, footnotes, present
from benchmarks.peers.postfix import POSTFIX
from benchmarks.peers.sendtrace import SENDTRACE, run_node
from benchmarks.peers.sendtrace import run as run_sendtrace
from benchmarks.table import median_ratio, render, spread
from tests.support.ports import free_port
from tests.support.postgres import Server, installation, running

_SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "track_wal_io_timing": "on",
    "autovacuum_naptime": "60s",
}

_DELIVERED = "SELECT coalesce(sum(delivered), 0)::bigint FROM tallies"

_QUEUED = "SELECT count(DISTINCT message_id) FROM queue"

_RECORD = """
SELECT (SELECT sum(accepted) FROM tallies)::bigint, (SELECT sum(delivered) FROM tallies)::bigint,
       (SELECT count(*) FROM attempts WHERE outcome = 'delivered'), (SELECT count(*) FROM queue),
       (SELECT count(*) FROM content)
"""

_FILE = "SQLite"

_databases = count(1)

Costs = dict[str, float]
"""By what it is; of one message, unless its name says otherwise."""


class Result(NamedTuple):
    """Messages a second, what each cost, and the rows of each table for one message."""

    rate: float
    costs: Costs
    rows: dict[str, list[float]]


@contextmanager
def run_cluster(directory: Path, sink: int, url: str, nodes: int, workers: int) -> Iterator[Relay]:
    """Run nodes on the ledger at `url` as one relay."""
    with ExitStack() as stack:
        watch = Watch(url)
        stack.callback(watch.close)
        running = [
            stack.enter_context(
                run_node(
                    directory / f"{n}", NextHop(sink), url, NODE=f"node-{n}", WORKERS=str(workers)
                )
            )
            for n in range(nodes)
        ]
        yield Relay(
            ports=[node.port for node in running],
            pids=[node.pid for node in running],
            waiting=lambda: int(watch.query(_QUEUED)[0][0]),
            flush=lambda: None,
            delivered=lambda: int(watch.query(_DELIVERED)[0][0]),
        )


def measure_cluster(server: Server, load: Load, nodes: int, workers: int) -> Result:
    """Measure nodes on a new database of `server`."""
    url = server.create_database(f"bench{next(_databases)}")
    first = Load(nodes * workers * 20, nodes, load.size)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sink = stack.enter_context(run_sink(free_port(), directory))
        watch = Watch(url)
        stack.callback(watch.close)
        with run_cluster(directory, sink.port, url, nodes, workers) as relay:
            rows, counters = watch.rows(), watch.counters()
            run.measure(relay, sink, first)  # which opens connections and makes plans
            rate, now = _measure_closely(relay, sink, load, watch, server.pid)
        check_record(watch)
        # The server's processes have told all when the nodes are gone: of the first load, too.
        total = load.messages + first.messages
        for name, cost in _difference(watch.counters(), counters).items():
            now[name] = cost / total
        by_table = _rows_of_one(watch.rows(), rows, total)
    return Result(rate, now | {f"busy: {name}": n for name, n in watch.busy().items()}, by_table)


def _measure_closely(
    relay: Relay, sink: Sink, load: Load, watch: Watch, server: int
) -> tuple[float, Costs]:
    """Return messages a second, and what one cost in WAL and CPU."""
    parties = {"server": server, "sink": sink.pid}
    before = {name: cpu_of([pid]).total for name, pid in parties.items()}
    wal = watch.wal_octets()
    with watch.looking():
        result = run.measure(relay, sink, load)
    costs = {"WAL octets": (watch.wal_octets() - wal) / load.messages}
    costs |= _node_costs(result)
    for name, pid in parties.items():
        used = cpu_of([pid]).total - before[name]
        costs[f"{name} CPU µs"] = used * 1e6 / load.messages
    return result.rate, costs


def _node_costs(result: run.Result) -> Costs:
    return {
        "node CPU µs user": result.cpu.user * 1e6,
        "node CPU µs system": result.cpu.system * 1e6,
    }


def _difference(now: Counter[str], before: Counter[str]) -> Costs:
    return {name: float(now[name]) - float(before[name]) for name in now}


def _rows_of_one(
    now: dict[str, list[int]], before: dict[str, list[int]], messages: int
) -> dict[str, list[float]]:
    nothing = [0] * len(ROW_KINDS)
    return {
        table: [
            (a - b) / messages for a, b in zip(numbers, before.get(table, nothing), strict=True)
        ]
        for table, numbers in now.items()
    }


def check_record(watch: Watch) -> None:
    """Look whether all is on record that was sent. Raises AssertionError."""
    accepted, delivered, attempts, waiting, contents = watch.query(_RECORD)[0]
    if not accepted == delivered == attempts or waiting or contents:
        raise AssertionError(
            f"{accepted} accepted, {delivered} delivered, {attempts} attempts that delivered, "
            f"{waiting} in the queue, {contents} pieces of content"
        )


def measure_beside(peer: Peer, load: Load) -> Result:
    """Measure what is no cluster."""
    with run.running(peer) as (relay, sink):
        run.measure(relay, sink, load._replace(messages=40))
        result = run.measure(relay, sink, load)
    return Result(result.rate, _node_costs(result), {})


def print_results(results: dict[str, list[Result]]) -> None:
    """Print medians, beside each other."""
    rates = {name: [each.rate for each in rounds] for name, rounds in results.items()}
    rows = [
        [
            name,
            f"{statistics.median(some):.0f}",
            *(_ratio(some, rates, base) for base in (_FILE, POSTFIX.name)),
            spread(some),
        ]
        for name, some in rates.items()
    ]
    print(render(["relay", "messages/s", "× SQLite", "× Postfix", "min-max"], rows))
    for name, rounds in results.items():
        print(f"\n{name}, for a message:")
        for cost in dict.fromkeys(cost for each in rounds for cost in each.costs):
            print(f"    {cost:24} {statistics.median(r.costs.get(cost, 0) for r in rounds):10.2f}")
    _print_rows(next((r[-1].rows for r in results.values() if r[-1].rows), {}))


def _ratio(some: Sequence[float], rates: Mapping[str, Sequence[float]], base: str) -> str:
    return f"{median_ratio(some, rates[base]):.2f}" if base in rates else "-"


def _print_rows(tables: dict[str, list[float]]) -> None:
    print(f"{'rows for a message':20}" + "".join(f"{kind:>18}" for kind in ROW_KINDS))
    for table, numbers in sorted(tables.items()):
        if sum(numbers) > 0.001:
            print(f"{table:20}" + "".join(f"{number:18.3f}" for number in numbers))


def run_rounds(server: Server, options: argparse.Namespace, load: Load) -> None:
    """Measure every peer in turn, again and again, and print what came of it."""
    file = SENDTRACE._replace(run=partial(run_sendtrace, WORKERS=str(options.workers)))
    beside = {_FILE: file, **{peer.name: peer for peer in present(["postfix"])}}
    peers: dict[str, Callable[[], Result]] = {
        name: partial(measure_beside, peer, load) for name, peer in beside.items()
    }
    for nodes in options.nodes:
        peers[counted(nodes, "node")] = partial(
            measure_cluster, server, load, nodes, options.workers
        )
    results: dict[str, list[Result]] = defaultdict(list)
    for number in range(1, options.rounds + 1):
        for name, peer in peers.items():
            results[name].append(peer())
            print(f"round {number}  {name:12} {results[name][-1].rate:6.0f} messages/s", flush=True)
    print(f"\nPostgreSQL {options.version}: {load}, {load.messages} messages\n")
    print_results(results)
    print(f"\n{footnotes(list(beside.values()))}")
    print("PostgreSQL: fsync=on, synchronous_commit=on.")


def main() -> None:
    """Run the rounds for each number of sessions."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--sessions", type=int, nargs="+", default=[20], help="over all nodes")
    parser.add_argument("--messages", type=int, default=3000, help="200 for a session at most")
    parser.add_argument("--size", type=int, default=5000, help="of a message, in octets")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="of each node")
    parser.add_argument("--replica", action="store_true", help="which every commit waits for")
    parser.add_argument("--version", default="16", help="of PostgreSQL")
    options = parser.parse_args()
    installed = installation(options.version)
    if installed is None:
        parser.error(f"PostgreSQL {options.version} is not installed")
    with running(installed, durable=True, tcp=True, **_SETTINGS) as server:
        if options.replica:
            server.replicate("replica")
            server.configure(synchronous_standby_names="replica")
        for sessions in options.sessions:
            messages = min(options.messages, 200 * sessions)
            run_rounds(server, options, Load(messages, sessions, options.size))


if __name__ == "__main__":
    main()
