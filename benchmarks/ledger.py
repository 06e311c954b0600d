"""How many messages a second the SQLite ledger accepts and settles.

    python -m benchmarks.ledger [--messages 20000] [--clients 20] [--size 2000] [--processes 1]

Each client accepts a message under a lease and settles it as delivered, then the next. With
several processes all of them share the ledger, as the workers of one machine do.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.mail import make_settlement, make_submission
from tracker.model import LeaseToken
from tracker.sqlite import SqliteLedger, open_ledger

Times = list[float]


async def run_client(
    ledger: SqliteLedger,
    lease: LeaseToken,
    messages: int,
    size: int,
    accepts: Times,
    settles: Times,
) -> None:
    """Carry `messages` from accept to settle, noting how long each step took."""
    for n in range(messages):
        now = datetime.now(UTC)
        submission = make_submission(f"u{n}@d{n % 50}.example", now=now, content=bytes(size))
        began = time.perf_counter()
        (job,) = (await ledger.accept(submission, now, lease)).jobs
        accepts.append(time.perf_counter() - began)
        settlement = make_settlement(job, now=now)
        began = time.perf_counter()
        await ledger.settle(settlement)
        settles.append(time.perf_counter() - began)


async def run_process(path: Path, clients: int, messages: int, size: int) -> None:
    """Run all clients of one process and print what it came to."""
    ledger = await open_ledger(path)
    lease = (await ledger.open_lease("bench", 1, datetime.now(UTC), timedelta(hours=1))).token
    accepts: Times = []
    settles: Times = []
    share = messages // clients
    began, worked = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(run_client(ledger, lease, share, size, accepts, settles))
    took, worked = time.perf_counter() - began, time.process_time() - worked
    done = share * clients
    print(
        f"{done / took:8.0f} messages/s   {worked / done * 1e6:5.0f} µs of CPU each"
        f"   accept {percentiles(accepts)}   settle {percentiles(settles)}"
    )
    await ledger.close()


def percentiles(times: Times) -> str:
    """Return the median and the 99th percentile, in milliseconds."""
    ordered = sorted(times)
    middle, high = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"{middle * 1e3:.1f}/{high * 1e3:.1f} ms"


def start(path: Path, clients: int, messages: int, size: int) -> None:
    """Begin a process."""
    asyncio.run(run_process(path, clients, messages, size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=20_000, help="in each process")
    parser.add_argument("--clients", type=int, default=20, help="in each process")
    parser.add_argument("--size", type=int, default=2000, help="of a message, in bytes")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arguments = (Path(folder) / "ledger.db", options.clients, options.messages, options.size)
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=start, args=arguments) for _ in range(options.processes)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()


if __name__ == "__main__":
    main()
