"""Acts on many recipients: planned, carried on in strides, stopped, undone, kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from config.settings import RetrySettings
from tests.contract.conftest import Opener
from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    accept_leased,
    assert_balanced,
    hold,
    recipients,
)
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission, mint
from tracker.acting import Runner
from tracker.acting.run import STRIDE
from tracker.model import (
    Account,
    Act,
    ActId,
    ActState,
    Deed,
    EventKind,
    Outcome,
    Recipient,
    RecipientId,
    Role,
    Scope,
    Status,
    Stride,
    Trigger,
)
from tracker.routing import Routes
from tracker.views import Patience

MINUTE = timedelta(minutes=1)
LATER = START + MINUTE
ANNA = "anna@example.com"


async def add_anna(ledger: Ledger) -> None:
    """Add the account whose acts these are: without it they end."""
    account = Account(address=ANNA, role=Role.ADMIN, password_hash="", created_at=START)
    assert await ledger.add_account(account)


@pytest.fixture(autouse=True)
async def anna(ledger: Ledger) -> None:
    await add_anna(ledger)


def make_act(deed: Deed, query: str = "", **changes: Any) -> Act:
    """Return an act of the admin that has not begun."""
    act = Act(
        id=ActId(mint(LATER)),
        key=mint(),
        deed=deed,
        actor=ANNA,
        account=ANNA,
        scope=EVERYTHING,
        reason="on request",
        query=query,
        created_at=LATER,
        begins_at=LATER,
        expected=0,
    )
    return replace(act, **changes)


def runner(ledger: Ledger, now: datetime = LATER) -> Runner:
    return Runner(ledger, RetrySettings(), Routes(()), lambda: now)


async def carry_out(ledger: Ledger, act: Act, now: datetime = LATER) -> Act:
    return await runner(ledger, now).finish(await ledger.plan_act(act))


async def cancel_and_tell(ledger: Ledger, recipient: RecipientId, now: datetime) -> None:
    """Have one recipient cancelled, by Anna who is an admin; the sender is to hear of it."""
    act = make_act(Deed.CANCEL, chosen=(recipient,), tells_sender=True, begins_at=now)
    assert (await carry_out(ledger, act, now)).changed == 1


async def fill(ledger: Ledger, count: int) -> None:
    """Accept one message to `count` recipients."""
    await ledger.accept(
        make_submission(*(f"bob{n}@example.org" for n in range(count))), START, None
    )


def statuses(found: Sequence[Recipient]) -> dict[Status, int]:
    return {one: sum(r.status is one for r in found) for one in {r.status for r in found}}


@pytest.mark.parametrize(
    ("deed", "after"),
    [(Deed.HOLD, Status.HELD), (Deed.CANCEL, Status.CANCELLED), (Deed.RETRY, Status.QUEUED)],
)
async def test_an_act_changes_all_that_match(ledger: Ledger, deed: Deed, after: Status) -> None:
    await fill(ledger, STRIDE + 3)
    await ledger.accept(make_submission("carol@example.net"), START, None)
    act = await carry_out(ledger, make_act(deed, "to:@example.org"))
    expected = 0 if deed is Deed.RETRY else STRIDE + 3  # what is due already is not retried
    assert (act.state, act.done, act.changed) == (ActState.DONE, STRIDE + 3, expected)
    assert act.ended_at == LATER
    found = await recipients(ledger)
    others = [each for each in found if each.domain == "example.net"]
    assert statuses(others) == {Status.QUEUED: 1}
    assert statuses([each for each in found if each not in others]) == {after: STRIDE + 3}
    assert await ledger.due_acts(LATER, 10) == []
    await assert_balanced(ledger)


async def test_what_comes_after_the_count_is_not_touched(ledger: Ledger) -> None:
    await fill(ledger, 2)
    await ledger.accept(make_submission("bob@example.org", now=LATER), LATER, None)
    act = await carry_out(ledger, make_act(Deed.CANCEL, "to:@example.org"))
    assert (act.done, act.changed) == (2, 2)
    assert statuses(await recipients(ledger)) == {Status.CANCELLED: 2, Status.QUEUED: 1}


async def test_a_selection_is_held_and_who_is_out_of_scope_is_not(ledger: Ledger) -> None:
    await ledger.accept(make_submission("a@example.org", "b@example.org"), START, None)
    await ledger.accept(
        make_submission("c@example.org", account="eve@elsewhere.example"), START, None
    )
    ids = tuple(each.id for each in await recipients(ledger))
    scope = Scope(domain="example.com")
    act = await carry_out(ledger, make_act(Deed.HOLD, chosen=ids, scope=scope))
    assert (act.done, act.changed, act.skipped) == (3, 2, 1)
    assert statuses(await recipients(ledger)) == {Status.HELD: 2, Status.QUEUED: 1}
    assert len(await ledger.chosen(ids, scope)) == 2


async def test_a_change_names_who_did_it_and_why(ledger: Ledger) -> None:
    await fill(ledger, 1)
    await carry_out(ledger, make_act(Deed.HOLD))
    (one,) = await recipients(ledger)
    timeline = await ledger.timeline(one.message_id, EVERYTHING)
    assert timeline is not None
    event = timeline.events[-1]
    assert (event.kind, event.actor, event.detail) == (EventKind.HELD, ANNA, "on request")


async def test_one_key_makes_one_act(ledger: Ledger) -> None:
    first = await ledger.plan_act(make_act(Deed.CANCEL, key="form-1"))
    second = await ledger.plan_act(make_act(Deed.HOLD, key="form-1"))
    assert second == first
    assert await ledger.acts(EVERYTHING, limit=10) == [first]


async def test_an_act_ends_with_the_account_of_whoever_began_it(ledger: Ledger) -> None:
    await fill(ledger, STRIDE + 3)
    planned = await ledger.plan_act(make_act(Deed.CANCEL))
    begun = await ledger.plan_act(make_act(Deed.HOLD))
    for _ in range(2):  # it begins, and takes its first stride
        begun = await runner(ledger).stride(begun) or begun
    assert await ledger.remove_account(ANNA)
    for act, changed in ((planned, 0), (begun, STRIDE)):
        ended = await runner(ledger).finish(act)
        assert (ended.state, ended.changed) == (ActState.CALLED_OFF, changed)
    assert statuses(await recipients(ledger)) == {Status.HELD: STRIDE, Status.QUEUED: 3}


async def test_an_act_is_taken_up_where_it_was(ledger: Ledger, opener: Opener) -> None:
    await fill(ledger, 2 * STRIDE + 1)
    act = await ledger.plan_act(make_act(Deed.HOLD))
    one = runner(ledger)
    running = await one.stride(act)
    assert running is not None
    assert running.state is ActState.RUNNING
    halfway = await one.stride(running)
    assert halfway is not None
    assert (halfway.done, halfway.changed) == (STRIDE, STRIDE)

    another = await opener()  # the first one is gone in the middle of it
    (left,) = await another.due_acts(LATER, 10)
    assert left == halfway
    assert await runner(another).stride(running) is None, "the step has been taken"
    done = await runner(another).finish(left)
    assert (done.done, done.changed) == (2 * STRIDE + 1, 2 * STRIDE + 1)
    assert statuses(await recipients(ledger)) == {Status.HELD: 2 * STRIDE + 1}


async def test_what_is_called_off_changes_nothing(ledger: Ledger) -> None:
    await fill(ledger, 1)
    begins_at = LATER + MINUTE
    act = await ledger.plan_act(make_act(Deed.CANCEL, begins_at=begins_at))
    assert await ledger.due_acts(LATER, 10) == []
    assert await ledger.due_acts(begins_at, 10) == [act]
    planned = {ActState.PLANNED}
    off = await ledger.turn_act(act.id, planned, ActState.CALLED_OFF, LATER)
    assert off is not None
    assert (off.state, off.ended_at) == (ActState.CALLED_OFF, LATER)
    assert await ledger.turn_act(act.id, planned, ActState.RUNNING, LATER) is None
    assert (await runner(ledger, begins_at).finish(act)).state is ActState.CALLED_OFF
    assert statuses(await recipients(ledger)) == {Status.QUEUED: 1}


async def test_a_paused_act_stays_where_it_is(ledger: Ledger) -> None:
    await fill(ledger, 1)
    act = await ledger.plan_act(make_act(Deed.HOLD))
    running = await ledger.turn_act(act.id, {ActState.PLANNED}, ActState.RUNNING, LATER)
    assert running is not None
    assert await ledger.turn_act(act.id, {ActState.RUNNING}, ActState.PAUSED, LATER) is not None
    assert await runner(ledger).stride(running) is None
    assert await ledger.due_acts(LATER, 10) == []


async def test_hold_is_undone_on_exactly_those_it_has_changed(ledger: Ledger) -> None:
    await fill(ledger, 3)
    first = (await recipients(ledger))[0].id
    await ledger.change_status(
        [first], Status.HELD, scope=EVERYTHING, actor="eve", reason="mine", now=START
    )
    held = await carry_out(ledger, make_act(Deed.HOLD))
    assert (held.done, held.changed) == (3, 2)
    undone = await carry_out(ledger, make_act(Deed.RELEASE, undoes=held.id))
    assert (undone.done, undone.changed) == (2, 2)
    found = await recipients(ledger)
    assert [each.id for each in found if each.status is Status.HELD] == [first]


async def test_what_a_worker_holds_is_passed_over(ledger: Ledger) -> None:
    await accept_leased(ledger, make_submission("a@example.org"))
    await fill(ledger, 1)
    act = await carry_out(ledger, make_act(Deed.CANCEL, "status:waiting"))
    assert (act.done, act.changed) == (2, 1)
    assert statuses(await recipients(ledger)) == {Status.QUEUED: 1, Status.CANCELLED: 1}


async def test_retry_passes_over_what_was_tried_a_moment_ago(ledger: Ledger) -> None:
    await fill(ledger, 1)
    (job,) = await ledger.claim(await hold(ledger), START, 1)
    await ledger.settle(make_settlement(job, Outcome.DEFERRED, wait=timedelta(hours=2)))
    soon = await carry_out(ledger, make_act(Deed.RETRY), now=START + MINUTE)
    assert (soon.done, soon.changed) == (1, 0)
    later = await carry_out(ledger, make_act(Deed.RETRY), now=START + 90 * MINUTE)
    assert (later.done, later.changed) == (1, 1)


async def test_who_is_cancelled_with_a_notice_is_given_to_a_worker(ledger: Ledger) -> None:
    await fill(ledger, 1)
    act = await carry_out(ledger, make_act(Deed.CANCEL, tells_sender=True))
    assert act.changed == 1
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    assert job.trigger is Trigger.CANCEL
    again = await carry_out(ledger, make_act(Deed.CANCEL, tells_sender=True))
    assert again.changed == 0


@pytest.mark.parametrize("uncertain", [(), None], ids=["nobody in flight", "nobody knows"])
async def test_who_is_being_cancelled_stays_so_when_the_worker_dies(
    ledger: Ledger, uncertain: tuple[RecipientId, ...] | None
) -> None:
    await fill(ledger, 1)
    await carry_out(ledger, make_act(Deed.CANCEL, tells_sender=True))
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    await ledger.recover(job.lease, uncertain, LATER + MINUTE)
    (again,) = await ledger.claim(await hold(ledger, LATER), LATER + MINUTE, 10)
    assert (again.trigger, again.recipients[0].attempts) == (Trigger.CANCEL, 0)
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert timeline.attempts == ()


@pytest.mark.parametrize("deed", [Deed.RETRY, Deed.HOLD, Deed.CANCEL])
async def test_who_is_cancelled_with_a_notice_is_out_of_reach(ledger: Ledger, deed: Deed) -> None:
    """Until a worker has written the notice, a try would send what somebody has cancelled."""
    await fill(ledger, 1)
    await carry_out(ledger, make_act(Deed.CANCEL, tells_sender=True))
    act = await carry_out(ledger, make_act(deed), now=LATER + MINUTE)
    assert (act.done, act.changed) == (1, 0)
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    assert job.trigger is Trigger.CANCEL


async def test_suppressing_also_cancels_what_waits_for_the_address(ledger: Ledger) -> None:
    await ledger.accept(make_submission("Bob@Example.org", "carol@example.org"), START, None)
    await ledger.accept(make_submission("bob@example.org"), START, None)
    chosen = tuple(
        each.id for each in await recipients(ledger) if each.forward_path == "Bob@Example.org"
    )
    act = await carry_out(
        ledger, make_act(Deed.SUPPRESS, chosen=chosen, scope=Scope(domain="example.com"))
    )
    assert (act.done, act.changed) == (1, 1)
    (listed,) = await ledger.suppressions(EVERYTHING, limit=10)
    assert (listed.address, listed.domain, listed.account) == ("bob@example.org", "example.com", "")
    assert (listed.actor, listed.reason, listed.since) == (ANNA, "on request", LATER)
    assert statuses(await recipients(ledger)) == {Status.CANCELLED: 2, Status.QUEUED: 1}


async def test_acts_are_seen_within_a_scope_and_in_pages(ledger: Ledger) -> None:
    mine = [await ledger.plan_act(make_act(Deed.HOLD)) for _ in range(3)]
    other = await ledger.plan_act(make_act(Deed.HOLD, account="eve@elsewhere.example"))
    operators = await ledger.plan_act(make_act(Deed.HOLD, account=None))
    by_id = sorted(mine, key=lambda act: act.id, reverse=True)
    assert await ledger.acts(Scope(account=ANNA), limit=2) == by_id[:2]
    assert await ledger.acts(Scope(account=ANNA), limit=2, before=by_id[1].id) == by_id[2:]
    assert await ledger.acts(Scope(domain="elsewhere.example"), limit=9) == [other]
    assert len(await ledger.acts(EVERYTHING, limit=9)) == 5
    assert await ledger.act(other.id, Scope(account=ANNA)) is None
    assert await ledger.act(operators.id, EVERYTHING) == operators


async def test_acts_that_are_over_are_forgotten_in_time(ledger: Ledger) -> None:
    await fill(ledger, 1)
    held = await carry_out(ledger, make_act(Deed.HOLD))
    planned = await ledger.plan_act(make_act(Deed.CANCEL))
    assert await ledger.forget_acts(LATER) == 0
    assert await ledger.forget_acts(LATER + MINUTE) == 1
    assert await ledger.acts(EVERYTHING, limit=9) == [planned]
    assert await ledger.changed_by(held.id, "", 10) == []


async def test_a_stride_counts_once_however_often_it_is_taken(ledger: Ledger) -> None:
    await fill(ledger, 1)
    act = await ledger.plan_act(make_act(Deed.HOLD))
    running = await ledger.turn_act(act.id, {ActState.PLANNED}, ActState.RUNNING, LATER)
    assert running is not None
    (one,) = await recipients(ledger)
    stride = Stride(seen=1, recipients=(one.id,), place=one.id, ended=False)
    first = await ledger.advance_act(running, stride, LATER)
    assert first is not None
    assert (first.done, first.changed, first.place) == (1, 1, one.id)
    assert await ledger.advance_act(running, stride, LATER) is None
    assert await ledger.changed_by(act.id, "", 10) == [RecipientId(one.id)]


async def test_an_act_whose_search_was_cut_goes_on_where_it_was(ledger: Ledger) -> None:
    await fill(ledger, STRIDE + 3)
    patient, ledger.search_patience = ledger.search_patience, Patience(timedelta(0), timedelta(0))
    act = await carry_out(ledger, make_act(Deed.HOLD))
    assert (act.state, act.changed) == (ActState.RUNNING, 0), "nobody was looked at yet"
    ledger.search_patience = patient
    act = await runner(ledger).finish(act)
    assert (act.state, act.done, act.changed) == (ActState.DONE, STRIDE + 3, STRIDE + 3)
