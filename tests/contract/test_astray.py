"""What a clock that was ahead has put off is tried when it is right again."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from config.settings import RetrySettings
from tests.contract.ledger import Ledger, accept_leased, defer, hold, paths, recipients
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import DestinationChange, Gate, Outcome, Postponement, Status
from tracker.schedule import latest_next_try

MINUTE, HOUR, YEAR = timedelta(minutes=1), timedelta(hours=1), timedelta(days=365)
RETRY = RetrySettings()


async def bring_back(ledger: Ledger, now: datetime, limit: int = 100) -> int:
    return await ledger.bring_back(now, latest_next_try(RETRY, now), limit)


async def accept_deferred(ledger: Ledger, path: str, now: datetime, wait: timedelta) -> None:
    (job,) = await accept_leased(ledger, make_submission(path, now=now), now)
    await defer(ledger, job, now, wait=wait)


async def test_who_was_deferred_while_the_clock_was_ahead_is_due(ledger: Ledger) -> None:
    await accept_deferred(ledger, "astray@example.org", START + YEAR, MINUTE)
    await accept_deferred(ledger, "other@example.org", START, 4 * HOUR)
    await ledger.accept(make_submission("new@example.net", now=START + YEAR), START + YEAR, None)
    assert await ledger.claim(await hold(ledger), START, 10) == []
    assert await bring_back(ledger, START) == 2
    assert await bring_back(ledger, START) == 0
    assert await ledger.next_due() == START
    jobs = await ledger.claim(await hold(ledger), START, 10)
    assert sorted(paths(jobs)) == ["astray@example.org", "new@example.net"]
    (other,) = [each for each in await recipients(ledger) if not each.leased]
    assert other.next_attempt_at == START + 4 * HOUR


async def test_a_few_at_a_time(ledger: Ledger) -> None:
    for n in range(5):
        await accept_deferred(ledger, f"u{n}@d{n % 2}.example", START + YEAR, MINUTE)
    assert [await bring_back(ledger, START, 2) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_destination_is_probed_again(ledger: Ledger) -> None:
    late = START + YEAR
    (job,) = await accept_leased(ledger, make_submission("a@dead.example", now=START), START)
    change = DestinationChange(
        destination="dead.example", at=late, reachable=False, failures=1, next_probe_at=late
    )
    settlement = make_settlement(job, Outcome.DEFERRED, now=START, wait=MINUTE)
    await ledger.settle(replace(settlement, destination=change))
    assert await ledger.claim(await hold(ledger), START + HOUR, 10) == []
    assert await bring_back(ledger, START + HOUR) == 1
    assert paths(await ledger.claim(await hold(ledger), START + HOUR, 10)) == ["a@dead.example"]


async def test_who_is_held_leased_or_waits_for_a_rate_stays(ledger: Ledger) -> None:
    late = START + YEAR
    (job,) = await accept_leased(ledger, make_submission("rate@example.org"))
    why = Postponement(gate=Gate.RATE, until=late, detail="1 message a minute")
    await ledger.postpone(job.lease, [each.id for each in job.recipients], why)
    await accept_leased(ledger, make_submission("leased@example.org", now=late), late)
    (held,) = await accept_leased(ledger, make_submission("held@example.org"))
    await ledger.settle(make_settlement(held, Outcome.UNCERTAIN, status=Status.HELD))
    before = await recipients(ledger)
    assert await bring_back(ledger, START) == 0
    assert await recipients(ledger) == before


@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        pytest.param(RETRY, 4 * HOUR * 1.1, id="the last of the schedule"),
        pytest.param(
            RetrySettings(schedule=(2 * HOUR, MINUTE), jitter=0.5), 3 * HOUR, id="any of it"
        ),
        pytest.param(RetrySettings(schedule=(MINUTE,), jitter=0.0), HOUR, id="what a server asks"),
        pytest.param(
            RetrySettings(schedule=(MINUTE,), destination_backoff=(5 * HOUR,), jitter=0.0),
            5 * HOUR,
            id="the back-off of a destination",
        ),
    ],
)
def test_no_try_can_be_later(retry: RetrySettings, expected: timedelta) -> None:
    assert latest_next_try(retry, START) == START + expected + 10 * MINUTE
