"""Recipients that are sent another way than configured, and back again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    accept_leased,
    assert_balanced,
    defer,
    hold,
    paths,
    recipients,
)
from tests.contract.test_many_at_once import (
    ANNA,
    LATER,
    MINUTE,
    add_anna,
    carry_out,
    fill,
    make_act,
)
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.acting import reroute_of
from tracker.acting.run import STRIDE
from tracker.model import (
    Deed,
    DestinationChange,
    EventKind,
    Gate,
    Outcome,
    Recipient,
    Scope,
    Status,
    Trigger,
)
from tracker.routing import Routes

HOP = "mail.example.net:587"
OTHER = "[2001:db8::1]:2525"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
async def anna(ledger: Ledger) -> None:
    await add_anna(ledger)


async def send_by(
    ledger: Ledger,
    found: Sequence[Recipient],
    next_hop: str = HOP,
    *,
    scope: Scope = EVERYTHING,
    reason: str = "",
    now: datetime = LATER,
) -> int:
    """Send recipients, as they were when they were found, by another next hop."""
    ways = [reroute_of(each, next_hop, Routes(())) for each in found]
    return await ledger.reroute(
        [way for way in ways if way is not None],
        scope=scope,
        actor=ANNA,
        reason=reason,
        now=now,
    )


async def make_waiting(ledger: Ledger, status: Status) -> Recipient:
    """Return the only recipient, which is queued, deferred or held."""
    if status is Status.DEFERRED:
        (job,) = await accept_leased(ledger)
        await defer(ledger, job, START, HOUR)
    else:
        await ledger.accept(make_submission(), START, None)
    (one,) = await recipients(ledger)
    if status is Status.HELD:
        await ledger.change_status(
            [one.id], Status.HELD, scope=EVERYTHING, actor="eve", reason="wait", now=START
        )
    (one,) = await recipients(ledger)
    return one


@pytest.mark.parametrize("status", [Status.QUEUED, Status.DEFERRED])
async def test_what_waits_is_due_at_once_by_the_other_way(ledger: Ledger, status: Status) -> None:
    before = await make_waiting(ledger, status)
    assert await send_by(ledger, [before]) == 1
    (after,) = await recipients(ledger)
    assert (after.next_hop, after.destination, after.domain) == (HOP, HOP, "example.org")
    assert (after.status, after.expires_at) == (status, before.expires_at)
    assert after.attempts == before.attempts
    assert (after.gate, after.gate_detail, after.trigger) == (Gate.NONE, "", Trigger.RETRY_NOW)
    assert after.next_attempt_at is not None
    assert after.next_attempt_at <= LATER
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    assert (job.destination, job.recipients[0].next_hop) == (HOP, HOP)


async def test_what_is_held_stays_so_and_goes_the_other_way_when_released(ledger: Ledger) -> None:
    before = await make_waiting(ledger, Status.HELD)
    assert await send_by(ledger, [before]) == 1
    (after,) = await recipients(ledger)
    assert (after.status, after.next_attempt_at, after.next_hop) == (Status.HELD, None, HOP)
    assert (after.gate, after.gate_detail) == (Gate.HOLD, "wait")
    assert await ledger.claim(await hold(ledger, LATER), LATER, 10) == []
    await ledger.change_status(
        [after.id], Status.QUEUED, scope=EVERYTHING, actor="", reason="", now=LATER
    )
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    assert job.destination == HOP


async def test_the_timeline_says_which_way_instead_of_which_and_why(ledger: Ledger) -> None:
    await make_waiting(ledger, Status.QUEUED)
    await send_by(ledger, await recipients(ledger), reason="its MX is broken")
    await send_by(ledger, await recipients(ledger), OTHER, now=LATER + MINUTE)
    await send_by(ledger, await recipients(ledger), "", now=LATER + 2 * MINUTE)
    (one,) = await recipients(ledger)
    timeline = await ledger.timeline(one.message_id, EVERYTHING)
    assert timeline is not None
    events = [event for event in timeline.events if event.kind is EventKind.REROUTED]
    assert [(event.recipient_id, event.actor) for event in events] == [(one.id, ANNA)] * 3
    assert [event.at for event in events] == [LATER, LATER + MINUTE, LATER + 2 * MINUTE]
    assert [event.detail for event in events] == [
        f"{HOP} instead of the MX of example.org; its MX is broken",
        f"{OTHER} instead of {HOP}",
        f"the MX of example.org, as configured, instead of {OTHER}",
    ]


async def test_as_configured_is_the_way_of_the_domain_again(ledger: Ledger) -> None:
    await make_waiting(ledger, Status.QUEUED)
    await send_by(ledger, await recipients(ledger))
    assert await send_by(ledger, await recipients(ledger), "") == 1
    (one,) = await recipients(ledger)
    assert (one.destination, one.next_hop) == ("example.org", "")
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    assert (job.destination, job.recipients[0].next_hop) == ("example.org", "")


async def test_the_way_outlives_a_deferral_and_a_restart(ledger: Ledger) -> None:
    await make_waiting(ledger, Status.QUEUED)
    await send_by(ledger, await recipients(ledger))
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    await defer(ledger, job, LATER, HOUR)
    (one,) = await recipients(ledger)
    assert (one.status, one.destination, one.next_hop) == (Status.DEFERRED, HOP, HOP)
    lease = await hold(ledger, LATER)
    assert len(await ledger.claim(lease, LATER + 2 * HOUR, 10)) == 1
    assert await ledger.recover(lease, [], LATER + 2 * HOUR) == 1
    lease = await hold(ledger, LATER + 2 * HOUR)
    (job,) = await ledger.claim(lease, LATER + 2 * HOUR, 10)
    assert (job.destination, job.recipients[0].next_hop) == (HOP, HOP)


async def test_what_was_delivered_the_other_way_says_so_for_ever(ledger: Ledger) -> None:
    await make_waiting(ledger, Status.QUEUED)
    await send_by(ledger, await recipients(ledger))
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    await ledger.settle(make_settlement(job, Outcome.DELIVERED, now=LATER))
    (one,) = await recipients(ledger)
    assert (one.status, one.destination, one.next_hop) == (Status.DELIVERED, HOP, HOP)
    await assert_balanced(ledger)


async def test_recipients_of_a_message_with_different_ways_are_different_jobs(
    ledger: Ledger,
) -> None:
    names = ["a@example.org", "b@example.org", "c@example.org"]
    await ledger.accept(make_submission(*names), START, None)
    _, second, _ = await recipients(ledger)
    await send_by(ledger, [second])
    jobs = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    assert sorted(map(paths, ([job] for job in jobs))) == [
        ["a@example.org", "c@example.org"],
        ["b@example.org"],
    ]


async def test_what_is_in_hand_or_finished_stays_as_it_is(ledger: Ledger) -> None:
    leased = await accept_leased(ledger, make_submission("a@example.org"))
    jobs = await accept_leased(ledger, make_submission("b@example.org"))
    await ledger.settle(make_settlement(jobs[0], Outcome.DELIVERED))
    found = await recipients(ledger)
    assert await send_by(ledger, found) == 0
    assert [each.next_hop for each in await recipients(ledger)] == ["", ""]
    assert {each.destination for each in await recipients(ledger)} == {"example.org"}
    await ledger.settle(make_settlement(leased[0], Outcome.DELIVERED))


async def test_what_is_about_to_be_settled_without_a_try_stays_as_it_is(ledger: Ledger) -> None:
    await fill(ledger, 1)
    await carry_out(ledger, make_act(Deed.CANCEL, tells_sender=True))
    assert await send_by(ledger, await recipients(ledger)) == 0
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    assert (job.trigger, job.destination) == (Trigger.CANCEL, "example.org")


async def test_what_is_held_beyond_its_deadline_stays_as_it_is(ledger: Ledger) -> None:
    before = await make_waiting(ledger, Status.HELD)
    assert await ledger.give_up_held(before.expires_at, 10) == 1
    assert await send_by(ledger, await recipients(ledger)) == 0
    (after,) = await recipients(ledger)
    assert (after.trigger, after.next_hop) == (Trigger.DEADLINE, "")


async def test_whoever_has_been_sent_yet_another_way_meanwhile_stays_there(ledger: Ledger) -> None:
    before = await make_waiting(ledger, Status.QUEUED)
    assert await send_by(ledger, [before], OTHER) == 1
    assert await send_by(ledger, [before], HOP) == 0
    (after,) = await recipients(ledger)
    assert after.next_hop == OTHER


async def test_a_next_hop_of_its_own_is_more_than_a_route_that_leads_there(ledger: Ledger) -> None:
    await ledger.accept(make_submission("a@example.org", destinations=[HOP]), START, None)
    assert await send_by(ledger, await recipients(ledger)) == 1
    assert await send_by(ledger, await recipients(ledger)) == 0, "it goes that way already"
    (one,) = await recipients(ledger)
    assert (one.destination, one.next_hop) == (HOP, HOP)


async def test_nobody_reroutes_what_is_out_of_scope(ledger: Ledger) -> None:
    await make_waiting(ledger, Status.QUEUED)
    found = await recipients(ledger)
    assert await send_by(ledger, found, scope=Scope(account="eve@example.com")) == 0
    assert await send_by(ledger, found, scope=Scope(domain="example.net")) == 0
    assert await send_by(ledger, found, scope=Scope(domain="example.com")) == 1
    assert await send_by(ledger, []) == 0


async def test_it_is_counted_where_it_goes_now(ledger: Ledger) -> None:
    await fill(ledger, 3)
    await send_by(ledger, (await recipients(ledger))[:2])
    found = await ledger.destinations(EVERYTHING, 10)
    assert {each.destination: each.waiting for each in found} == {HOP: 2, "example.org": 1}
    state = await ledger.destination(HOP)
    assert state is not None
    assert state.waiting == 2


async def test_a_dead_destination_is_probed_for_it_and_its_own_is_left_alone(
    ledger: Ledger,
) -> None:
    for name, hop in (("a@example.org", "example.org"), ("b@elsewhere.example", HOP)):
        submission = make_submission(name, destinations=[hop])
        (job,) = await accept_leased(ledger, submission)
        settlement = make_settlement(job, Outcome.DEFERRED, wait=HOUR)
        dead = DestinationChange(
            destination=hop, at=START, reachable=False, failures=3, next_probe_at=START + 2 * HOUR
        )
        await ledger.settle(replace(settlement, destination=dead))
    found = [each for each in await recipients(ledger) if each.domain == "example.org"]
    assert await send_by(ledger, found) == 1
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    assert (job.destination, paths([job])) == (HOP, ["a@example.org"])
    old = await ledger.destination("example.org")
    assert old is not None
    assert (old.reachable, old.next_probe_at, old.waiting) == (False, START + 2 * HOUR, 0)


# --- acts --------------------------------------------------------------------------------------


async def test_an_act_reroutes_all_that_match(ledger: Ledger) -> None:
    await fill(ledger, STRIDE + 3)
    await ledger.accept(make_submission("carol@other.example"), START, None)
    act = await carry_out(ledger, make_act(Deed.REROUTE, "to:@example.org", next_hop=HOP))
    assert (act.done, act.changed, act.next_hop) == (STRIDE + 3, STRIDE + 3, HOP)
    assert {(each.domain, each.next_hop) for each in await recipients(ledger)} == {
        ("example.org", HOP),
        ("other.example", ""),
    }
    again = await carry_out(ledger, make_act(Deed.REROUTE, "to:@example.org", next_hop=HOP))
    assert (again.done, again.changed) == (STRIDE + 3, 0)
    back = await carry_out(ledger, make_act(Deed.REROUTE))
    assert (back.done, back.changed, back.next_hop) == (STRIDE + 4, STRIDE + 3, "")
    assert {each.destination for each in await recipients(ledger)} == {
        "example.org",
        "other.example",
    }


async def test_undone_each_goes_as_it_did_before(ledger: Ledger) -> None:
    await fill(ledger, 4)
    first, second, third, fourth = await recipients(ledger)
    await send_by(ledger, [first], OTHER)
    await send_by(ledger, [fourth], HOP)
    act = await carry_out(ledger, make_act(Deed.REROUTE, next_hop=HOP))
    assert act.changed == 3, "the fourth goes that way already"
    by_id = {each.id: each for each in await recipients(ledger)}
    await send_by(ledger, [by_id[third.id]], "else.example.net:25")
    undone = await carry_out(ledger, make_act(Deed.REROUTE, undoes=act.id))
    assert (undone.done, undone.changed) == (3, 2), "the third has been sent elsewhere since"
    after = {each.id: each.next_hop for each in await recipients(ledger)}
    assert after == {
        first.id: OTHER,
        second.id: "",
        third.id: "else.example.net:25",
        fourth.id: HOP,
    }


async def test_what_has_been_delivered_meanwhile_is_not_undone(ledger: Ledger) -> None:
    await fill(ledger, 1)
    act = await carry_out(ledger, make_act(Deed.REROUTE, next_hop=HOP))
    (job,) = await ledger.claim(await hold(ledger, LATER), LATER, 10)
    await ledger.settle(make_settlement(job, Outcome.DELIVERED, now=LATER))
    undone = await carry_out(ledger, make_act(Deed.REROUTE, undoes=act.id), LATER + MINUTE)
    assert (undone.done, undone.changed) == (1, 0)
    (one,) = await recipients(ledger)
    assert one.next_hop == HOP


async def test_who_is_not_among_the_changed_had_no_next_hop_before(ledger: Ledger) -> None:
    await fill(ledger, 2)
    first, second = await recipients(ledger)
    act = await carry_out(ledger, make_act(Deed.REROUTE, chosen=(first.id,), next_hop=HOP))
    assert await ledger.next_hops_before(act.id, [first.id, second.id]) == {first.id: ""}
    assert await ledger.next_hops_before(act.id, []) == {}
