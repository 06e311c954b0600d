"""What no ordinary day has: mail that came back later, mail to hundreds, a reply of many lines."""

from datetime import timedelta

from tests.support.letters import (
    DANE,
    FULL,
    GREYLISTED,
    MINUTE,
    POSTFIX,
    SPAM,
    Letter,
    Try,
    accepted,
    reply,
)
from tests.support.mail import make_submission
from tests.support.morning import make_attempt
from tests.support.panel import Desk
from tracker.model import (
    Job,
    MessageId,
    Outcome,
    RecipientChange,
    Scope,
    Settlement,
    Status,
)
from tracker.returns import Returned, write_return

_LINE = "\tWe are sorry, and this is not all:  see the next line "
LONG_REPLY = "\n".join(f"550{'-' if n < 63 else ' '}5.7.1 [{n:02}] {_LINE}" for n in range(64))
"""More than 4 KiB in 64 lines, with blanks at their ends."""
REFUSED_AT_LENGTH = Try(Outcome.FAILED, POSTFIX, LONG_REPLY, tls=DANE)
_STATUS = {
    Outcome.DELIVERED: Status.DELIVERED,
    Outcome.FAILED: Status.BOUNCED,
    Outcome.DEFERRED: Status.DEFERRED,
    Outcome.UNCERTAIN: Status.DEFERRED,
}
RETURNED = Returned(
    reporting_mta="store3.greycastle.example",
    final_recipient="ulla.berg@mailboxes.greycastle.example",
    status="5.2.2",
    diagnostic="smtp; 552-5.2.2 Mailbox full\n552 5.2.2 quota of 500 MB exceeded",
)


async def record_letter(desk: Desk, letter: Letter, tries: dict[str, Try]) -> MessageId:
    """Record a message whose every recipient has had one attempt: its own, or the letter's."""
    now = desk.clock.now()
    at = now - letter.age
    lease = await desk.ledger.open_lease("mail-1", 2, at, timedelta(days=1))
    submission = make_submission(
        *letter.to,
        reverse_path=letter.sender,
        account=letter.sender,
        now=at,
        subject=letter.subject,
        header_from=f"Northwind <{letter.sender}>" if letter.sender else "",
        message_id="unusual.20260302@northwind.example",
        client_address="192.0.2.77",
    )
    taken = await desk.ledger.accept(submission, at, lease.token)
    for job in taken.jobs:
        await _settle(desk, job, letter, tries)
    desk.ids[letter.subject] = submission.id
    return submission.id


async def _settle(desk: Desk, job: Job, letter: Letter, tries: dict[str, Try]) -> None:
    at = desk.clock.now() - letter.age + timedelta(seconds=2)
    attempts, changes = [], []
    for one in job.recipients:
        tried = tries.get(one.forward_path, letter.tries[0])
        attempt = make_attempt(one, tried, at, letter.sender)
        status = _STATUS[tried.outcome]
        attempts.append(attempt)
        changes.append(
            RecipientChange(
                recipient_id=one.id,
                status=status,
                at=attempt.ended_at,
                attempts=attempt.number,
                next_attempt_at=desk.clock.now() + 11 * MINUTE
                if status is Status.DEFERRED
                else None,
            )
        )
    await desk.ledger.settle(
        Settlement(
            lease=job.lease,
            message_id=job.message.id,
            attempts=tuple(attempts),
            changes=tuple(changes),
        )
    )


async def record_returned(desk: Desk) -> str:
    """Record mail that was accepted and came back later; return its subject."""
    letter = Letter(
        "Order confirmation, spring goods",
        ("ulla.berg@greycastle.example",),
        70 * MINUTE,
        (accepted(POSTFIX, "6C0F1B9E22", DANE),),
    )
    identifier = await record_letter(desk, letter, {})
    timeline = await desk.ledger.timeline(identifier, Scope())
    assert timeline is not None
    when = desk.clock.now() - 65 * MINUTE
    assert await desk.ledger.record_return(
        identifier, timeline.recipients[0].id, write_return(RETURNED), when
    )
    return letter.subject


async def record_crowd(desk: Desk, size: int = 500) -> str:
    """Record mail to hundreds, of whom a few have not got it; return its subject."""
    paths = tuple(f"guest{n:03}@greycastle.example" for n in range(size))
    letter = Letter("Invitation to the summer fair", paths, 40 * MINUTE, (accepted(POSTFIX),))
    tries = {paths[7]: SPAM, paths[size // 2]: GREYLISTED, paths[-1]: FULL}
    await record_letter(desk, letter, tries)
    return letter.subject


async def record_refused_at_length(desk: Desk) -> str:
    """Record mail that was refused with a reply of many lines; return its subject."""
    assert reply(LONG_REPLY).text == LONG_REPLY
    letter = Letter(
        "Invitation, third reminder",
        ("rolf@greycastle.example",),
        30 * MINUTE,
        (REFUSED_AT_LENGTH,),
        Status.BOUNCED,
    )
    await record_letter(desk, letter, {})
    return letter.subject


async def record_bare(desk: Desk) -> str:
    """Record mail of which next to nothing is known: no subject, no sender, no From."""
    letter = Letter("", ("bob@greycastle.example",), 20 * MINUTE, (accepted(POSTFIX),), sender="")
    await record_letter(desk, letter, {})
    return letter.subject
