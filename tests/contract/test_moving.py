"""Accept, claim, settle, postpone: the life of a recipient."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.contract.ledger import (
    EVERYTHING,
    LEASE_FOR,
    Ledger,
    accept_leased,
    assert_balanced,
    defer,
    hold,
    paths,
    recipients,
)
from tests.support.clock import START
from tests.support.mail import CONTENT, make_attempt, make_settlement, make_submission, mint
from tracker.model import (
    EnvelopeRecipient,
    Gate,
    Job,
    LeaseToken,
    Load,
    MessageId,
    MessageKind,
    Notify,
    Outcome,
    Postponement,
    RecipientChange,
    RecipientId,
    Reply,
    Settlement,
    Status,
    Trigger,
)
from tracker.states import ARROWS, OPEN, IllegalChange
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
    assert all(job.is_fresh for job in accepted.jobs)


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
    assert not job.is_fresh


async def test_the_contents_of_several_messages_come_in_one_look(ledger: Ledger) -> None:
    contents = [CONTENT, bytes(range(256)) * 1200, b""]
    submissions = [make_submission(content=each) for each in contents]
    for submission in submissions:
        await ledger.accept(submission, START, None)
    wanted = [submission.id for submission in submissions]
    gone = MessageId(mint())
    assert await ledger.contents([*wanted, gone]) == dict(zip(wanted, contents, strict=True))
    assert await ledger.contents([gone]) == {}
    assert await ledger.contents([]) == {}


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
        await ledger.renew(lease, START, LEASE_FOR, Load())
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


def change_to(job: Job, after: Status) -> Settlement:
    """Return a settlement of `job` that has no attempt and only changes the status."""
    is_waiting = after in (Status.QUEUED, Status.DEFERRED)
    return Settlement(
        lease=job.lease,
        message_id=job.message.id,
        attempts=(),
        changes=tuple(
            RecipientChange(
                recipient_id=recipient.id,
                status=after,
                at=START + MINUTE,
                attempts=recipient.attempts,
                next_attempt_at=START + 2 * MINUTE if is_waiting else None,
                gate=Gate.HOLD if after is Status.HELD else Gate.NONE,
                gate_detail="why",
            )
            for recipient in job.recipients
        ),
    )


@pytest.mark.parametrize("after", list(Status))
@pytest.mark.parametrize("before", [Status.QUEUED, Status.DEFERRED])
async def test_settle_follows_the_state_table(
    ledger: Ledger, before: Status, after: Status
) -> None:
    (job,) = await accept_leased(ledger)
    if before is Status.DEFERRED:
        await defer(ledger, job, START, wait=MINUTE)
        (job,) = await ledger.claim(await hold(ledger), START + MINUTE, 10)
    if after in ARROWS[before]:
        await ledger.settle(change_to(job, after))
        (recipient,) = await recipients(ledger)
        assert recipient.status is after
        is_new = before is not after
        since = START + MINUTE if is_new else job.recipients[0].status_since
        assert recipient.status_since == since
        assert not recipient.leased
        if after in OPEN:  # what is final waits for nothing
            assert recipient.gate_detail == "why"
    else:
        with pytest.raises(IllegalChange):
            await ledger.settle(change_to(job, after))
        (recipient,) = await recipients(ledger)
        assert recipient == job.recipients[0]
    await assert_balanced(ledger)


@pytest.mark.parametrize(
    ("after", "next_attempt_at"),
    [(Status.DEFERRED, None), (Status.DELIVERED, START), (Status.HELD, START)],
    ids=["deferred without a next attempt", "delivered with one", "held with one"],
)
async def test_an_incoherent_change_is_refused(
    ledger: Ledger, after: Status, next_attempt_at: datetime | None
) -> None:
    (job,) = await accept_leased(ledger)
    settlement = change_to(job, after)
    change = replace(settlement.changes[0], next_attempt_at=next_attempt_at)
    with pytest.raises(ValueError, match="next attempt"):
        await ledger.settle(replace(settlement, changes=(change,)))
    assert await recipients(ledger) == list(job.recipients)


async def test_an_attempt_at_a_recipient_that_does_not_change_is_refused(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger, make_submission("a@one.example", "b@one.example"))
    settlement = make_settlement(job)
    with pytest.raises(ValueError, match="changes every recipient"):
        await ledger.settle(replace(settlement, changes=settlement.changes[:1]))
    with pytest.raises(ValueError, match="changes every recipient"):
        await ledger.settle(replace(settlement, changes=settlement.changes * 2))


async def test_settle_for_another_message_changes_nothing(ledger: Ledger) -> None:
    lease = await hold(ledger)
    (one,) = (await ledger.accept(make_submission(), START, lease)).jobs
    (two,) = (await ledger.accept(make_submission(), START, lease)).jobs
    with pytest.raises(LeaseLost):
        await ledger.settle(replace(make_settlement(one), message_id=two.message.id))
    assert {each.status for each in await recipients(ledger)} == {Status.QUEUED}


async def test_settle_is_all_or_nothing(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger, make_submission("a@one.example", "b@one.example"))
    settlement = make_settlement(job)
    stranger = replace(settlement.changes[1], recipient_id=RecipientId(mint()))
    with pytest.raises(LeaseLost):
        await ledger.settle(
            replace(
                settlement,
                attempts=settlement.attempts[:1],
                changes=(settlement.changes[0], stranger),
            )
        )
    assert await recipients(ledger) == list(job.recipients)
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert timeline.attempts == ()


async def test_a_dsn_enters_the_queue_with_the_settlement(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger, make_submission(account="alice@example.com"))
    dsn = make_submission(
        "alice@example.com",
        reverse_path="",
        account=None,
        kind=MessageKind.DSN,
        reports_on=job.message.id,
    )
    later = START + MINUTE
    await ledger.settle(make_settlement(job, Outcome.FAILED, now=later, reports=(dsn,)))
    assert await ledger.next_due() is not None
    (report,) = await ledger.claim(await hold(ledger, later), later + MINUTE, 10)
    assert report.message.id == dsn.id
    assert report.message.reports_on == job.message.id
    # Whoever sent the message may see what became of it.
    assert report.message.account == "alice@example.com"
    assert [chunk async for chunk in ledger.content(dsn.id)] == [CONTENT]
    await assert_balanced(ledger)


async def test_a_settlement_that_is_refused_sends_no_dsn(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await ledger.settle(make_settlement(job))
    dsn = make_submission("alice@example.com", reverse_path="", kind=MessageKind.DSN)
    with pytest.raises(LeaseLost):
        await ledger.settle(make_settlement(job, Outcome.FAILED, reports=(dsn,)))
    assert await ledger.next_due() is None
    assert await ledger.timeline(dsn.id, EVERYTHING) is None


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


async def test_the_balance_follows_each_recipient(ledger: Ledger) -> None:
    jobs = await accept_leased(ledger, make_submission("a@one.example", "b@two.example"))
    await ledger.settle(make_settlement(jobs[0]))
    (balance,) = await assert_balanced(ledger)
    assert (balance.accepted, balance.delivered, balance.open) == (2, 1, 1)


@pytest.mark.parametrize(
    "text", ["caf\udce9", "null \x00 inside", "\U0001f4e8 \u202e"], ids=["bytes", "nul", "odd"]
)
async def test_hostile_text_cannot_stop_a_message(ledger: Ledger, text: str) -> None:
    (job,) = await accept_leased(ledger, make_submission(subject=text, header_from=text))
    attempt = make_attempt(job.recipients[0], reply=Reply(code=550, lines=(text, text)))
    step = replace(attempt.tries[0], detail=text, extensions=(text,))
    settlement = make_settlement(job, Outcome.FAILED)
    await ledger.settle(
        replace(
            settlement,
            attempts=(replace(attempt, detail=text, tries=(step,), remote_queue_id=text),),
            changes=(replace(settlement.changes[0], gate_detail=text),),
        )
    )
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert timeline.attempts[0].reply is not None
    said = timeline.attempts[0].reply.lines[0]
    assert said == text.encode("utf-8", "backslashreplace").decode()
    assert timeline.message.header.subject == said.replace("\0", "\\x00")
