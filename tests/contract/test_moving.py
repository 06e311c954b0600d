"""Accept, claim, settle, postpone: the life of a recipient."""

from datetime import timedelta

import pytest

from tests.contract.ledger import Ledger, accept_leased, defer, hold, paths
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission, mint
from tracker.model import (
    EnvelopeRecipient,
    Gate,
    LeaseToken,
    Notify,
    Outcome,
    Postponement,
    Status,
    Trigger,
)
from tracker.states import IllegalChange
from tracker.store import LeaseLost

MINUTE = timedelta(minutes=1)


async def test_accept_under_a_lease_returns_one_job_for_each_destination(ledger: Ledger) -> None:
    submission = make_submission("a@one.example", "b@two.example", "c@one.example")
    lease = await hold(ledger)
    accepted = await ledger.accept(submission, START, lease)
    assert accepted.id == submission.id
    assert [job.destination for job in accepted.jobs] == ["one.example", "two.example"]
    assert [paths([job]) for job in accepted.jobs] == [
        ["a@one.example", "c@one.example"],
        ["b@two.example"],
    ]
    assert {job.lease for job in accepted.jobs} == {lease}
    assert {job.trigger for job in accepted.jobs} == {Trigger.ACCEPTED}
    assert all(job.content is submission.content for job in accepted.jobs)


async def test_leased_mail_is_not_due(ledger: Ledger) -> None:
    await accept_leased(ledger)
    assert await ledger.next_due() is None
    assert await ledger.claim(await hold(ledger), START + MINUTE, 10) == []


async def test_accept_without_a_lease_leaves_the_mail_due(ledger: Ledger) -> None:
    submission = make_submission("a@one.example", "b@two.example")
    assert (await ledger.accept(submission, START, None)).jobs == ()
    assert await ledger.next_due() == START
    jobs = await ledger.claim(await hold(ledger), START, 10)
    assert sorted(paths(jobs)) == ["a@one.example", "b@two.example"]
    assert await ledger.next_due() is None


async def test_a_claimed_job_is_what_was_accepted(ledger: Ledger) -> None:
    recipient = EnvelopeRecipient(
        forward_path="Böb@EXAMPLE.org",
        domain="example.org",
        notify=frozenset({Notify.DELAY, Notify.FAILURE}),
        orcpt="rfc822;B+C3+B6b@example.org",
    )
    submission = make_submission(recipient, "bare@example.org")
    lease = await hold(ledger)
    (accepted,) = (await ledger.accept(submission, START, lease)).jobs
    await ledger.close_lease(lease, START)
    (job,) = await ledger.claim(await hold(ledger), START, 10)
    assert job.message == accepted.message
    assert job.recipients == accepted.recipients
    assert job.content is None


async def test_claim_takes_at_most_limit(ledger: Ledger) -> None:
    for _ in range(5):
        await ledger.accept(make_submission(), START, None)
    lease = await hold(ledger)
    taken = [len(paths(await ledger.claim(lease, START, 2))) for _ in range(4)]
    assert taken == [2, 2, 1, 0]


@pytest.mark.parametrize("lease", [LeaseToken("gone"), LeaseToken(mint())], ids=["odd", "unknown"])
async def test_nothing_happens_under_a_lease_that_is_not_on_record(
    ledger: Ledger, lease: LeaseToken
) -> None:
    await ledger.accept(make_submission(), START, None)
    with pytest.raises(LeaseLost):
        await ledger.accept(make_submission(), START, lease)
    with pytest.raises(LeaseLost):
        await ledger.claim(lease, START, 10)
    with pytest.raises(LeaseLost):
        await ledger.renew(lease, START)
    assert len(await ledger.claim(await hold(ledger), START, 10)) == 1


async def test_a_deferred_recipient_comes_back_when_its_time_has_come(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await defer(ledger, job, START, wait=5 * MINUTE)
    assert await ledger.next_due() == START + 5 * MINUTE
    lease = await hold(ledger)
    assert await ledger.claim(lease, START + 4 * MINUTE, 10) == []
    (again,) = await ledger.claim(lease, START + 5 * MINUTE, 10)
    (recipient,) = again.recipients
    assert again.trigger is Trigger.SCHEDULE
    assert recipient.status is Status.DEFERRED
    assert recipient.attempts == 1
    assert recipient.leased


async def test_settle_under_another_lease_changes_nothing(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await ledger.close_lease(job.lease, START)
    (again,) = await ledger.claim(await hold(ledger), START, 10)
    with pytest.raises(LeaseLost):
        await ledger.settle(make_settlement(job))
    await ledger.settle(make_settlement(again, Outcome.FAILED))


async def test_settle_twice_is_refused(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await ledger.settle(make_settlement(job))
    with pytest.raises(LeaseLost):
        await ledger.settle(make_settlement(job))


async def test_settle_follows_the_state_table(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await defer(ledger, job, START, wait=MINUTE)
    (again,) = await ledger.claim(await hold(ledger), START + MINUTE, 10)
    back = make_settlement(again, Outcome.DEFERRED, now=START + MINUTE)
    change = back.changes[0]
    queued = type(change)(
        recipient_id=change.recipient_id,
        status=Status.QUEUED,
        at=change.at,
        attempts=2,
        next_attempt_at=START + MINUTE,
    )
    with pytest.raises(IllegalChange):
        await ledger.settle(
            type(back)(lease=back.lease, message_id=back.message_id, attempts=(), changes=(queued,))
        )
    await ledger.settle(back)


async def test_postpone_gives_back_untried(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    why = Postponement(gate=Gate.DNS, until=START + MINUTE, detail="the resolver is silent")
    await ledger.postpone(job.lease, [job.recipients[0].id], why)
    assert await ledger.next_due() == START + MINUTE
    with pytest.raises(LeaseLost):
        await ledger.postpone(job.lease, [job.recipients[0].id], why)
    (again,) = await ledger.claim(await hold(ledger), START + MINUTE, 10)
    assert again.trigger is Trigger.ACCEPTED
    assert again.recipients[0].attempts == 0
    assert again.recipients[0].status is Status.QUEUED


@pytest.mark.parametrize(
    "octets",
    [b"", b"x", bytes(range(256)) * 2400, b"y" * (256 * 1024)],
    ids=["empty", "one byte", "600 KiB", "exactly one chunk"],
)
async def test_content_comes_back_octet_for_octet(ledger: Ledger, octets: bytes) -> None:
    submission = make_submission(content=octets)
    await ledger.accept(submission, START, None)
    chunks = [chunk async for chunk in ledger.content(submission.id)]
    assert b"".join(chunks) == octets
    assert all(0 < len(chunk) <= 256 * 1024 for chunk in chunks)


async def test_content_goes_with_the_last_open_recipient(ledger: Ledger) -> None:
    one, two = await accept_leased(ledger, make_submission("a@one.example", "b@two.example"))
    await ledger.settle(make_settlement(one))
    assert [chunk async for chunk in ledger.content(one.message.id)]
    await ledger.settle(make_settlement(two, Outcome.FAILED))
    with pytest.raises(KeyError):
        await anext(aiter(ledger.content(one.message.id)))
