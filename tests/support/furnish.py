"""A record with something for every page to show, and one text wherever others may put theirs."""

from datetime import timedelta
from urllib.parse import quote

from msgspec.structs import replace

from tests.support.acting import record_acts, record_errands, record_suppressions
from tests.support.looks import make_access
from tests.support.mail import make_attempt, make_refusal, make_settlement, make_submission, mint
from tests.support.panel import Desk
from tests.support.unusual import (
    record_bare,
    record_crowd,
    record_refused_at_length,
    record_returned,
)
from tracker.explain import Category
from tracker.explain.correction import Correction
from tracker.model import (
    Account,
    Attempt,
    Audience,
    DestinationChange,
    Gate,
    MessageId,
    Outcome,
    Recipient,
    Reply,
    Reroute,
    Role,
    SavedSearch,
    Scope,
    Status,
    Step,
    TlsFacts,
)
from tracker.returns import Returned, write_return

ANNA = "anna@northwind.example"
LETTERS = {
    "lunch": "Re: Lunch on Thursday?",
    "spring": "Northwind im Frühling: fünf neue Röstungen",
    "signed": "Contract, signed copy attached",
    "offer": "Offer for the harbour office, second draft",
}


async def furnish(desk: Desk, text: str = "harmless") -> dict[str, str]:
    """Put `text` on record in every field; return what `tests.support.pages` needs to know."""
    message = await record_text(desk, text)
    held = await record_text(desk, text, is_held=True)
    elsewhere = await record_text(desk, text)
    await _reroute(desk, elsewhere, text)
    refused = await record_text(desk, text, outcome=Outcome.FAILED)
    timeline = await desk.ledger.timeline(refused, Scope())
    assert timeline is not None
    await record_suppressions(desk, text)
    await _record_people(desk, text)
    await _record_rules(desk, text)
    await desk.ledger.open_lease(text, 0, desk.clock.now(), timedelta(minutes=1))
    return {
        "text": quote(text[:40], safe=""),
        "destination": quote(text[:200].lower(), safe=""),
        "address": quote(_address(text), safe=""),
        "message": message,
        "held": held,
        "elsewhere": elsewhere,
        "refused": refused,
        "recipient": timeline.recipients[0].id,
        **await record_acts(desk, text),
        **await record_errands(desk, timeline.attempts[0], text),
    }


async def furnish_whole(desk: Desk, text: str = "harmless") -> dict[str, str]:
    """Do that on an ordinary day, with the messages that no such day has."""
    letters = {name: desk.ids[subject] for name, subject in LETTERS.items()}
    unusual = {
        "returned": desk.ids[await record_returned(desk)],
        "crowd": desk.ids[await record_crowd(desk)],
        "lengthy": desk.ids[await record_refused_at_length(desk)],
        "bare": desk.ids[await record_bare(desk)],
    }
    return {**await furnish(desk, text), **letters, **unusual}


async def _reroute(desk: Desk, message: MessageId, text: str) -> None:
    """Send a message another way that is called `text`, and has been called so before."""
    timeline = await desk.ledger.timeline(message, Scope())
    assert timeline is not None
    (one,) = timeline.recipients
    way = Reroute(
        recipient_id=one.id,
        destination=text[:200],
        next_hop=text[:200],
        old_destination=one.destination,
        old_next_hop="",
        words=text,
    )
    assert await desk.ledger.reroute(
        [way], scope=Scope(), actor=text, reason=text, now=desk.clock.now()
    )


async def record_text(
    desk: Desk, text: str, *, outcome: Outcome = Outcome.DEFERRED, is_held: bool = False
) -> MessageId:
    """Put `text` into every field of a message that comes over a network."""
    at = desk.clock.now() - timedelta(minutes=1)
    lease = await desk.ledger.open_lease("mail-1", 0, at, timedelta(days=1))
    submission = make_submission(
        f"{text[:60]}@example.org",
        reverse_path=f"{text[:60]}@example.com",
        account=ANNA,
        now=at,
        subject=text,
        message_id=text,
        header_from=text,
        destinations=[text[:200]],
    )
    client = replace(submission.client, helo=text, tls=text, authenticated_as=text)
    (path,) = submission.envelope.recipients
    asked = (replace(path, orcpt=f"rfc822;{text}"),)
    envelope = replace(submission.envelope, envid=text, recipients=asked)
    header = replace(submission.header, date=text)
    submission = replace(submission, client=client, envelope=envelope, header=header)
    (job,) = (await desk.ledger.accept(submission, at, lease.token)).jobs
    (recipient,) = job.recipients
    settlement = make_settlement(job, outcome, now=at)
    (change,) = settlement.changes
    await desk.ledger.settle(
        replace(
            settlement,
            attempts=(_attempt(recipient, outcome, text, desk),),
            changes=(replace(change, gate=Gate.DESTINATION, gate_detail=text),),
            destination=_learnt(job.destination, text, desk),
        )
    )
    told = Returned(
        reporting_mta=text,
        final_recipient=text,
        status=text,
        diagnostic=f"smtp; 550 {text}\n{text}",
    )
    assert await desk.ledger.record_return(job.message.id, recipient.id, write_return(told), at)
    if is_held:
        await desk.ledger.change_status(
            [recipient.id],
            Status.HELD,
            scope=Scope(),
            actor=text,
            reason=text,
            now=desk.clock.now(),
        )
    return job.message.id


def _learnt(destination: str, text: str, desk: Desk) -> DestinationChange:
    """Return that a destination cannot be reached, for a reason in these words."""
    return DestinationChange(
        destination=destination,
        at=desk.clock.now(),
        reachable=False,
        failures=3,
        next_probe_at=desk.clock.now() + timedelta(minutes=5),
        detail=text,
        place=text[:200],
    )


def _attempt(recipient: Recipient, outcome: Outcome, text: str, desk: Desk) -> Attempt:
    """Return an attempt in which the other server, its names and its certificate say `text`."""
    at = desk.clock.now() - timedelta(minutes=1)
    said = Reply(code=550 if outcome is Outcome.FAILED else 451, lines=(text, text))
    attempt = make_attempt(recipient, outcome, now=at, reply=said, host=text, remote_queue_id=text)
    (tried,) = attempt.tries
    greeting = Step(command="", reply=Reply(code=220, lines=(text,)), milliseconds=12.0)
    command = Step(command=f"RCPT TO:<{text[:60]}@example.org>", reply=said, milliseconds=3.0)
    hello = Step(command="EHLO mail", reply=Reply(code=250, lines=(text, text)), milliseconds=5)
    tls = TlsFacts(version=text, cipher=text, peer_names=(text, text), issuer=text, not_after=text)
    tried = replace(
        tried,
        detail=text,
        ehlo_name=text,
        tls=tls,
        tls_policy=text,
        tls_problem=text,
        extensions=(text,),
        steps=(greeting, hello, command),
    )
    return replace(attempt, detail=text, tries=(tried,))


def _address(text: str) -> str:
    return f"{text[:60]}@elsewhere.example"


async def _record_people(desk: Desk, text: str) -> None:
    """Record an account, what it saved, what was refused to it, and who looked at its mail."""
    now = desk.clock.now()
    account = Account(address=_address(text), role=Role.USER, password_hash="", created_at=now)
    assert await desk.ledger.add_account(account)
    for owner, audience in (("admin@northwind.example", Audience.OWNER), (text, Audience.ALL)):
        search = SavedSearch(
            id=mint(now), owner=owner, audience=audience, name=text, text=text, created_at=now
        )
        assert await desk.ledger.save_search(search)
        await desk.ledger.note_search(owner, text, now)
    refusal = make_refusal(
        account=account.address, now=now, forward_path=text, reply=f"550 5.7.1 {text}"
    )
    await desk.ledger.record_refusals([replace(refusal, reverse_path=text)])
    look = make_access(account.address, at=now, actor=text, page=f"/?q={text}")
    mine = make_access("admin@northwind.example", at=now, actor=text, page=text)
    await desk.ledger.record_accesses([look, mine])


async def _record_rules(desk: Desk, text: str) -> None:
    """Record rules, one of them switched off, and mail that is half judged anew."""
    now = desk.clock.now()
    rule = Correction(
        id=mint(now),
        category=Category.POLICY_REFUSED,
        words=text,
        host=text,
        code="5xx",
        note=text,
        created_at=now,
        created_by=text,
    )
    off = replace(rule, id=mint(now), words="", expression=text)
    for one in (rule, off):
        assert await desk.ledger.add_correction(one)
    await desk.ledger.switch_correction(off.id, on=False, actor=text, now=now)
    await desk.ledger.begin_reclassifying(text, now)
    await desk.ledger.reclassify(2, now)
