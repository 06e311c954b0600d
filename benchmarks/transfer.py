"""How many messages a second move from one ledger into another, and are compared.

    python -m benchmarks.transfer --to postgresql://… [--messages 20000] [--size 2000] [--profile]

Without --to the target is another file. Every message has had an attempt; every other one still
waits, and so has content. The database at --to has to be new; what is in it stays there.
"""

import argparse
import asyncio
import cProfile
import tempfile
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.settings import StoreSettings
from tests.support.mail import make_settlement, make_submission, mint
from tracker.model import LeaseToken, Outcome
from tracker.opening import open_archive
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.transfer import Progress, Transfer

_CLIENTS = 50
_DAYS = 7


async def fill(path: Path, messages: int, size: int) -> None:
    """Make a ledger of mail of the last days."""
    ledger = await open_ledger(path)
    began = datetime.now(UTC) - timedelta(days=_DAYS)
    lease = (await ledger.open_lease("bench", 1, began, timedelta(days=1))).token
    step = timedelta(days=_DAYS) / messages
    numbers = iter(range(messages))
    async with asyncio.TaskGroup() as group:
        for _ in range(_CLIENTS):
            group.create_task(_client(ledger, lease, numbers, size, began, step))
    await ledger.close_lease(lease, datetime.now(UTC))
    await ledger.close()


async def _client(
    ledger: SqliteLedger,
    lease: LeaseToken,
    numbers: Iterable[int],
    size: int,
    began: datetime,
    step: timedelta,
) -> None:
    for n in numbers:
        now = began + n * step
        submission = make_submission(f"u{n}@d{n % 500}.example", now=now, content=bytes(size))
        (job,) = (await ledger.accept(submission, now, lease)).jobs
        outcome = Outcome.DELIVERED if n % 2 else Outcome.DEFERRED
        await ledger.settle(make_settlement(job, outcome, now=now))


async def run(path: Path, target: str) -> None:
    """Move the ledger and print how long each stage took."""
    ends: dict[str, tuple[float, int]] = {}

    def report(progress: Progress) -> None:
        ends[progress.stage] = (time.perf_counter(), progress.done)

    began, worked = time.perf_counter(), time.process_time()
    async with AsyncExitStack() as stack:
        archives = [
            await stack.enter_async_context(open_archive(StoreSettings(url=url)))
            for url in (f"sqlite://{path}", target)
        ]
        comparison = await Transfer(
            *archives, mint=mint, now=lambda: datetime.now(UTC), report=report
        ).run()
    assert comparison is not None
    assert comparison.differences == ()
    for stage, (ended, done) in ends.items():
        print(f"{stage:10} {done / (ended - began):8.0f} messages/s   {ended - began:6.2f} s")
        began = ended
    print(
        f"CPU of this process {(time.process_time() - worked) / comparison.messages * 1e6:.0f} µs"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", default="")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "ledger.db"
        asyncio.run(fill(path, options.messages, options.size))
        target = options.to or f"sqlite://{directory}/target.db"
        profile = cProfile.Profile()
        if options.profile:
            profile.enable()
        asyncio.run(run(path, target))
        profile.disable()
        if options.profile:
            profile.print_stats("tottime")


if __name__ == "__main__":
    main()
