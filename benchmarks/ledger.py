"""How many messages a second a ledger accepts and settles.

    python -m benchmarks.ledger [--messages 20000] [--clients 20] [--size 2000] [--processes 1]
                                [--store postgresql://user@host/database]

Each client accepts a message under a lease and settles it as delivered, then the next. With
several processes all of them share the ledger, as the workers of one machine do. Without a store
it is a new SQLite file; a database should be an empty one.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.mail import make_settlement, make_submission
from tracker import postgres, sqlite
from tracker.model import LeaseToken
from tracker.store import Ledger

Times = list[float]


async def run_client(
    ledger: Ledger,
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


async def open_store(store: str) -> Ledger:
    """Open the database, or the file, that `store` names."""
    if store.startswith("postgresql://"):
        return await postgres.open_ledger(store)
    return await sqlite.open_ledger(Path(store))


async def run_process(store: str, clients: int, messages: int, size: int) -> None:
    """Run all clients of one process and print what it came to."""
    ledger = await open_store(store)
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


def start(store: str, clients: int, messages: int, size: int) -> None:
    """Begin a process."""
    asyncio.run(run_process(store, clients, messages, size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=20_000, help="in each process")
    parser.add_argument("--clients", type=int, default=20, help="in each process")
    parser.add_argument("--size", type=int, default=2000, help="of a message, in bytes")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--store", help="URL of a PostgreSQL database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = options.store or str(Path(folder) / "ledger.db")
        arguments = (store, options.clients, options.messages, options.size)
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=start, args=arguments) for _ in range(options.processes)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()


if __name__ == "__main__":
    main()
