"""A worker process for tests: accepts and settles mail, and says what it has done.

    python -m tests.contract.process LOCATOR MESSAGES CLIENTS

Prints `accepted ID` and `settled ID` as soon as the ledger has answered. MESSAGES of 0 is
endless.
"""

import asyncio
import sys
from datetime import timedelta
from itertools import count

from tests.contract.ledger import Ledger, open_by_locator
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import LeaseToken, Outcome


async def work(locator: str, messages: int, clients: int) -> None:
    ledger = await open_by_locator(locator)
    lease = (await ledger.open_lease("node", 1, START, timedelta(seconds=30))).token
    numbers = count(1)
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(_client(ledger, lease, numbers, messages))
    await ledger.close()


async def _client(ledger: Ledger, lease: LeaseToken, numbers: "count[int]", last: int) -> None:
    outcomes = [Outcome.DELIVERED, Outcome.FAILED, Outcome.DEFERRED]
    for n in numbers:
        if last and n > last:
            return
        submission = make_submission(f"u{n}@d{n % 7}.example", content=b"x" * (n * 97 % 9000))
        accepted = await ledger.accept(submission, START, lease)
        sys.stdout.write(f"accepted {submission.id}\n")
        sys.stdout.flush()
        if n % 4:
            (job,) = accepted.jobs
            await ledger.settle(make_settlement(job, outcomes[n % 3]))
            sys.stdout.write(f"settled {submission.id}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
