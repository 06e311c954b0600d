"""What the contract tests ask of a backend, and steps that they repeat."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker import postgres, sqlite
from tracker.model import Job, LeaseToken, Outcome, Recipient, RecipientId, Scope, Submission
from tracker.search import Query
from tracker.store import Ledger as Ledger
from tracker.store import Store
from tracker.views import Balance, Page

EVERYTHING = Scope()
LEASE_FOR = timedelta(seconds=30)


async def open_by_locator(locator: str) -> Ledger:
    """Open the ledger that a `locator` of the fixtures names."""
    scheme, _, rest = locator.partition(":")
    if scheme == "sqlite":
        return await sqlite.open_ledger(Path(rest))
    return await postgres.open_ledger(locator, trusts_caller=True)


async def hold(ledger: Store, now: datetime = START, worker: int = 1) -> LeaseToken:
    """Open a lease and return its token."""
    return (await ledger.open_lease("node-a", worker, now, LEASE_FOR)).token


async def accept_leased(
    ledger: Store, submission: Submission | None = None, now: datetime = START
) -> tuple[Job, ...]:
    """Accept under a new lease and return the jobs."""
    lease = await hold(ledger, now)
    return (await ledger.accept(submission or make_submission(), now, lease)).jobs


async def defer(ledger: Store, job: Job, now: datetime, wait: timedelta) -> None:
    """Settle `job` as deferred, to be tried again after `wait`."""
    await ledger.settle(make_settlement(job, Outcome.DEFERRED, now=now, wait=wait))


async def recipients(ledger: Store, query: Query | None = None) -> list[Recipient]:
    """Return every recipient on record, oldest first."""
    page = await ledger.search(query or Query(), EVERYTHING, limit=10_000)
    return [row.recipient for row in reversed(page.rows)]


async def pages_there_and_back(
    ledger: Store, query: Query, limit: int
) -> tuple[list[Page], list[Page]]:
    """Return the pages of a search as they come going on, and those of the way back."""
    page = await ledger.search(query, EVERYTHING, limit=limit)
    there = [page]
    while page.older is not None:
        page = await ledger.search(query, EVERYTHING, limit=limit, before=page.older)
        there.append(page)
    back = [page]
    while page.newer is not None:
        page = await ledger.search(query, EVERYTHING, limit=limit, after=page.newer)
        back.append(page)
    return there, back


def ids_of(pages: Iterable[Page]) -> list[RecipientId]:
    """Return the recipients of pages, in order."""
    return [row.recipient.id for page in pages for row in page.rows]


def paths(jobs: Sequence[Job]) -> list[str]:
    """Return the forward-paths of jobs, in order."""
    return [recipient.forward_path for job in jobs for recipient in job.recipients]


async def assert_balanced(ledger: Store) -> list[Balance]:
    """Check that every day's balance closes, and return the balances."""
    balances = list(await ledger.balance(START - timedelta(days=365)))
    assert [balance.difference for balance in balances] == [0] * len(balances)
    return balances
