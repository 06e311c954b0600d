"""Cohorts and figures: what many deliveries together say, on every ledger."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.contract.conftest import Opener
from tests.contract.ledger import EVERYTHING, Ledger, accept_leased, hold
from tests.contract.population import populate
from tests.support.clock import START
from tests.support.mail import make_attempt, make_settlement, make_submission
from tracker.explain import Category
from tracker.insight import CAP, Cohort, Dimension, Measure, speed_of
from tracker.model import (
    Attempt,
    DestinationChange,
    Job,
    Origin,
    Outcome,
    Reply,
    Scope,
    Status,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ALICE = Scope(account="alice@example.com")
CAROL = Scope(account="carol@example.net")
BUSY = Reply(code=450, lines=("4.2.1 <bob@example.org> is busy (id 4711), try later",))
LISTED = Reply(code=554, lines=("5.7.1 Client host 192.0.2.25 blocked using zen.spamhaus.org",))


async def send(
    ledger: Ledger,
    outcome: Outcome,
    at: datetime,
    *,
    to: str = "bob@example.org",
    account: str = "alice@example.com",
    reply: Reply | None = None,
    host: str = "mx1.example.org",
    origin: Origin = Origin.REMOTE,
) -> tuple[Job, Attempt]:
    """Have a message accepted and tried once at `at`; return its job and its attempt."""
    submission = make_submission(to, account=account, now=at)
    (job,) = await accept_leased(ledger, submission, at)
    settlement = make_settlement(job, outcome, now=at, wait=DAY)
    (attempt,) = settlement.attempts
    attempt = replace(
        make_attempt(job.recipients[0], outcome, now=at, reply=reply, host=host), origin=origin
    )
    learnt = DestinationChange(
        destination=job.destination,
        at=at,
        reachable=True,
        accepted=outcome is Outcome.DELIVERED,
        place=".".join(host.split(".")[-2:]),
    )
    await ledger.settle(replace(settlement, attempts=(attempt,), destination=learnt))
    return job, attempt


def numbers(cohort: Cohort | None) -> tuple[int, ...]:
    assert cohort is not None
    counts = (cohort.hour, cohort.day, cohort.at_destination)
    return tuple(n for count in counts for n in (count.own, count.everybody))


# --- is it only this message? ---------------------------------------------------------------------


async def test_a_cohort_is_counted_for_its_reader_and_for_everybody(ledger: Ledger) -> None:
    now = START + 5 * HOUR
    await send(ledger, Outcome.DEFERRED, START, reply=BUSY)
    await send(ledger, Outcome.DEFERRED, now - MINUTE, reply=BUSY, account="carol@example.net")
    again = Reply(code=450, lines=("4.2.1 <ann@example.net> is busy (id 99x), try later",))
    _, attempt = await send(ledger, Outcome.DEFERRED, now, reply=again)
    await send(ledger, Outcome.DEFERRED, now, reply=again, to="z@example.net")
    await send(ledger, Outcome.DEFERRED, now, reply=LISTED)
    await send(ledger, Outcome.DEFERRED, now, reply=again, host="mx.elsewhere.example")

    assert numbers(await ledger.cohort(attempt, ALICE, now)) == (2, 3, 3, 4, 2, 3)
    assert numbers(await ledger.cohort(attempt, CAROL, now)) == (1, 3, 1, 4, 1, 3)
    assert numbers(await ledger.cohort(attempt, EVERYTHING, now)) == (3, 3, 4, 4, 3, 3)
    assert numbers(await ledger.cohort(attempt, Scope(domain="example.net"), now)) == (
        (1, 3, 1, 4, 1, 3)
    )


async def test_several_attempts_at_one_message_are_one(ledger: Ledger) -> None:
    _, attempt = await send(ledger, Outcome.DEFERRED, START, reply=BUSY)
    (again,) = await ledger.claim(await hold(ledger, START + DAY), START + DAY, 1)
    settlement = make_settlement(again, Outcome.DEFERRED, now=START + DAY)
    second = make_attempt(again.recipients[0], Outcome.DEFERRED, now=START + DAY, reply=BUSY)
    await ledger.settle(replace(settlement, attempts=(second,)))
    assert numbers(await ledger.cohort(attempt, ALICE, START + DAY)) == (1, 1, 1, 1, 1, 1)


async def test_a_cohort_knows_the_last_success_and_since_when_there_is_none(
    ledger: Ledger,
) -> None:
    await send(ledger, Outcome.DEFERRED, START, reply=BUSY)
    await send(ledger, Outcome.DELIVERED, START + HOUR)
    await send(ledger, Outcome.DELIVERED, START + HOUR + MINUTE, to="z@example.net")
    await send(
        ledger, Outcome.DELIVERED, START + 2 * HOUR, host="mx.elsewhere.example", to="y@y.example"
    )
    _, first = await send(ledger, Outcome.DEFERRED, START + 2 * HOUR, reply=BUSY)
    _, second = await send(ledger, Outcome.DEFERRED, START + 3 * HOUR, reply=BUSY)
    cohort = await ledger.cohort(second, ALICE, START + 3 * HOUR)
    assert cohort is not None
    assert (cohort.destination, cohort.place) == ("example.org", "example.org")
    assert cohort.accepted_at == START + HOUR
    assert cohort.place_accepted_at == START + HOUR + MINUTE
    assert cohort.since == first.ended_at


async def test_a_cohort_counts_who_waits(ledger: Ledger) -> None:
    for account in ("alice@example.com", "carol@example.net") * 3:
        await send(ledger, Outcome.DEFERRED, START, reply=BUSY, account=account)
    _, attempt = await send(ledger, Outcome.FAILED, START)
    cohort = await ledger.cohort(attempt, CAROL, START + MINUTE)
    assert cohort is not None
    assert (cohort.waiting.own, cohort.waiting.everybody) == (3, 6)
    there = await ledger.waiting_at("example.org", CAROL)
    assert there.count == cohort.waiting
    assert there.oldest_at == START
    nowhere = await ledger.waiting_at("example.net", CAROL)
    assert (nowhere.count.everybody, nowhere.oldest_at) == (0, None)
    state = await ledger.destination("example.org")
    assert state is not None
    assert state.last_accepted_at is None


async def test_counts_end_at_the_cap(ledger: Ledger) -> None:
    attempt: Attempt | None = None
    lease = await hold(ledger)
    for _ in range(CAP + 20):
        (job,) = (await ledger.accept(make_submission(), START, lease)).jobs
        settlement = make_settlement(job, Outcome.DEFERRED, now=START, wait=DAY)
        await ledger.settle(settlement)
        attempt = settlement.attempts[0]
    assert attempt is not None
    assert numbers(await ledger.cohort(attempt, ALICE, START + MINUTE)) == (CAP + 1,) * 6


async def test_what_was_delivered_has_no_cohort(ledger: Ledger) -> None:
    _, attempt = await send(ledger, Outcome.DELIVERED, START)
    assert await ledger.cohort(attempt, ALICE, START) is None


# --- what a destination says ----------------------------------------------------------------------


async def test_the_answers_of_a_destination_in_its_own_words(ledger: Ledger) -> None:
    await send(ledger, Outcome.DEFERRED, START, reply=BUSY)
    _, busy = await send(ledger, Outcome.DEFERRED, START + HOUR, reply=BUSY)
    _, listed = await send(ledger, Outcome.FAILED, START + HOUR, reply=LISTED)
    await send(ledger, Outcome.DEFERRED, START, reply=BUSY, account="carol@example.net")
    await send(ledger, Outcome.DEFERRED, START - DAY, reply=BUSY)
    await send(ledger, Outcome.DEFERRED, START, to="z@other.example")
    first, second = await ledger.sayings("example.org", ALICE, START, 5)
    assert (first.count, first.last_at) == (2, busy.ended_at)
    assert first.first_at == START + timedelta(milliseconds=120)
    assert (second.category, second.count) == (Category.IP_BLOCKLISTED, 1)
    examples = [saying.example for saying in (first, second)]
    assert [(one.id, one.reply) for one in examples if one] == [
        (busy.id, BUSY),
        (listed.id, LISTED),
    ]
    assert len(await ledger.sayings("example.org", ALICE, START, 1)) == 1
    assert await ledger.sayings("example.org", Scope(account="nobody@x.example"), START, 5) == []


# --- figures --------------------------------------------------------------------------------------

SINCE, UNTIL = START - DAY, START + 10 * DAY
ALL = tuple(Dimension)


async def counted(
    ledger: Ledger, measure: Measure, by: Sequence[Dimension], scope: Scope = EVERYTHING
) -> dict[tuple[str | int, ...], int]:
    found = await ledger.figures(measure, by, scope, SINCE, UNTIL)
    return {figure.keys: figure.number for figure in found}


async def roll_up_all(ledger: Ledger, before: datetime, limit: int = 5) -> None:
    while await ledger.roll_up(before, limit):
        pass


STAGES = {
    "nothing": None,
    "half of it": START + 2 * DAY,
    "everything": START + 20 * DAY,
}


@pytest.mark.parametrize("before", STAGES.values(), ids=STAGES.keys())
async def test_figures_are_the_same_however_much_is_rolled_up(
    ledger: Ledger, before: datetime | None
) -> None:
    records = await populate(ledger)
    if before is not None:
        await roll_up_all(ledger, before)
    wanted = Counter((r.recipient.status.value, r.message.account or "") for r in records)
    by = (Dimension.RESULT, Dimension.ACCOUNT)
    assert await counted(ledger, Measure.RECIPIENT, by) == wanted

    outcomes = Counter(a.outcome.value for r in records for a in r.attempts)
    found = await counted(ledger, Measure.ATTEMPT, (Dimension.RESULT,))
    assert {key[0]: n for key, n in found.items()} == outcomes

    theirs = Scope(account="carol@example.net")
    its = [r for r in records if r.message.account == theirs.account]
    found = await counted(ledger, Measure.RECIPIENT, (Dimension.DESTINATION,), theirs)
    assert {key[0]: n for key, n in found.items()} == Counter(r.recipient.destination for r in its)

    domains = Counter((r.message.account or "").rpartition("@")[2] for r in records)
    found = await counted(ledger, Measure.RECIPIENT, (Dimension.ACCOUNT_DOMAIN,))
    assert {key[0]: n for key, n in found.items()} == domains

    speeds = Counter(
        speed_of(r.recipient.status_since - r.message.accepted_at)
        for r in records
        if r.recipient.status is Status.DELIVERED
    )
    found = await counted(ledger, Measure.RECIPIENT, (Dimension.SPEED,))
    del found[(-1,)]
    assert {key[0]: n for key, n in found.items()} == speeds


async def test_rolling_up_changes_no_figure_while_mail_moves_on(ledger: Ledger) -> None:
    await populate(ledger)
    chance = random.Random(7)
    for _ in range(6):
        before = {measure: await counted(ledger, measure, ALL) for measure in Measure}
        await ledger.roll_up(START + timedelta(hours=chance.randrange(130)), chance.randrange(1, 9))
        for measure in Measure:
            assert await counted(ledger, measure, ALL) == before[measure]
        now = START + 6 * DAY
        for job in await ledger.claim(await hold(ledger, now), now, 2):
            outcome = chance.choice([Outcome.DELIVERED, Outcome.FAILED])
            await ledger.settle(make_settlement(job, outcome, now=now))
    await roll_up_all(ledger, START + 20 * DAY, limit=3)
    assert {measure: await counted(ledger, measure, ALL) for measure in Measure}
    assert await ledger.roll_up(START + 20 * DAY, 10) == 0


async def test_two_that_roll_up_at_once_count_nothing_twice(opener: Opener) -> None:
    """Whoever takes the chore over from one that was thought to be dead."""
    ledger, other = await opener(), await opener()
    await populate(ledger)
    before = {measure: await counted(ledger, measure, ALL) for measure in Measure}
    for _ in range(40):
        steps = (each.roll_up(START + 20 * DAY, 4) for each in (ledger, other))
        await asyncio.gather(*steps)
    assert {measure: await counted(ledger, measure, ALL) for measure in Measure} == before
    assert await ledger.roll_up(START + 20 * DAY, 4) == 0


async def test_a_roll_up_that_is_cut_off_goes_on_where_it_was(opener: Opener) -> None:
    ledger = await opener()
    await populate(ledger)
    before = {measure: await counted(ledger, measure, ALL) for measure in Measure}
    for waits in (0.0, 0.001, 0.003, 0.01, 0.02):
        cut_off = asyncio.ensure_future(roll_up_all(ledger, START + 20 * DAY, limit=2))
        await asyncio.wait([cut_off], timeout=waits)
        cut_off.cancel()
        await asyncio.wait([cut_off])
    again = await opener()
    await roll_up_all(again, START + 20 * DAY)
    assert {measure: await counted(again, measure, ALL) for measure in Measure} == before


async def test_figures_outlive_the_messages(ledger: Ledger) -> None:
    records = await populate(ledger)
    await roll_up_all(ledger, START + 20 * DAY)
    final = Counter(
        r.recipient.status.value
        for r in records
        if r.recipient.status not in (Status.QUEUED, Status.DEFERRED, Status.HELD)
    )
    while await ledger.prune((START + 30 * DAY).date(), 100):
        pass
    found = await counted(ledger, Measure.RECIPIENT, (Dimension.RESULT,))
    assert {key[0]: n for key, n in found.items() if key[0] in final} == final


async def test_statistics_and_setbacks_are_forgotten_each_at_its_time(ledger: Ledger) -> None:
    await populate(ledger)
    await roll_up_all(ledger, START + 20 * DAY)
    while await ledger.forget_statistics(START + 20 * DAY, START - DAY, 3):
        pass
    assert await counted(ledger, Measure.ATTEMPT, (Dimension.RESULT,)) != {}
    assert await ledger.sayings("example.org", EVERYTHING, START - DAY, 5) == []
    while await ledger.forget_statistics(START + 20 * DAY, START + 20 * DAY, 3):
        pass
    assert await counted(ledger, Measure.ATTEMPT, (Dimension.RESULT,)) == {}


async def test_figures_of_one_destination_between_two_times(ledger: Ledger) -> None:
    await send(ledger, Outcome.DELIVERED, START)
    await send(ledger, Outcome.DELIVERED, START + HOUR)
    await send(ledger, Outcome.DELIVERED, START + HOUR, to="z@other.example")
    for _ in range(2):
        found = await ledger.figures(
            Measure.ATTEMPT,
            (Dimension.RESULT, Dimension.ORIGIN),
            EVERYTHING,
            START + HOUR,
            START + 2 * HOUR,
            "example.org",
        )
        assert [(figure.keys, figure.number) for figure in found] == [(("delivered", "remote"), 1)]
        await roll_up_all(ledger, START + DAY)
