"""Chores: done by one worker at a time, taken on by the next, and none in the way of another."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from config.settings import DomainTracking, Settings, TrackingSettings
from relay.chores.tidying import Chores
from tests.support.clock import START, FakeClock
from tests.support.looks import entries, make_access
from tests.support.mail import make_refusal, make_settlement, make_submission
from tests.support.resting import Watched, rest
from tracker.kept import NO_LONGER_KEPT
from tracker.model import MessageId, Outcome, Scope, Session, Status
from tracker.search import Query
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.store import Ledger

EVERYTHING = Scope()
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SETTINGS = Settings(tracking=TrackingSettings(retention=10 * DAY))


class Hand:
    """A worker's hand at the chores, with a ledger of its own."""

    def __init__(self, ledger: SqliteLedger, clock: FakeClock) -> None:
        self.ledger = ledger
        self.clock = clock
        self.watched = Watched(ledger)
        self.chores = Chores(ledger=cast(Ledger, self.watched), clock=clock, settings=SETTINGS)
        self.woken = asyncio.Event()

    async def tidy(self) -> None:
        """Do the chores once, to the end."""
        tidying = asyncio.ensure_future(self.chores.tidy(self.woken.set))
        async with asyncio.timeout(90):
            while not tidying.done():
                self.clock.advance(timedelta(seconds=1))
                await asyncio.wait([tidying], timeout=0.005)
        await tidying


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def hand(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Hand]:
    ledger = await open_ledger(tmp_path / "ledger.db")
    yield Hand(ledger, clock)
    await ledger.close()


@pytest.fixture
async def other(hand: Hand) -> AsyncIterator[Hand]:
    ledger = await open_ledger(hand.ledger.path)
    yield Hand(ledger, hand.clock)
    await ledger.close()


async def add_held(ledger: SqliteLedger, clock: FakeClock) -> MessageId:
    """Put a message on record that is held, and whose deadline has come."""
    submission = make_submission(now=clock.now(), lifetime=timedelta(0))
    await ledger.accept(submission, clock.now(), None)
    timeline = await ledger.timeline(submission.id, EVERYTHING)
    assert timeline is not None
    ids = [recipient.id for recipient in timeline.recipients]
    await ledger.change_status(
        ids, Status.HELD, scope=EVERYTHING, actor="", reason="", now=clock.now()
    )
    return submission.id


async def add_delivered(ledger: SqliteLedger, age: timedelta) -> MessageId:
    """Put a message on record that was delivered that long before START."""
    at = START - age
    lease = (await ledger.open_lease("node", 1, at, MINUTE)).token
    submission = make_submission(now=at)
    (job,) = (await ledger.accept(submission, at, lease)).jobs
    await ledger.settle(make_settlement(job, now=at))
    await ledger.close_lease(lease, at)
    return submission.id


async def is_on_record(ledger: SqliteLedger, message: MessageId) -> bool:
    return await ledger.timeline(message, EVERYTHING) is not None


async def test_one_does_them_and_the_next_when_that_is_gone(hand: Hand, other: Hand) -> None:
    await add_held(hand.ledger, hand.clock)
    first = asyncio.create_task(hand.chores.run(hand.woken.set))
    async with asyncio.timeout(90):
        await hand.woken.wait()
    second = asyncio.create_task(other.chores.run(other.woken.set))
    hand.woken.clear()
    await add_held(hand.ledger, hand.clock)
    async with asyncio.timeout(90):
        while not hand.woken.is_set():
            hand.clock.advance(MINUTE)
            await rest(hand.watched, other.watched)
    assert hand.clock.now() - START >= 10 * MINUTE
    assert not other.woken.is_set()
    first.cancel()
    await asyncio.wait([first])
    gone_at = hand.clock.now()
    await add_held(hand.ledger, hand.clock)
    async with asyncio.timeout(90):
        while not other.woken.is_set():
            hand.clock.advance(timedelta(seconds=10))
            await rest(other.watched)
    assert hand.clock.now() - gone_at <= 5 * MINUTE
    second.cancel()
    await asyncio.wait([second])


async def test_old_mail_goes_by_whole_days(hand: Hand) -> None:
    ages = [9 * DAY, 10 * DAY, 10 * DAY + timedelta(hours=9), 10 * DAY + timedelta(hours=10)]
    messages = [await add_delivered(hand.ledger, age) for age in ages]
    await hand.tidy()
    assert [await is_on_record(hand.ledger, each) for each in messages] == [True, True, True, False]


async def test_what_log_ins_left_behind_is_forgotten(hand: Hand) -> None:
    window = max(SETTINGS.submission.auth_failure_window, SETTINGS.panel.login_failure_window)
    session = Session(
        token_hash="f00d",
        address="alice@example.com",
        csrf_token="c0ffee",
        created_at=START - DAY,
        expires_at=START - MINUTE,
    )
    await hand.ledger.add_session(session)
    await hand.ledger.add_session(replace(session, token_hash="beef", expires_at=START + DAY))
    for age in (window + MINUTE, window - MINUTE):
        await hand.ledger.record_failure(["client a"], START - age, window)
    await hand.tidy()
    assert await hand.ledger.session("f00d", START - DAY) is None
    assert await hand.ledger.session("beef", START - DAY) is not None
    (times,) = await hand.ledger.record_failure(["client a"], START, 2 * window)
    assert list(times) == [START - window + MINUTE, START]


async def test_a_chore_that_fails_does_not_keep_the_others_from_being_done(hand: Hand) -> None:
    held = await add_held(hand.ledger, hand.clock)
    old = await add_delivered(hand.ledger, 20 * DAY)
    with contextlib.closing(sqlite3.connect(hand.ledger.path, isolation_level=None)) as broken:
        broken.execute(
            "CREATE TRIGGER fault BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'fault'); END"
        )
    await hand.tidy()
    assert not hand.woken.is_set()
    assert await is_on_record(hand.ledger, held)
    assert not await is_on_record(hand.ledger, old)


async def test_refusals_go_with_the_mail_of_their_days(hand: Hand) -> None:
    old, fresh = (make_refusal(now=START - days * DAY) for days in (11, 9))
    await hand.ledger.record_refusals([old, fresh])
    await hand.tidy()
    assert list((await hand.ledger.refusals(Query(), EVERYTHING, limit=10)).rows) == [fresh]


async def test_content_of_refused_mail_is_dropped_in_time(hand: Hand, clock: FakeClock) -> None:
    await hand.tidy()  # says that it is kept
    lease = await hand.ledger.open_lease("node-a", 1, clock.now(), DAY)
    submission = make_submission(now=clock.now())
    accepted = await hand.ledger.accept(submission, clock.now(), lease.token)
    (job,) = accepted.jobs
    await hand.ledger.settle(make_settlement(job, Outcome.FAILED, now=clock.now()))
    clock.advance(DAY)
    await hand.tidy()
    assert await hand.ledger.keeps_content(submission.id)
    clock.advance(DAY + MINUTE)
    await hand.tidy()
    assert not await hand.ledger.keeps_content(submission.id)


AGES = TrackingSettings(
    retention=30 * DAY,
    client_retention=5 * DAY,
    access_retention=10 * DAY,
    domains=(DomainTracking(domain="example.com", retention=20 * DAY, subject_retention=3 * DAY),),
)


async def test_what_has_an_age_of_its_own_goes_at_it(hand: Hand) -> None:
    settings = Settings(hostname="mail.example.org", tracking=AGES)
    hand.chores = Chores(ledger=hand.ledger, clock=hand.clock, settings=settings)
    ages = [2 * DAY, 4 * DAY, 6 * DAY, 21 * DAY]
    messages = [await add_delivered(hand.ledger, age) for age in ages]
    looks = [make_access(at=START - age) for age in (9 * DAY, 11 * DAY)]
    await hand.ledger.record_accesses(looks)
    await hand.tidy()
    found = [await hand.ledger.timeline(each, EVERYTHING) for each in messages]
    assert [each and each.message.header.subject for each in found] == [
        "hello",
        NO_LONGER_KEPT,
        NO_LONGER_KEPT,
        None,
    ]
    assert [each and each.message.client.address for each in found] == [
        "192.0.2.7",
        "192.0.2.7",
        NO_LONGER_KEPT,
        None,
    ]
    assert await entries(hand.ledger, EVERYTHING, limit=10) == looks[:1]


async def test_what_a_clock_that_was_ahead_has_put_off_is_tried_when_it_is_right_again(
    hand: Hand, clock: FakeClock
) -> None:
    right = clock.now()
    clock.set(right + 365 * DAY)
    lease = await hand.ledger.open_lease("node-a", 1, clock.now(), MINUTE)
    submission = make_submission(now=clock.now())
    (job,) = (await hand.ledger.accept(submission, clock.now(), lease.token)).jobs
    await hand.ledger.settle(make_settlement(job, Outcome.DEFERRED, now=clock.now()))
    clock.set(right)
    assert await hand.ledger.claim(lease.token, right + DAY, 10) == []
    await hand.tidy()
    assert hand.woken.is_set()
    (again,) = await hand.ledger.claim(lease.token, clock.now(), 10)
    assert again.message.id == submission.id
