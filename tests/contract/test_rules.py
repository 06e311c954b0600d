"""An operator's corrections: kept, counted in, applied to what is on record."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.contract.conftest import Opener
from tests.contract.ledger import EVERYTHING, Ledger, accept_leased, hold
from tests.support.clock import START
from tests.support.mail import make_attempt, make_settlement
from tracker.explain import Category, shipped
from tracker.explain.correction import MOST, Correction
from tracker.model import Attempt, Outcome, Phase, Reply
from tracker.search import Query

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ODD = Reply(code=550, lines=("Computer says no 42",))


def correction(number: int = 1, **fields: object) -> Correction:
    return replace(
        Correction(
            id=f"{number:026}",
            category=Category.POLICY_REFUSED,
            words="computer says no",
            note="They told us",
            created_at=START,
            created_by="alice@example.com",
        ),
        **fields,
    )


async def refuse(
    ledger: Ledger, reply: Reply = ODD, now: datetime = START, outcome: Outcome = Outcome.FAILED
) -> Attempt:
    """Put a message on record that was refused."""
    (job,) = await accept_leased(ledger, now=now)
    settlement = make_settlement(job, outcome, now=now)
    (recipient,) = job.recipients
    attempt = make_attempt(recipient, outcome, now=now, reply=reply)
    await ledger.settle(replace(settlement, attempts=(attempt,)))
    return attempt


async def on_record(ledger: Ledger) -> Sequence[tuple[str, str, str]]:
    """Return recipient's category, attempt's category and rule of everything, oldest first."""
    rows = (await ledger.search(Query(), EVERYTHING, limit=100)).rows
    told = [(row.recipient.category, row.last_attempt) for row in reversed(rows)]
    return [(said, last.category, last.rule) for said, last in told if last]


async def test_a_correction_is_kept_as_it_was_given(ledger: Ledger) -> None:
    full = correction(
        expression="", code="5xx", host="*.example.org", phase=Phase.RCPT, note="naïve \U0001f4e8"
    )
    assert await ledger.add_correction(full)
    assert list(await ledger.corrections()) == [full]


async def test_the_newest_correction_comes_first(ledger: Ledger) -> None:
    for number in (1, 2):
        await ledger.add_correction(correction(number))
    assert [each.id[-1] for each in await ledger.corrections()] == ["2", "1"]


async def test_there_are_only_so_many(ledger: Ledger) -> None:
    for number in range(MOST):
        assert await ledger.add_correction(correction(number))
    assert not await ledger.add_correction(correction(MOST))
    assert len(await ledger.corrections()) == MOST


async def test_who_changed_what_stays_on_record(ledger: Ledger) -> None:
    one = correction()
    await ledger.add_correction(one)
    for n, on in enumerate((False, True), start=1):
        at = START + n * MINUTE
        assert await ledger.switch_correction(one.id, on=on, actor="bob", now=at)
        assert not await ledger.switch_correction(one.id, on=on, actor="bob", now=at)
    assert await ledger.remove_correction(one.id, actor="carol", now=START + HOUR)
    assert not await ledger.remove_correction(one.id, actor="carol", now=START + HOUR)
    assert not await ledger.switch_correction("unknown", on=True, actor="bob", now=START)
    acts = await ledger.rule_acts(10)
    assert [(each.act, each.actor) for each in acts] == [
        ("removed", "carol"),
        ("switched on", "bob"),
        ("switched off", "bob"),
        ("added", "alice@example.com"),
    ]
    assert {each.rule for each in acts} == {one.id}
    assert all("computer says no" in each.detail for each in acts)
    assert [each.at for each in acts] == [START + HOUR, START + 2 * MINUTE, START + MINUTE, START]
    assert len(await ledger.rule_acts(2)) == 2


async def test_without_corrections_the_book_is_the_shipped_one(ledger: Ledger) -> None:
    assert await ledger.rule_book() is shipped()


async def test_the_book_follows_the_corrections(ledger: Ledger) -> None:
    one = correction()
    await ledger.add_correction(one)
    book = await ledger.rule_book()
    assert book.judge_reply(ODD) == (f"operator:{one.id}", Category.POLICY_REFUSED)
    assert book is await ledger.rule_book()
    assert book.version != shipped().version
    await ledger.switch_correction(one.id, on=False, actor="bob", now=START)
    assert (await ledger.rule_book()).judge_reply(ODD).category is Category.NO_REASON


async def test_another_process_learns_of_it_and_settles_by_it(opener: Opener) -> None:
    here, there = await opener(), await opener()
    await there.rule_book()
    await here.add_correction(correction())
    await refuse(there)
    await there.rule_book()
    await refuse(there, now=START + MINUTE)
    assert [said for said, _, _ in await on_record(here)] == ["no-reason", "policy-refused"]


async def test_a_correction_does_not_change_what_is_tried_again(ledger: Ledger) -> None:
    await ledger.add_correction(correction(category=Category.ADDRESS_UNKNOWN))
    await ledger.rule_book()
    await refuse(ledger, replace(ODD, code=450), outcome=Outcome.DEFERRED)
    later = START + HOUR
    (job,) = await ledger.claim(await hold(ledger, later), later, 10)
    assert [each.category for each in job.recipients] == ["address-unknown"]


# --- refusals -------------------------------------------------------------------------------------


async def test_refusals_come_newest_first_and_bounded(ledger: Ledger) -> None:
    attempts = [await refuse(ledger, now=START + n * MINUTE) for n in range(4)]
    await refuse(ledger, outcome=Outcome.DELIVERED, reply=Reply(code=250, lines=("ok",)))
    found = await ledger.last_refused(START, 3)
    assert [each.id for each in found] == [each.id for each in reversed(attempts[1:])]
    assert await ledger.last_refused(START + HOUR, 10) == []


async def test_refusals_of_one_category(ledger: Ledger) -> None:
    await refuse(ledger)
    full = await refuse(ledger, Reply(code=452, lines=("4.2.2 Full",)), outcome=Outcome.DEFERRED)
    (found,) = await ledger.last_refused(START, 10, "mailbox-full")
    assert (found.id, found.category) == (full.id, "mailbox-full")
    assert await ledger.categories(START, 10) == {"mailbox-full": 1, "no-reason": 1}


# --- judging anew ---------------------------------------------------------------------------------


async def test_history_is_judged_anew_in_steps(ledger: Ledger) -> None:
    for n in range(5):
        await refuse(ledger, now=START + n * MINUTE)
    await refuse(ledger, Reply(code=250, lines=("ok",)), START + HOUR, Outcome.DELIVERED)
    one = correction()
    await ledger.add_correction(one)
    begun = await ledger.begin_reclassifying("alice@example.com", START + HOUR)
    assert (begun.looked, begun.changed, begun.ended_at) == (0, 0, None)
    looked = []
    while step := await ledger.reclassify(2, START + HOUR):
        looked.append(step.looked)
        assert (step.ended_at is None) == (step.looked < 6)
    assert looked == [2, 4, 6]
    ended = await ledger.reclassification()
    assert ended is not None
    assert (ended.changed, ended.ended_at) == (5, START + HOUR)
    said = ("policy-refused", "policy-refused", f"operator:{one.id}")
    assert list(await on_record(ledger)) == [said] * 5 + [
        ("accepted", "accepted", "outcome:delivered")
    ]


async def test_judging_anew_twice_changes_nothing_more(ledger: Ledger) -> None:
    await refuse(ledger)
    await ledger.add_correction(correction())
    for changed in (1, 0):
        await ledger.begin_reclassifying("alice", START)
        ended = await ledger.reclassify(10, START)
        assert ended is not None
        assert (ended.looked, ended.changed) == (1, changed)
        assert await ledger.reclassify(10, START) is None


async def test_it_goes_on_where_another_process_left_off(opener: Opener) -> None:
    here, there = await opener(), await opener()
    for n in range(3):
        await refuse(here, now=START + n * MINUTE)
    await here.add_correction(correction())
    await here.begin_reclassifying("alice", START)
    await here.reclassify(2, START)
    ended = await there.reclassify(2, START)
    assert ended is not None
    assert (ended.looked, ended.changed, ended.ended_at) == (3, 3, START)


async def test_earlier_attempts_are_judged_too_but_the_last_one_tells(ledger: Ledger) -> None:
    await refuse(ledger, replace(ODD, code=450), outcome=Outcome.DEFERRED)
    later = START + HOUR
    (job,) = await ledger.claim(await hold(ledger, later), later, 10)
    await ledger.settle(make_settlement(job, Outcome.FAILED, now=later))
    await ledger.add_correction(correction())
    await ledger.begin_reclassifying("alice", later)
    await ledger.reclassify(10, later)
    assert [said for said, _, _ in await on_record(ledger)] == ["address-unknown"]
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    said = [each.category for each in timeline.attempts]
    assert said == ["policy-refused", "address-unknown"]


@pytest.mark.parametrize("limit", [1, 100])
async def test_an_empty_ledger_is_done_at_once(ledger: Ledger, limit: int) -> None:
    assert await ledger.reclassification() is None
    assert await ledger.reclassify(limit, START) is None
    await ledger.begin_reclassifying("alice", START)
    ended = await ledger.reclassify(limit, START)
    assert ended is not None
    assert (ended.looked, ended.ended_at) == (0, START)


async def test_failures_on_our_side_follow_the_corrections(ledger: Ledger) -> None:
    await refuse(ledger)
    await ledger.add_correction(correction(category=Category.IP_BLOCKLISTED))
    await ledger.rule_book()
    assert await ledger.trouble_kinds(START - HOUR, 10) == []
    await refuse(ledger, now=START + MINUTE)
    (trouble,) = await ledger.trouble_kinds(START - HOUR, 10)
    assert (trouble.category, trouble.count) == (Category.IP_BLOCKLISTED, 1)
    await ledger.begin_reclassifying("alice", START + HOUR)
    await ledger.reclassify(10, START + HOUR)
    (trouble,) = await ledger.trouble_kinds(START - HOUR, 10)
    assert trouble.count == 2


async def test_rules_of_a_release_are_adopted_once(opener: Opener) -> None:
    """Whichever process is first says so; they are no correction."""
    here, there = await opener(), await opener()
    assert (await here.older_judgements(10)).since is None
    assert await here.adopt_rules("digest-1", "2026-11-28", START)
    assert not await there.adopt_rules("digest-1", "2026-11-28", START + MINUTE)
    assert await there.adopt_rules("digest-2", "2026-11-29", START + HOUR)
    assert (await here.older_judgements(10)).since == START + HOUR
    acts = await here.rule_acts(10)
    assert [(each.actor, each.act, each.rule, each.detail) for each in acts] == [
        ("Sendtrace", "shipped", "digest-2", "the rules of 2026-11-29 came with the release"),
        ("Sendtrace", "shipped", "digest-1", "the rules of 2026-11-28 came with the release"),
    ]
    assert await here.rule_book() is shipped()


async def test_what_older_rules_judged_is_counted(ledger: Ledger) -> None:
    """Until it is judged anew or tried again; what was delivered has no category to be wrong."""
    for number in range(3):
        await refuse(ledger, now=START + number * MINUTE)
    await refuse(ledger, replace(ODD, code=450), START + 3 * MINUTE, Outcome.DEFERRED)
    await refuse(ledger, Reply(code=250, lines=("ok",)), START + 4 * MINUTE, Outcome.DELIVERED)
    await ledger.adopt_rules("digest-2", "2026-11-29", START + HOUR)
    await refuse(ledger, now=START + HOUR + MINUTE)
    assert (await ledger.older_judgements(100)).recipients == 4
    assert (await ledger.older_judgements(2)).recipients == 2
    later = START + 2 * HOUR
    (job,) = await ledger.claim(await hold(ledger, later), later, 10)
    await ledger.settle(make_settlement(job, Outcome.DEFERRED, now=later))
    assert (await ledger.older_judgements(100)).recipients == 3
    await ledger.begin_reclassifying("alice", later)
    assert (await ledger.older_judgements(100)).recipients == 3
    await ledger.reclassify(1, later)
    assert (await ledger.older_judgements(100)).recipients == 2
    while await ledger.reclassify(100, later):
        pass
    assert (await ledger.older_judgements(100)).recipients == 0


async def test_what_was_judged_anew_before_a_release_is_counted_again(ledger: Ledger) -> None:
    await refuse(ledger)
    await ledger.begin_reclassifying("alice", START + MINUTE)
    while await ledger.reclassify(100, START + MINUTE):
        pass
    await ledger.adopt_rules("digest-2", "2026-11-29", START + HOUR)
    assert (await ledger.older_judgements(100)).recipients == 1
