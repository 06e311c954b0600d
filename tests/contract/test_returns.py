"""Mail that was accepted and reported as failed later."""

from datetime import timedelta

import pytest

from tests.contract.ledger import EVERYTHING, Ledger, accept_leased, assert_balanced, recipients
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission, mint
from tracker.model import EventKind, Job, MessageId, RecipientId, Status

LATER = START + timedelta(minutes=3)
TEXT = "Reported by: mx.example.org\nStatus: 5.1.1\nDiagnosis: smtp; 550 5.1.1 No such user"


async def delivered(ledger: Ledger, *paths: str) -> Job:
    (job,) = await accept_leased(ledger, make_submission(*paths))
    await ledger.settle(make_settlement(job))
    return job


async def test_a_report_is_on_the_timeline_and_in_the_list(ledger: Ledger) -> None:
    job = await delivered(ledger, "a@example.org", "b@example.org")
    one, other = job.recipients
    before = await ledger.versions([job.message.id])
    assert await ledger.record_return(job.message.id, one.id, TEXT, LATER)
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert [each.returned_at for each in timeline.recipients] == [LATER, None]
    assert [each.status for each in timeline.recipients] == [Status.DELIVERED] * 2
    event = timeline.events[-1]
    assert (event.kind, event.recipient_id) == (EventKind.BOUNCED_LATER, one.id)
    assert (event.detail, event.at, event.actor) == (TEXT, LATER, "")
    assert {each.id: each.returned_at for each in await recipients(ledger)} == {
        one.id: LATER,
        other.id: None,
    }
    assert await ledger.versions([job.message.id]) != before
    await assert_balanced(ledger)


async def test_the_same_report_counts_once(ledger: Ledger) -> None:
    job = await delivered(ledger)
    where = (job.message.id, job.recipients[0].id)
    assert await ledger.record_return(*where, TEXT, LATER)
    assert not await ledger.record_return(*where, TEXT, LATER + timedelta(hours=1))
    assert await ledger.record_return(*where, "Status: 5.2.2", LATER + timedelta(hours=2))
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert timeline.recipients[0].returned_at == LATER, "when it was first known"
    assert [event.detail for event in timeline.events[1:]] == [TEXT, "Status: 5.2.2"]


async def test_only_so_many_reports_are_kept(ledger: Ledger) -> None:
    job = await delivered(ledger)
    kept = [
        await ledger.record_return(job.message.id, job.recipients[0].id, f"report {n}", LATER)
        for n in range(25)
    ]
    assert sum(kept) == 20


@pytest.mark.parametrize("stranger", ["message", "recipient"])
async def test_a_report_about_nobody_is_not_kept(ledger: Ledger, stranger: str) -> None:
    job, other = await delivered(ledger), await delivered(ledger)
    where = {
        "message": (MessageId(mint()), job.recipients[0].id),
        "recipient": (other.message.id, RecipientId(job.recipients[0].id)),
    }[stranger]
    assert not await ledger.record_return(*where, TEXT, LATER)
    for each in await recipients(ledger):
        assert each.returned_at is None
