"""What people ask of the workers, and the content of refused mail that is kept for it."""

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.contract.ledger import EVERYTHING, Ledger, accept_leased
from tests.contract.test_many_at_once import LATER, make_act
from tests.support.clock import START
from tests.support.mail import CONTENT, make_attempt, make_settlement, make_submission, mint
from tracker.model import (
    Deed,
    Errand,
    ErrandId,
    ErrandKind,
    ErrandResult,
    Event,
    EventId,
    EventKind,
    Excess,
    Job,
    MessageId,
    MessageKind,
    Outcome,
    ProbeLimits,
    Scope,
    Suppression,
)

MINUTE = timedelta(minutes=1)
ANNA = "anna@example.com"
EVE = "eve@example.com"


def make_errand(
    kind: ErrandKind = ErrandKind.PROBE,
    address: str = "bob@example.org",
    *,
    key: str = "",
    actor: str = ANNA,
    message_id: MessageId | None = None,
    after: timedelta = timedelta(),
) -> Errand:
    return Errand(
        id=ErrandId(mint(START + after)),
        key=key or mint(),
        kind=kind,
        actor=actor,
        account=actor,
        message_id=message_id,
        address=address,
        asked_at=START + after,
    )


async def test_one_key_makes_one_errand(ledger: Ledger) -> None:
    first = await ledger.ask_errand(make_errand(key="form"))
    assert await ledger.ask_errand(make_errand(key="form")) == first
    assert await ledger.errand(first.id, Scope(account=ANNA)) == first
    assert await ledger.errand(first.id, Scope(domain="example.com")) == first
    assert await ledger.errand(first.id, Scope(account="eve@example.com")) is None


async def test_an_errand_is_taken_by_one_and_again_when_that_is_gone(ledger: Ledger) -> None:
    assert await ledger.take_errand(START, START + MINUTE) is None
    second = await ledger.ask_errand(make_errand(after=MINUTE))
    first = await ledger.ask_errand(make_errand())
    taken = [await ledger.take_errand(START, START + MINUTE) for _ in range(3)]
    assert [each and each.id for each in taken] == [first.id, second.id, None]
    again = await ledger.take_errand(START + MINUTE, START + 2 * MINUTE)
    assert again is not None
    assert again.id == first.id


async def test_an_errand_ends_once_with_its_events(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    errand = await ledger.ask_errand(make_errand(message_id=job.message.id))
    event = Event(
        id=EventId(mint()),
        message_id=job.message.id,
        recipient_id=job.recipients[0].id,
        at=START,
        kind=EventKind.SENT_AGAIN,
        actor=ANNA,
        detail="carol@example.org",
    )
    attempt = make_attempt(job.recipients[0], Outcome.DEFERRED)
    result = ErrandResult(attempt=attempt)
    assert await ledger.end_errand(errand, result, [event], START + MINUTE)
    other = ErrandResult(problem="late")
    assert not await ledger.end_errand(errand, other, [event], START + MINUTE)
    (found,) = await ledger.errands_about(job.message.id)
    assert (found.ended_at, found.result) == (START + MINUTE, result)
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert timeline.events[-1] == event
    assert timeline.attempts == ()
    assert await ledger.take_errand(START + MINUTE, START + 2 * MINUTE) is None


async def record_probes(ledger: Ledger) -> None:
    """Record three probes of Anna's, two to example.org, and what is like one and is none."""
    for address, actor in [
        ("a@example.org", ANNA),
        ("b@example.org", EVE),
        ("c@sub.example.org", ANNA),
        ("d@exampleXorg", ANNA),
    ]:
        await ledger.ask_errand(make_errand(address=address, actor=actor))
    await ledger.ask_errand(make_errand(ErrandKind.SEND_AGAIN, address="e@example.org"))


@pytest.mark.parametrize(
    ("actor", "by_actor", "to_domain", "since", "expected"),
    [
        (ANNA, 4, 3, START, None),
        (ANNA, 3, 3, START, Excess.OF_ACTOR),
        (EVE, 3, 3, START, None),
        (EVE, 3, 2, START, Excess.OF_DOMAIN),
        (ANNA, 1, 1, START + MINUTE, None),
    ],
)
async def test_probes_are_limited_by_person_and_by_domain(
    ledger: Ledger,
    actor: str,
    by_actor: int,
    to_domain: int,
    since: datetime,
    expected: Excess | None,
) -> None:
    await record_probes(ledger)
    limits = ProbeLimits(since=since, by_actor=by_actor, to_domain=to_domain)
    probe = make_errand(address="f@example.org", actor=actor)
    answer = await ledger.ask_probe(probe, limits)
    assert answer == (expected or probe)
    on_record = await ledger.errand(probe.id, Scope())
    assert on_record == (None if expected else probe)


async def test_a_probe_that_is_on_record_is_no_second_one(ledger: Ledger) -> None:
    limits = ProbeLimits(since=START, by_actor=1, to_domain=1)
    first = await ledger.ask_probe(make_errand(key="form"), limits)
    assert await ledger.ask_probe(make_errand(key="form"), limits) == first


async def test_of_many_probes_at_once_no_more_go_than_may(ledger: Ledger) -> None:
    limits = ProbeLimits(since=START, by_actor=3, to_domain=100)
    asked = [make_errand(address=f"n{n}@example.org") for n in range(12)]
    answers = await asyncio.gather(*(ledger.ask_probe(one, limits) for one in asked))
    assert sum(isinstance(answer, Errand) for answer in answers) == 3
    assert answers.count(Excess.OF_ACTOR) == 9


async def test_old_errands_are_forgotten(ledger: Ledger) -> None:
    errand = await ledger.ask_errand(make_errand())
    assert await ledger.forget_errands(START) == 0
    assert await ledger.forget_errands(START + MINUTE) == 1
    assert await ledger.errand(errand.id, EVERYTHING) is None


# --- the content of refused mail -----------------------------------------------------------------


async def settled(
    ledger: Ledger, outcome: Outcome, kind: MessageKind = MessageKind.MAIL, *paths: str
) -> Job:
    """Accept a message and settle all of it."""
    (job,) = await accept_leased(ledger, make_submission(*paths, kind=kind))
    await ledger.settle(make_settlement(job, outcome))
    return job


@pytest.mark.parametrize(
    ("keep", "outcome", "kind", "is_kept"),
    [
        (True, Outcome.FAILED, MessageKind.MAIL, True),
        (True, Outcome.DELIVERED, MessageKind.MAIL, False),
        (True, Outcome.FAILED, MessageKind.DSN, False),
        (False, Outcome.FAILED, MessageKind.MAIL, False),
    ],
)
async def test_content_is_kept_of_what_was_refused_and_of_nothing_else(
    ledger: Ledger, keep: bool, outcome: Outcome, kind: MessageKind, is_kept: bool
) -> None:
    await ledger.keep_refused(keep)
    job = await settled(ledger, outcome, kind)
    assert await ledger.keeps_content(job.message.id) == is_kept
    if is_kept:
        kept = [chunk async for chunk in ledger.content(job.message.id)]
        assert b"".join(kept) == CONTENT


async def test_kept_content_is_dropped_in_time(ledger: Ledger) -> None:
    await ledger.keep_refused(True)
    job = await settled(ledger, Outcome.FAILED)
    assert await ledger.drop_refused(START, 10) == 0
    assert await ledger.keeps_content(job.message.id)
    assert await ledger.drop_refused(START + MINUTE, 10) == 1
    assert not await ledger.keeps_content(job.message.id)
    assert await ledger.drop_refused(START + MINUTE, 10) == 0


async def test_content_stays_while_somebody_still_waits_for_it(ledger: Ledger) -> None:
    await ledger.keep_refused(True)
    paths = ("a@example.org", "b@example.org")
    (job,) = await accept_leased(ledger, make_submission(*paths))
    settlement = make_settlement(job, Outcome.FAILED)
    await ledger.settle(
        replace(
            settlement,
            attempts=settlement.attempts[:1],
            changes=settlement.changes[:1],
        )
    )
    assert await ledger.drop_refused(START + MINUTE, 10) == 1
    assert await ledger.keeps_content(job.message.id)
    delivered = make_settlement(job, Outcome.DELIVERED)
    await ledger.settle(
        replace(delivered, attempts=delivered.attempts[1:], changes=delivered.changes[1:])
    )
    assert not await ledger.keeps_content(job.message.id)


async def test_whoever_settles_heeds_what_was_said_last(ledger: Ledger) -> None:
    await ledger.keep_refused(True)
    await ledger.keep_refused(False)
    job = await settled(ledger, Outcome.FAILED)
    assert not await ledger.keeps_content(job.message.id)
    assert not await ledger.keeps_content(MessageId("nothing"))


async def test_one_look_tells_what_there_is_to_do(ledger: Ledger) -> None:
    news = await ledger.news(START)
    assert (news.has_acts, news.has_errands, news.suppressions) == (False, False, 0)
    await ledger.plan_act(make_act(Deed.HOLD))  # begins at LATER
    await ledger.suppress([Suppression(address="bob@example.org", since=START)])
    errand = await ledger.ask_errand(make_errand())
    news = await ledger.news(START)
    assert (news.has_acts, news.has_errands) == (False, True)
    assert news.suppressions == await ledger.suppression_revision() > 0
    assert await ledger.take_errand(LATER, LATER + MINUTE)
    news = await ledger.news(LATER)
    assert (news.has_acts, news.has_errands) == (True, False)
    assert await ledger.end_errand(errand, ErrandResult(), [], LATER)
    assert not (await ledger.news(LATER + 2 * MINUTE)).has_errands
