"""What a queue of a million deferred recipients costs, and whether fresh mail feels it.

    python -m benchmarks.backlog [--recipients 1000000] [--destinations 1000] [--size 1024]
                                 [--rounds 3] [--seconds 3] [--idle 15]

The ledger is written at once (`benchmarks.deferred`); the first of its mail is due in an hour.
Start is from the command to the first connection; memory is the resident set of each process;
idle is the CPU of all processes while nothing is due. Fresh mail (5 KB, 20 sessions) goes from end
to end through a node with that ledger and one with an empty ledger in turns. Claim is T2 alone, by
the ledger's own interface, in a process of its own when nobody else works with it, at a time at
which the mail is due: 50 recipients each.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.counters import cpu_of, descendants, resident
from benchmarks.deferred import Backlog, fill
from benchmarks.load import Load, Sink, run_sink
from benchmarks.peers import SENDTRACE, NextHop, Relay
from benchmarks.peers.sendtrace import relay_of, run_node
from benchmarks.run import lasting, measure
from benchmarks.table import median_ratio, percentile, render, spread
from tests.support.ports import free_port
from tracker.sql.values import first_id
from tracker.sqlite import open_ledger

_SETTLED = 5.0
"""Seconds after a start until it is quiet."""

_CLAIMS = 200
_CLAIMED = 50
_LOAD = Load(0, 20, 5000)
_EMPTY = "empty ledger"


class State(NamedTuple):
    """What a node with nothing to do is like."""

    start: float
    """Seconds."""
    resident: list[int]
    """Octets of each process, the largest first."""
    idle: float
    """CPU as a share of one core."""


@contextmanager
def running(directory: Path, ledger: Path) -> Iterator[tuple[Relay, Sink, float]]:
    """Run a node with a ledger; the last value is how many seconds its start took."""
    port, since = free_port(), first_id(datetime.now(UTC))
    with TemporaryDirectory(dir=directory) as place, run_sink(port, Path(place)) as sink:
        began = time.perf_counter()
        with run_node(Path(place, "node"), NextHop(port), f"sqlite://{ledger}") as node:
            yield relay_of(node, ledger, since), sink, time.perf_counter() - began


def observe(directory: Path, ledger: Path, idle: float) -> State:
    """Start a node and look at it for `idle` seconds."""
    with running(directory, ledger) as (relay, _, start):
        time.sleep(_SETTLED)
        before = cpu_of(relay.pids)
        time.sleep(idle)
        used = cpu_of(relay.pids).since(before).total / idle
        processes = sorted(map(resident, descendants(relay.pids)), reverse=True)
    return State(start, processes, used)


def fresh_mail(directory: Path, ledgers: dict[str, Path], rounds: int, seconds: float) -> None:
    """Measure fresh mail through each ledger in turns and print the table."""
    rates: dict[str, list[float]] = {name: [] for name in ledgers}
    for number in range(1, rounds + 1):
        for name, ledger in ledgers.items():
            with running(directory, ledger) as (relay, sink, _):
                result = lasting(lambda some: measure(relay, sink, some), _LOAD, seconds)
            rates[name].append(result.rate)
            print(f"round {number}: {name} {result.rate:.0f} messages/s", flush=True)
    rows = [
        [name, f"{statistics.median(some):.0f}", f"{median_ratio(some, rates[_EMPTY]):.2f}",
         spread(some)]
        for name, some in rates.items()
    ]  # fmt: skip
    print(f"\n{render(['fresh mail', 'messages/s', '× empty', 'min-max'], rows)}")


async def claim_times(ledger: Path, at: datetime) -> list[float]:
    """Return how long claims at the time `at` take, in seconds."""
    store = await open_ledger(ledger)
    lease = (await store.open_lease("bench", 1, at, timedelta(hours=1))).token
    times = []
    for _ in range(_CLAIMS):
        began = time.perf_counter()
        jobs = await store.claim(lease, at, _CLAIMED)
        times.append(time.perf_counter() - began)
        if sum(len(job.recipients) for job in jobs) != _CLAIMED:
            raise AssertionError("less was due than was written")
    await store.close()
    return times


def state_row(name: str, state: State, claims: list[float]) -> list[str]:
    """Return a row of the first table."""
    megabytes = " ".join(f"{octets / 2**20:.0f}" for octets in state.resident)
    timed = [f"{percentile(claims, share) * 1e3:.1f}" for share in (0.5, 0.99)] if claims else []
    return [name, f"{state.start:.2f}", megabytes, f"{state.idle * 100:.2f}", *(timed or "--")]


_TITLES = ["ledger", "start s", "resident MiB, each process", "idle CPU %", "claim p50 ms", "p99"]


def main() -> None:
    """Write the ledger, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipients", type=int, default=Backlog().recipients)
    parser.add_argument("--destinations", type=int, default=Backlog().destinations)
    parser.add_argument("--size", type=int, default=Backlog().size, help="of each, in octets")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="for one run, about")
    parser.add_argument("--idle", type=float, default=15, help="in seconds")
    chosen = parser.parse_args()
    backlog = Backlog(chosen.recipients, chosen.destinations, chosen.size)
    with TemporaryDirectory(prefix="bench-backlog-") as name:
        directory = Path(name)
        full, empty = directory / "full.db", directory / "empty.db"
        now, began = datetime.now(UTC), time.perf_counter()
        fill(full, backlog, now)
        print(f"written in {time.perf_counter() - began:.0f} s, {full.stat().st_size / 1e6:.0f} MB")
        ledgers = {_EMPTY: empty, f"{backlog.recipients} deferred": full}
        states = {label: observe(directory, path, chosen.idle) for label, path in ledgers.items()}
        fresh_mail(directory, ledgers, chosen.rounds, chosen.seconds)
        claims = asyncio.run(claim_times(full, now + backlog.last_due))
        rows = [
            state_row(label, state, claims if ledgers[label] == full else [])
            for label, state in states.items()
        ]
        print(f"\nBacklog\n\n{render(_TITLES, rows)}")
    print(f"\n{SENDTRACE.name} {SENDTRACE.version()}: {SENDTRACE.settings}.")


if __name__ == "__main__":
    main()
