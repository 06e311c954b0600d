"""What a message costs as the ledger grows.

    python -m benchmarks.growth [--recipients 10000 100000 1000000 10000000] [--messages 10000]
                                [--clients 20] [--rounds 3] [--directory /tmp] [--keep DIRECTORY]

Ledgers in files are written that have so much history over 60 days each (`tests.support.history`).
Then, in turns and each time in a process of its own, clients accept a message under a lease and
settle it as delivered, then the next, as `benchmarks.ledger` does. The messages are of the accounts
that the history is of, so that each enters the indexes at a place of its own. With `--keep` the
ledgers stay in that directory, and those that are there are taken.

Printed is what a message cost in processor time, the syncs and checkpoints of its process included,
and how many went a second, both beside the smallest ledger.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.table import median_ratio, render, spread
from tests.support.history import History, fill
from tests.support.mail import make_settlement, make_submission
from tracker.model import LeaseToken
from tracker.sqlite import open_ledger
from tracker.sqlite.ledger import SqliteLedger

_CONTENT = bytes(4000)
_FIRST = 0.1
"""Share of the messages that go before those that count."""

_TITLES = [
    "recipients on record",
    "CPU µs each",
    "× smallest",
    "min-max",
    "messages/s",
    "× smallest",
    "min-max",
]


class Task(NamedTuple):
    """What a process does."""

    path: Path
    history: History
    messages: int
    clients: int
    seed: int


class Cost(NamedTuple):
    """What it came to."""

    cpu: float
    """Microseconds of processor time for each message."""
    rate: float
    """Messages a second."""


async def _carry(ledger: SqliteLedger, lease: LeaseToken, task: Task, messages: int) -> None:
    """Let all clients accept and settle `messages` together."""
    random = Random(task.seed)

    async def client() -> None:
        for _ in range(messages // task.clients):
            now = datetime.now(UTC)
            account = task.history.account(random.randrange(task.history.accounts))
            whom = f"u{random.randrange(100_000)}@place{random.randrange(2000)}.example"
            submission = make_submission(whom, now=now, account=account, content=_CONTENT)
            (job,) = (await ledger.accept(submission, now, lease)).jobs
            await ledger.settle(make_settlement(job, now=now))

    async with asyncio.TaskGroup() as group:
        for _ in range(task.clients):
            group.create_task(client())


async def _measure(task: Task) -> Cost:
    ledger = await open_ledger(task.path)
    try:
        now = datetime.now(UTC)
        lease = (await ledger.open_lease("bench", 1, now, timedelta(hours=1))).token
        await _carry(ledger, lease, task, int(task.messages * _FIRST))
        began, worked = time.perf_counter(), time.process_time()
        await _carry(ledger, lease, task, task.messages)
        took, worked = time.perf_counter() - began, time.process_time() - worked
    finally:
        await ledger.close()
    return Cost(worked / task.messages * 1e6, task.messages / took)


def run(task: Task) -> Cost:
    """Be a process that does it."""
    return asyncio.run(_measure(task))


def measure(tasks: list[Task], rounds: int) -> dict[int, list[Cost]]:
    """Run all tasks in turns; return what they came to, by the recipients on record."""
    costs: dict[int, list[Cost]] = {task.history.recipients: [] for task in tasks}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, max_tasks_per_child=1) as processes:
        for number in range(1, rounds + 1):
            for task in tasks:
                cost = processes.submit(run, task._replace(seed=number)).result()
                recipients = task.history.recipients
                costs[recipients].append(cost)
                print(f"round {number}: {recipients} on record, {cost.cpu:.0f} µs", flush=True)
    return costs


def table(costs: dict[int, list[Cost]]) -> str:
    """Return the medians, and their ratios to the smallest ledger in the same round."""
    smallest = costs[min(costs)]
    rows = []
    for recipients, some in costs.items():
        cells = [str(recipients)]
        for own, base in zip(zip(*some, strict=True), zip(*smallest, strict=True), strict=True):
            ratio = f"{median_ratio(own, base):.2f}"
            cells += [f"{statistics.median(own):.0f}", ratio, spread(own)]
        rows.append(cells)
    return render(_TITLES, rows)


def _write(path: Path, history: History) -> None:
    began = time.perf_counter()
    fill(path, history)
    took = time.perf_counter() - began
    print(f"{history.recipients} written in {took:.0f} s, {path.stat().st_size / 1e6:.0f} MB")


def main() -> None:
    """Write the ledgers, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    sizes = [10_000, 100_000, 1_000_000, 10_000_000]
    parser.add_argument("--recipients", type=int, nargs="+", default=sizes, help="on record")
    parser.add_argument("--messages", type=int, default=10_000, help="in each run")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--keep", type=Path, help="directory of the ledgers, which stay")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        place = chosen.keep
        if place is None:
            made = tempfile.TemporaryDirectory(prefix="bench-growth-", dir=chosen.directory)
            place = Path(stack.enter_context(made))
        place.mkdir(parents=True, exist_ok=True)
        tasks = []
        for recipients in chosen.recipients:
            path, history = place / f"ledger-{recipients}.db", History(recipients, _now())
            if not path.exists():
                _write(path, history)
            tasks.append(Task(path, history, chosen.messages, chosen.clients, seed=0))
        print(f"\nGrowth\n\n{table(measure(tasks, chosen.rounds))}")


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
