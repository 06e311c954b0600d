"""Log-ins are watched on all nodes together. The ledger is a real one."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.support.clock import START, FakeClock
from tests.support.intake import MemoryFailures
from tracker.guard import Blocked, LogInGuard
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.store import LogInFailures, StoreUnavailable

WINDOW = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
EVE, ANNA = "client 198.51.100.7", "account anna@example.org"


def make_guard(failures: LogInFailures, clock: FakeClock, limit: int = 3) -> LogInGuard:
    return LogInGuard(failures, limit=limit, window=WINDOW, now=clock.now)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    opened = await open_ledger(tmp_path / "ledger.db")
    yield opened
    await opened.close()


async def wrong() -> str | None:
    return None


async def right() -> str | None:
    return "anna"


@contextmanager
def blocked_until(until: datetime) -> Iterator[None]:
    with pytest.raises(Blocked) as blocked:
        yield
    assert blocked.value.until == until


async def rows(ledger: SqliteLedger) -> int:
    """Return how many failures are on record, and forget them."""
    return await ledger.forget_failures(START + timedelta(days=1))


async def test_failures_count_on_all_nodes_together(ledger: SqliteLedger) -> None:
    clock = FakeClock()
    here, there = make_guard(ledger, clock), make_guard(ledger, clock)
    for guard in (here, there, here):
        assert await guard.watch([EVE], wrong) is None
        clock.advance(SECOND)
    with blocked_until(START + WINDOW):
        await here.watch([EVE], right)
    assert here.blocked_until([EVE]) == START + WINDOW
    assert there.blocked_until([EVE]) is None, "it has not heard of it yet"
    assert await there.watch([EVE], right) == "anna", "a right password asks nobody"
    assert await there.watch([EVE], wrong) is None
    with blocked_until(START + WINDOW + SECOND):
        await there.watch([EVE], right)
    assert await here.watch([ANNA], right) == "anna", "others may"
    clock.advance(WINDOW - 4 * SECOND + 3 * SECOND)
    assert await here.watch([EVE], right) == "anna"


async def test_only_failures_are_put_on_record(ledger: SqliteLedger) -> None:
    guard = make_guard(ledger, FakeClock())
    for _ in range(5):
        await guard.watch([EVE, ANNA], right)
    assert await rows(ledger) == 0
    for _ in range(3):
        await guard.watch([EVE, ANNA], wrong)
    assert await rows(ledger) == 6
    with pytest.raises(Blocked):
        await guard.watch([EVE], wrong)
    assert await rows(ledger) == 0, "who is blocked costs nothing"


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("account correct horse battery", id="a password in the wrong place"),
        pytest.param("account " + "a" * 100_000, id="long"),
        pytest.param("account \0\ud800", id="no text"),
    ],
)
async def test_whatever_was_typed_is_counted(key: str, ledger: SqliteLedger) -> None:
    await make_guard(ledger, FakeClock()).watch([key], wrong)
    assert await rows(ledger) == 1


async def test_what_cannot_be_judged_is_no_failure(ledger: SqliteLedger) -> None:
    guard = make_guard(ledger, FakeClock(), limit=1)

    async def fault() -> str | None:
        raise StoreUnavailable("no accounts")

    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await guard.watch([EVE], fault)
    gone = asyncio.create_task(guard.watch([EVE], asyncio.Event().wait))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert await guard.watch([EVE], right) == "anna"
    assert await rows(ledger) == 0


class Crowd:
    """Many who log in at the same time; nobody is judged before `go`."""

    def __init__(self, guard: LogInGuard, size: int) -> None:
        self.go = asyncio.Event()
        self.judged = 0
        self._guard = guard
        self._size = size

    async def log_in(self, found: str | None) -> Collection[str | BaseException | None]:
        """Let all try; return what came of it."""

        async def judge() -> str | None:
            self.judged += 1
            await self.go.wait()
            return found

        tries = [asyncio.create_task(self._guard.watch([EVE], judge)) for _ in range(self._size)]
        await asyncio.sleep(0)
        assert self.judged == 3, "no more at once than failures are left"
        self.go.set()
        return await asyncio.gather(*tries, return_exceptions=True)


async def test_of_a_thousand_at_once_no_more_fail_than_may(ledger: SqliteLedger) -> None:
    crowd = Crowd(make_guard(ledger, FakeClock()), 1000)
    results = await crowd.log_in(None)
    assert crowd.judged == 3
    assert sum(isinstance(result, Blocked) for result in results) == 997
    assert await rows(ledger) == 3


async def test_of_a_thousand_at_once_all_with_the_right_password_get_in(
    ledger: SqliteLedger,
) -> None:
    crowd = Crowd(make_guard(ledger, FakeClock()), 1000)
    assert set(await crowd.log_in("anna")) == {"anna"}


async def test_without_the_ledger_each_node_counts_for_itself_and_says_so_once() -> None:
    clock, failures = FakeClock(), MemoryFailures()
    here, there = make_guard(failures, clock), make_guard(failures, clock)
    failures.problem = StoreUnavailable("the database is gone")
    with capture_logs() as logs:
        for _ in range(3):
            assert await here.watch([EVE], wrong) is None
        with blocked_until(START + WINDOW):
            await here.watch([EVE], right)
        assert await there.watch([EVE], right) == "anna"
    assert [(log["event"], log["problem"]) for log in logs] == [
        ("log-in failures count on this node only", "the database is gone")
    ]
    clock.advance(WINDOW)
    failures.problem = None
    with capture_logs() as logs:
        for _ in range(2):
            await here.watch([EVE], wrong)
        failures.problem = StoreUnavailable("gone again")
        await here.watch([EVE], wrong)
    assert [log["problem"] for log in logs] == ["gone again"]
    with blocked_until(START + 2 * WINDOW):
        await here.watch([EVE], right)
