"""How long it may take to count: what is looked for in vain ends when the time is over.

Time is told in looks at the clock, which SQLite takes every so many instructions.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from tests.support.history import History, fill
from tests.unit.tracker.sqlite.test_looking_cost import TERMS, query
from tracker.model import Scope, Status
from tracker.sqlite.find import Effort, find_counts
from tracker.sqlite.readers import Clock, Reader, connect
from tracker.sqlite.walk import Walk

END = datetime(2026, 11, 1, tzinfo=UTC)
RECIPIENTS = 20_000
CAP = 1000
EFFORT = Effort(short_walk=100)

HOUR = 3600.0


class Looks(Clock):
    """A clock that is over for whoever has a time to keep, after so many looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.taken = 0

    def is_over(self) -> bool:
        self.taken += 1
        return self.until != float("inf") and self.taken > self.left


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("counts") / "ledger.db"
    fill(path, History(RECIPIENTS, END, accounts=50, domains=5))
    return path


@pytest.fixture
async def looks(path: Path) -> AsyncIterator[tuple[Looks, Reader]]:
    clock = Looks()
    lent = await connect(path, clock)
    yield clock, Reader(lent)
    await lent.connection.close()


@pytest.mark.parametrize("name", TERMS)
async def test_when_the_time_is_over_little_more_is_done(
    looks: tuple[Looks, Reader], name: str
) -> None:
    clock, reader = looks
    clock.left = 5
    walk = Walk(reader, query(name), Scope(), monotonic() + HOUR)
    await find_counts(walk, None, CAP, EFFORT)
    # Each status begins once in one go and once in steps, and has a moment for either.
    assert clock.taken <= clock.left + 2 * len(Status)


@pytest.mark.parametrize("name", TERMS)
async def test_without_any_time_nothing_is_read(looks: tuple[Looks, Reader], name: str) -> None:
    clock, reader = looks
    walk = Walk(reader, query(name), Scope(), until=0)
    counts, cut = await find_counts(walk, None, CAP, EFFORT)
    assert clock.taken == 0
    assert not any(counts.values())
    assert cut == counts.keys()


async def test_what_is_quick_to_count_is_counted_before_time_is_over(
    looks: tuple[Looks, Reader],
) -> None:
    """All that were refused have the text; whoever looks for it among all mail comes to no end."""
    clock, reader = looks
    clock.left = 30
    walk = Walk(reader, query("text"), Scope(), monotonic() + HOUR)
    counts, cut = await find_counts(walk, None, 100, EFFORT)
    assert counts[Status.BOUNCED] == 101
    assert cut == {Status.DELIVERED}
