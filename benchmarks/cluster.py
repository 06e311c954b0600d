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

from benchmarks.counters import ROW_KINDS, Watch, cpu_of
from benchmarks.smtp import Load, Peer, measure, run_node, run_postfix, run_sendtrace, run_sink
from tests.support.postgres import Server, installation, running
from tests.support.waiting import free_port

_SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "track_wal_io_timing": "on",
    "autovacuum_naptime": "60s",
}

_DELIVERED = "SELECT coalesce(sum(delivered), 0)::bigint FROM tallies"

_RECORD = """
SELECT (SELECT sum(accepted) FROM tallies)::bigint, (SELECT sum(delivered) FROM tallies)::bigint,
       (SELECT count(*) FROM attempts WHERE outcome = 'delivered'), (SELECT count(*) FROM queue),
       (SELECT count(*) FROM content)
"""

_databases = count(1)

Costs = dict[str, float]
"""By what it is; of one message, unless its name says otherwise."""


class Result(NamedTuple):
    """Messages a second, what each cost, and the rows of each table for one message."""

    rate: float
    costs: Costs
    rows: dict[str, list[float]]


@contextmanager
def run_cluster(
    directory: Path, sink: int, url: str, nodes: int, workers: int
) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """Run nodes on the ledger at `url`; the value is their ports and their process ids."""
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                run_node(directory / f"{n}", sink, url, NODE=f"node-{n}", WORKERS=str(workers))
            )
            for n in range(nodes)
        ]
        yield [node.port for node in running], [node.pid for node in running]


def measure_cluster(server: Server, load: Load, nodes: int, workers: int) -> Result:
    """Measure nodes on a new database of `server`."""
    url = server.create_database(f"bench{next(_databases)}")
    port = free_port()
    first = Load(nodes * workers * 20, nodes, load.size)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sink = stack.enter_context(run_sink(port))
        watch = Watch(url)
        stack.callback(watch.close)
        with run_cluster(directory, port, url, nodes, workers) as (ports, pids):
            rows, counters = watch.rows(), watch.counters()
            peer = Peer(ports, lambda messages: watch.query(_DELIVERED)[0][0] >= messages)
            measure(peer, first)  # which opens connections and makes plans
            parties = {"node": pids, "server": [server.pid], "sink": [sink]}
            rate, now = _measure_closely(peer, load, watch, parties)
        check_record(watch)
        # The server's processes have told all when the nodes are gone: of the first load, too.
        total = load.messages + first.messages
        for name, cost in _difference(watch.counters(), counters).items():
            now[name] = cost / total
        by_table = _rows_of_one(watch.rows(), rows, total)
    return Result(rate, now | {f"busy: {name}": n for name, n in watch.busy().items()}, by_table)


def _measure_closely(
    peer: Peer, load: Load, watch: Watch, parties: Mapping[str, Sequence[int]]
) -> tuple[float, Costs]:
    """Return messages a second, and what one cost in WAL and CPU."""
    before = {name: cpu_of(each) for name, each in parties.items()}
    wal = watch.wal_octets()
    with watch.looking():
        rate = measure(peer._replace(has_delivered=_after(peer, watch)), load)
    costs = {"WAL octets": watch.wal_octets() - wal}
    for name, each in parties.items():
        costs[f"{name} CPU µs"] = (cpu_of(each) - before[name]) * 1e6
    return rate, {name: cost / load.messages for name, cost in costs.items()}


def _after(peer: Peer, watch: Watch) -> Callable[[int], bool]:
    """Count from now on."""
    delivered = watch.query(_DELIVERED)[0][0]
    return lambda messages: peer.has_delivered(delivered + messages)


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


def measure_beside(run: Callable[[Path, int], object], load: Load) -> Result:
    """Measure what is no cluster."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as directory,
        run_sink(port),
        run(Path(directory), port) as peer,  # type: ignore[attr-defined]
    ):
        return Result(measure(peer, load), {}, {})


def print_results(results: dict[str, list[Result]]) -> None:
    """Print medians, beside each other."""
    rates = {name: statistics.median(each.rate for each in r) for name, r in results.items()}
    for name, rounds in results.items():
        ratio = rates[name] / rates["sqlite"]
        spread = f"{min(r.rate for r in rounds):.0f}-{max(r.rate for r in rounds):.0f}"
        print(f"{name:12} {rates[name]:6.0f} messages/s ({spread})   {ratio:.2f} of sqlite")
        for cost in dict.fromkeys(cost for each in rounds for cost in each.costs):
            print(f"    {cost:24} {statistics.median(r.costs.get(cost, 0) for r in rounds):10.2f}")
    _print_rows(next((r[-1].rows for r in results.values() if r[-1].rows), {}))


def _print_rows(tables: dict[str, list[float]]) -> None:
    print(f"{'rows for a message':20}" + "".join(f"{kind:>18}" for kind in ROW_KINDS))
    for table, numbers in sorted(tables.items()):
        if sum(numbers) > 0.001:
            print(f"{table:20}" + "".join(f"{number:18.3f}" for number in numbers))


def run_rounds(server: Server, options: argparse.Namespace, load: Load) -> None:
    """Measure every peer in turn, again and again, and print what came of it."""
    peers: dict[str, Callable[[], Result]] = {
        "sqlite": partial(
            measure_beside, partial(run_sendtrace, WORKERS=str(options.workers)), load
        ),
        "postfix": partial(measure_beside, run_postfix, load),
    }
    for nodes in options.nodes:
        peers[f"{nodes} nodes"] = partial(measure_cluster, server, load, nodes, options.workers)
    results: dict[str, list[Result]] = defaultdict(list)
    for number in range(1, options.rounds + 1):
        for name, run in peers.items():
            results[name].append(run())
            print(f"round {number}  {name:12} {results[name][-1].rate:6.0f} messages/s", flush=True)
    print(f"\n{load.sessions} sessions, {load.messages} messages of {load.size} octets")
    print_results(results)


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
