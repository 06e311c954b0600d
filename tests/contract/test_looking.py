"""Timeline, destinations, balance: what readers get, and what they do not."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    accept_leased,
    assert_balanced,
    defer,
    hold,
)
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission, mint
from tracker.explain import judge
from tracker.model import (
    DestinationChange,
    Event,
    EventId,
    EventKind,
    MessageId,
    Outcome,
    Recipient,
    Scope,
    Status,
)

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


# --- timeline ----------------------------------------------------------------------------------


async def test_a_timeline_tells_everything_in_order(ledger: Ledger) -> None:
    submission = make_submission("a@one.example", "b@two.example")
    one, two = await accept_leased(ledger, submission)
    later = START + MINUTE
    event = Event(
        id=EventId(mint(later)),
        message_id=submission.id,
        recipient_id=one.recipients[0].id,
        at=later,
        kind=EventKind.DSN_WITHHELD,
        detail="NOTIFY=NEVER",
        related_message_id=MessageId(mint()),
    )
    failed = make_settlement(one, Outcome.FAILED, now=later)
    await ledger.settle(replace(failed, events=(event,)))
    delivered = make_settlement(two, now=START)
    await ledger.settle(delivered)
    timeline = await ledger.timeline(submission.id, EVERYTHING)
    assert timeline is not None
    assert timeline.message == one.message
    assert [each.forward_path for each in timeline.recipients] == ["a@one.example", "b@two.example"]
    assert timeline.attempts == (
        replace(delivered.attempts[0], category="accepted", rule="outcome:delivered"),
        replace(failed.attempts[0], category="address-unknown", rule=judge(failed.attempts[0])[0]),
    )
    accepted, *others = timeline.events
    assert (accepted.kind, accepted.at) == (EventKind.ACCEPTED, START)
    assert accepted.message_id == submission.id
    assert others == [event]


async def test_a_timeline_shows_who_is_being_tried(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert timeline.recipients == job.recipients
    assert timeline.recipients[0].leased


TIMELINE_SCOPES = {
    "everything": (EVERYTHING, True),
    "hers": (Scope(account="alice@example.com"), True),
    "her domain": (Scope(domain="example.com"), True),
    "another's": (Scope(account="carol@example.com"), False),
    "another domain": (Scope(domain="example.org"), False),
}


@pytest.mark.parametrize(("scope", "seen"), TIMELINE_SCOPES.values(), ids=TIMELINE_SCOPES.keys())
async def test_a_timeline_out_of_scope_does_not_exist(
    ledger: Ledger, scope: Scope, seen: bool
) -> None:
    submission = make_submission(account="alice@example.com")
    await ledger.accept(submission, START, None)
    assert (await ledger.timeline(submission.id, scope) is not None) is seen


async def test_a_timeline_of_nothing_is_none(ledger: Ledger) -> None:
    assert await ledger.timeline(MessageId("nothing"), EVERYTHING) is None


async def test_the_time_of_the_delay_dsn_stays_on_record(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    settlement = make_settlement(job, Outcome.DEFERRED, wait=MINUTE)
    sent = replace(settlement.changes[0], delay_dsn_at=START)
    await ledger.settle(replace(settlement, changes=(sent,)))
    (again,) = await ledger.claim(await hold(ledger), START + MINUTE, 1)
    assert again.recipients[0].delay_dsn_at == START
    await defer(ledger, again, START + MINUTE, wait=MINUTE)
    assert (await only_recipient(ledger, job.message.id)).delay_dsn_at == START


async def only_recipient(ledger: Ledger, message_id: MessageId) -> Recipient:
    timeline = await ledger.timeline(message_id, EVERYTHING)
    assert timeline is not None
    (recipient,) = timeline.recipients
    return recipient


# --- destinations ------------------------------------------------------------------------------


async def test_destinations_with_the_most_waiting_come_first(ledger: Ledger) -> None:
    await ledger.accept(make_submission(*(f"u{n}@big.example" for n in range(3))), START, None)
    await ledger.accept(make_submission("u@small.example", account=None), START, None)
    await accept_leased(ledger, make_submission("u@leased.example"))
    (done,) = await accept_leased(ledger, make_submission("u@done.example"))
    await ledger.settle(make_settlement(done))
    states = await ledger.destinations(EVERYTHING, 10)
    assert [(state.destination, state.waiting) for state in states] == [
        ("big.example", 3),
        ("leased.example", 1),
        ("small.example", 1),
    ]
    assert [state.destination for state in await ledger.destinations(EVERYTHING, 1)] == [
        "big.example"
    ]
    hers = await ledger.destinations(Scope(account="alice@example.com"), 10)
    assert [state.destination for state in hers] == ["big.example", "leased.example"]
    assert await ledger.destinations(Scope(domain="example.net"), 10) == []


async def test_held_mail_counts_as_waiting(ledger: Ledger) -> None:
    await ledger.accept(make_submission("u@one.example"), START, None)
    (job,) = await accept_leased(ledger, make_submission("v@one.example"))
    await defer(ledger, job, START, wait=MINUTE)
    ids = [job.recipients[0].id]
    await ledger.change_status(ids, Status.HELD, scope=EVERYTHING, actor="", reason="", now=START)
    await accept_leased(ledger, make_submission("w@one.example"))
    state = await ledger.destination("one.example")
    assert state is not None
    assert state.waiting == 3
    assert await ledger.destinations(EVERYTHING, 10) == [state]


async def test_what_is_known_about_a_destination(ledger: Ledger) -> None:
    assert await ledger.destination("one.example") is None
    (job,) = await accept_leased(ledger, make_submission("u@one.example"))
    fresh = await ledger.destination("one.example")
    assert fresh is not None
    assert (fresh.reachable, fresh.failures, fresh.since, fresh.waiting) == (True, 0, None, 1)
    change = DestinationChange(
        destination="one.example",
        at=START,
        reachable=False,
        failures=2,
        next_probe_at=START + MINUTE,
        detail="Connection timed out",
    )
    settlement = make_settlement(job, Outcome.FAILED)
    await ledger.settle(replace(settlement, destination=change))
    state = await ledger.destination("one.example")
    assert state is not None
    assert (state.reachable, state.failures, state.since) == (False, 2, START)
    assert (state.next_probe_at, state.detail) == (START + MINUTE, "Connection timed out")
    assert (state.last_success_at, state.last_failure_at) == (None, START)
    assert (state.waiting, state.next_due_at) == (0, None)


@pytest.mark.parametrize(
    ("told", "reachable", "failed_at"),
    [
        ([(False, False), (True, True), (True, False)], True, START),
        ([(True, True), (True, False), (False, False)], False, START + 2 * MINUTE),
        ([(True, False), (True, True), (True, False)], True, None),
    ],
    ids=["it is back", "it goes", "it was there all the time"],
)
async def test_what_settlements_at_once_tell_of_a_destination_is_all_on_record(
    ledger: Ledger, told: list[tuple[bool, bool]], reachable: bool, failed_at: datetime | None
) -> None:
    settlements = []
    for n, (is_reached, accepted) in enumerate(told):
        (job,) = await accept_leased(ledger, make_submission(f"u{n}@one.example"))
        change = DestinationChange(
            destination="one.example",
            at=START + n * MINUTE,
            reachable=is_reached,
            failures=0 if is_reached else 1,
            accepted=accepted,
        )
        outcome = Outcome.DELIVERED if accepted else Outcome.FAILED
        settlements.append(replace(make_settlement(job, outcome), destination=change))
    await asyncio.gather(*map(ledger.settle, settlements))
    state = await ledger.destination("one.example")
    assert state is not None
    assert (state.reachable, state.last_failure_at) == (reachable, failed_at)
    succeeded = [START + n * MINUTE for n, (is_reached, _) in enumerate(told) if is_reached]
    assert state.last_success_at == max(succeeded)
    assert state.last_accepted_at is not None


# --- balance -----------------------------------------------------------------------------------


async def test_the_balance_counts_by_the_day_of_acceptance(ledger: Ledger) -> None:
    late = datetime(2026, 3, 2, 23, 59, 59, 999999, tzinfo=UTC)
    early = datetime(2026, 3, 3, tzinfo=UTC)
    (one,) = await accept_leased(ledger, make_submission("a@one.example", "b@one.example"), late)
    (two,) = await accept_leased(ledger, make_submission("c@two.example"), early)
    # Delivered on another day than accepted.
    await ledger.settle(make_settlement(one, now=early + DAY))
    first, second = await assert_balanced(ledger)
    assert (first.day, first.accepted, first.delivered, first.open) == (date(2026, 3, 2), 2, 2, 0)
    assert (second.day, second.accepted, second.open) == (date(2026, 3, 3), 1, 1)
    assert [each.day for each in await ledger.balance(early)] == [second.day]
    await ledger.settle(make_settlement(two, Outcome.FAILED, now=early))
    (second,) = await ledger.balance(early + timedelta(hours=5))
    assert (second.bounced, second.open, second.difference) == (1, 0, 0)


@pytest.mark.parametrize(
    ("status", "counter"),
    [
        (Status.DELIVERED, "delivered"),
        (Status.BOUNCED, "bounced"),
        (Status.EXPIRED, "expired"),
        (Status.CANCELLED, "cancelled"),
        (Status.HELD, "open"),
    ],
)
async def test_every_end_has_its_counter(ledger: Ledger, status: Status, counter: str) -> None:
    (job,) = await accept_leased(ledger)
    await ledger.settle(make_settlement(job, Outcome.FAILED, status=status))
    (balance,) = await assert_balanced(ledger)
    assert getattr(balance, counter) == 1
    assert balance.accepted == 1
