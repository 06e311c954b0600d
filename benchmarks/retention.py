"""What mail waits while a day of history is dropped beside it.

    python -m benchmarks.retention [--day 200000] [--days 3] [--drop 1] [--rate 100] [--slice 5]
                                   [--seconds 120] [--directory /tmp] [--ledger FILE]
                                   [--postgres VERSION]

A ledger in a file is written that has `--days` days of so many recipients each
(`tests.support.history`); with `--postgres` it is moved to a server that is started for it. Two
processes submit, as two workers do: half of `--rate` messages a second each, at regular times,
whether the one before is accepted or not. Each is accepted under a lease and settled as delivered.
The first of them drops the oldest day as the relay does, but only in every other slice of `--slice`
seconds: what disturbs the machine for a while disturbs both. Of several days that are to go
(`--drop`) one more is due in each such slice. That goes on until all of them are gone and the slice
behind the last is over, or for `--seconds`.

Printed is how long accepting took in both kinds of slices, the middle of the ratios of neighbouring
slices, how fast the day went, and how long the turn was held, by whom.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from benchmarks.holds import Holds, watch
from benchmarks.table import percentile, render
from config.settings import StoreSettings
from relay.chores.tidying import STEP
from relay.chores.turns import in_steps
from relay.clock import SystemClock
from tests.support.history import History, fill
from tests.support.mail import make_settlement, make_submission
from tests.support.postgres import installation, running
from tracker.model import LeaseToken
from tracker.opening import open_archive, open_ledger
from tracker.store import Ledger
from tracker.transfer import Transfer

_CONTENT = bytes(4000)
_MARGIN = 0.25
"""Seconds at the beginning of a slice that do not count: the one before is still at work."""


_NAMES = ("alone", "beside")


class Plan(NamedTuple):
    """What a process does."""

    store: StoreSettings
    rate: float
    slice: float
    seconds: float
    begin: float
    """Of the monotonic clock, which all processes share."""
    first: date | None
    """The first day that is to go; None for who only submits."""
    drop: int
    """How many are to go."""

    def slice_of(self, at: float) -> int:
        """Return the number of the slice that a moment is in."""
        return int((at - self.begin) / self.slice)

    def is_beside(self, at: float) -> bool:
        """Say whether a moment is in a slice in which history is dropped."""
        return self.slice_of(at) % 2 == 1

    def due(self, at: float) -> int:
        """Return how many days are to be gone at the end of the slice that a moment is in."""
        return min(self.slice_of(at) // 2 + 1, self.drop)

    def counts(self, at: float) -> bool:
        """Say whether what begins at a moment is counted."""
        return (at - self.begin) % self.slice > _MARGIN


class Outcome(NamedTuple):
    """What a process has found. Seconds."""

    slices: dict[int, list[float]]
    """How long accepting took, by the number of the slice: in the odd ones history was dropped."""
    holds: dict[bool, Holds]
    """By whether history was dropped at the time."""
    dropped: int
    took: float
    """How long history was being dropped."""
    is_gone: bool


class _Submitter:
    """Submits at regular times, and notes how long each message took."""

    def __init__(self, ledger: Ledger, plan: Plan) -> None:
        self._ledger = ledger
        self._plan = plan
        self.took: dict[int, list[float]] = defaultdict(list)

    async def run(self, over: asyncio.Event) -> None:
        """Go on until it is over."""
        lease = (await self._ledger.open_lease("bench", 1, _now(), timedelta(hours=9))).token
        async with asyncio.TaskGroup() as group:
            number = 0
            while not over.is_set():
                number += 1
                await asyncio.sleep(self._plan.begin + number / self._plan.rate - time.monotonic())
                group.create_task(self._carry(number, lease))

    async def _carry(self, number: int, lease: LeaseToken) -> None:
        now, began, plan = _now(), time.monotonic(), self._plan
        whom, account = (
            f"u{number}@d{number % 50}.example",
            f"a{number % 997}@b{number % 97}.example",
        )
        submission = make_submission(whom, now=now, account=account, content=_CONTENT)
        (job,) = (await self._ledger.accept(submission, now, lease)).jobs
        if plan.counts(began):
            self.took[plan.slice_of(began)].append(time.monotonic() - began)
        await self._ledger.settle(make_settlement(job, now=now))


async def _drop(ledger: Ledger, plan: Plan, over: asyncio.Event) -> tuple[int, float, bool]:
    """Drop days in every other slice; return how much went, in what time, and if all did."""
    assert plan.first is not None
    first, dropped, took, gone, clock = plan.first, 0, 0.0, 0, SystemClock()

    async def step() -> int:
        now = time.monotonic()
        if not plan.is_beside(now) or over.is_set():
            return 0
        return await ledger.prune(first + timedelta(days=plan.due(now)), STEP)

    while gone < plan.drop and not over.is_set():
        began = time.monotonic()
        if plan.is_beside(began) and gone < (due := plan.due(began)):
            dropped += await in_steps(step, clock)
            took += time.monotonic() - began
            if plan.is_beside(time.monotonic()) and not over.is_set():
                gone = due
        await asyncio.sleep(plan.slice - (time.monotonic() - plan.begin) % plan.slice + 0.001)
    if not over.is_set():
        await asyncio.sleep(plan.slice)  # the last slice has a neighbour on either side
    return dropped, took, gone == plan.drop


async def _work(plan: Plan, connection: Connection) -> None:
    holds = watch(plan.is_beside)
    ledger = await open_ledger(plan.store)
    over = asyncio.Event()
    try:
        submitter = _Submitter(ledger, plan)
        submitting = asyncio.create_task(submitter.run(over))
        told = asyncio.create_task(asyncio.to_thread(connection.recv))
        dropped, took, is_gone = 0, 0.0, False
        if plan.first is not None:
            left = plan.begin + plan.seconds - time.monotonic()
            asyncio.get_running_loop().call_later(left, over.set)
            dropped, took, is_gone = await _drop(ledger, plan, over)
            connection.send(None)
        await told
        over.set()
        await submitting
        connection.send(Outcome(dict(submitter.took), holds, dropped, took, is_gone))
    finally:
        await ledger.close()


def _begin(plan: Plan, connection: Connection) -> None:
    asyncio.run(_work(plan, connection))


def _now() -> datetime:
    return datetime.now(UTC)


def measure(plan: Plan) -> list[Outcome]:
    """Let two processes do it."""
    spawn = multiprocessing.get_context("spawn")
    ends, processes = [], []
    for each in (plan, plan._replace(first=None)):
        ours, theirs = spawn.Pipe()
        processes.append(spawn.Process(target=_begin, args=(each, theirs)))
        processes[-1].start()
        ends.append(ours)
    ends[0].recv()  # the day is gone, or the time is over
    for end in ends:
        end.send(None)
    outcomes = [end.recv() for end in ends]
    for process in processes:
        process.join()
    return outcomes


def report(outcomes: list[Outcome], plan: Plan, day: int) -> None:
    """Print what was found."""
    slices: dict[int, list[float]] = defaultdict(list)
    for outcome in outcomes:
        for number, times in outcome.slices.items():
            slices[number] += times
    print(f"\n{_waits(slices)}\n\n{_ratios(slices)}\n")
    if not plan.store.is_postgresql:
        print(f"{_holds(outcomes)}\n")
    worker = outcomes[0]
    rate = worker.dropped / max(worker.took, 1e-6)
    rest = "all of it" if worker.is_gone else f"a day of {day} takes {day / rate / 60:.0f} min"
    print(f"dropped {worker.dropped} messages in {worker.took:.0f} s, {rate:.0f} a second: {rest}")


def _waits(slices: dict[int, list[float]]) -> str:
    rows = []
    for is_beside, name in enumerate(_NAMES):
        times = [each for n, some in slices.items() if n % 2 == is_beside for each in some]
        shares = (percentile(times, share) * 1e3 for share in (0.5, 0.95, 0.99, 1.0))
        rows.append([name, str(len(times)), *(f"{each:.1f}" for each in shares)])
    return render(["accept", "messages", "p50 ms", "p95", "p99", "max"], rows)


def _ratios(slices: dict[int, list[float]]) -> str:
    """Compare each slice in which history was dropped with those on both sides of it."""
    cells = []
    for share in (0.5, 0.95, 0.99):
        ratios = [
            percentile(slices[number], share)
            / percentile(slices[number - 1] + slices[number + 1], share)
            for number in slices
            if number % 2 and {number - 1, number + 1} <= slices.keys()
        ]
        cells.append(f"p{share * 100:.0f} {statistics.median(ratios):.2f}" if ratios else "-")
    return f"beside / alone, the median of neighbours: {', '.join(cells)}"


def _holds(outcomes: list[Outcome]) -> str:
    rows = []
    for kind in sorted(
        {kind for each in outcomes for some in each.holds.values() for kind in some}
    ):
        for is_beside, name in enumerate(_NAMES):
            of_each = (each.holds[bool(is_beside)].get(kind, []) for each in outcomes)
            if not (times := [each for some in of_each for each in some]):
                continue
            cells = [f"{percentile(times, share) * 1e3:.1f}" for share in (0.5, 0.99, 1.0)]
            rows.append([kind, name, str(len(times)), *cells, f"{sum(times):.2f}"])
    return render(["turn held by", "", "times", "p50 ms", "p99", "max", "in all s"], rows)


@contextmanager
def prepared(path: Path, postgres: str | None) -> Iterator[StoreSettings]:
    """Have the ledger at `path`, or all that is in it in a PostgreSQL server of that version."""
    source = StoreSettings(url=f"sqlite://{path}")
    if postgres is None:
        yield source
        return
    found = installation(postgres)
    assert found is not None, f"PostgreSQL {postgres} is not installed"
    with running(found, durable=True, shared_buffers="512MB", max_wal_size="4GB") as server:
        target = StoreSettings(url=server.create_database("sendtrace"))
        asyncio.run(_move(source, target))
        server.query("ANALYZE", "sendtrace")
        server.query("CHECKPOINT")
        yield target


async def _move(source: StoreSettings, target: StoreSettings) -> None:
    clock = SystemClock()
    async with open_archive(source) as there, open_archive(target) as here:
        moved = await Transfer(
            there, here, mint=clock.mint, now=clock.now, report=lambda _: None
        ).run()
    assert moved is not None
    assert not moved.differences


def main() -> None:
    """Write a ledger and measure; or take one that is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--day", type=int, default=200_000, help="recipients of a day")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--drop", type=int, default=1, help="days that are to go")
    parser.add_argument("--rate", type=float, default=100, help="messages a second, in all")
    parser.add_argument("--slice", type=float, default=5, help="seconds")
    parser.add_argument("--seconds", type=float, default=120, help="at most")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--ledger", type=Path, help="that was written today with these days")
    parser.add_argument("--postgres", metavar="VERSION", help="in a server of this version")
    chosen = parser.parse_args()
    end = _now().replace(hour=0, minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory(prefix="bench-retention-", dir=chosen.directory) as place:
        path = chosen.ledger or Path(place) / "ledger.db"
        if chosen.ledger is None:
            fill(path, History(chosen.day * chosen.days, end, days=chosen.days))
        first = (end - timedelta(days=chosen.days)).date()
        with prepared(path, chosen.postgres) as store:
            begin = time.monotonic() + 3
            plan = Plan(
                store, chosen.rate / 2, chosen.slice, chosen.seconds, begin, first, chosen.drop
            )
            report(measure(plan), plan, chosen.day)


if __name__ == "__main__":
    main()
