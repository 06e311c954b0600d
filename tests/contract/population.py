"""A ledger full of different mail, for tests that look."""

from datetime import datetime, timedelta
from itertools import cycle

from msgspec.structs import replace

from tests.contract.ledger import EVERYTHING, Ledger, hold
from tests.contract.reference import Record
from tests.support.clock import START
from tests.support.mail import make_attempt, make_settlement, make_submission
from tracker.acting import reroute_of
from tracker.explain import explain
from tracker.model import (
    Attempt,
    Gate,
    Job,
    MessageId,
    Outcome,
    Phase,
    Postponement,
    Reply,
    Status,
    TlsFacts,
    Verification,
)
from tracker.routing import Routes

SUBJECTS = ["hello", "100% off_today", "Übergröße", 'it\'s \\ "quoted"', "", "HELLO again"]
REVERSE_PATHS = [
    "alice@example.com",
    "",
    "Bob.Smith@Sub.Example.com",
    "carol@example.net",
    "jürgen@Bücher.example",
]
HEADER_FROMS = [
    "Alice <alice@example.com>",
    "bob@sub.example.com",
    "Éva Ős <eva@example.org>, Other <o@x.example>",
]
ACCOUNTS = ["alice@example.com", "carol@example.net", None, "dave@example.com"]
FORWARD_PATHS = [
    "bob@example.org",
    "Ann@EXAMPLE.net",
    "x_y@sub.example.org",
    "z%1@other.example",
    "info@bücher.example",
    "Info@post.XN--BCHER-KVA.example",
    "δοκιμή@παράδειγμα.example",
]
HOSTS = ["mx1.example.org", "MX2.Example.NET", "in.mail.example", "mx.xn--bcher-kva.example"]
ADDRESSES = ["198.51.100.25", "2001:db8::25", "198.51.100.125"]
QUEUE_IDS = ["4bXyZ12Q", None, "1tQabc-0001Ab-2C", "4BXYZ"]
REPLIES = [
    Reply(code=450, lines=("4.2.1 Mailbox busy, try later",)),
    Reply(code=451, lines=("Greylisted",)),
    Reply(code=421, lines=("4.7.0 Too many", "4.7.0 connections_%")),
]
SIZES = [62, 1_000, 1_001, 10_240, 20_000]
TLS = [
    None,
    TlsFacts(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384"),
    TlsFacts(version="TLSv1.3", cipher="x", verified_by=Verification.DANE),
    TlsFacts(version="TLSv1.2", cipher="x", verified_by=Verification.PKIX, issuer='"}\0{"'),
]
PHASES = [Phase.FINAL_DOT, Phase.RCPT, Phase.STARTTLS, Phase.MAIL, Phase.CONNECT]
FINAL_REPLIES = {
    Outcome.DELIVERED: Reply(code=250, lines=("2.0.0 Ok: queued",)),
    Outcome.FAILED: Reply(code=550, lines=("5.7.1 Spam: blocked",)),
}
FATES = [
    Status.DELIVERED,
    Status.QUEUED,
    Status.DEFERRED,
    Status.BOUNCED,
    Status.HELD,
    Status.EXPIRED,
    Status.CANCELLED,
    Status.DELIVERED,
]
NEXT_HOP = "mail.example.net:587"
RETURN = "550 5.1.1 It came back"
MESSAGES = 24
SPACING = timedelta(hours=5)


async def populate(ledger: Ledger) -> list[Record]:
    """Fill `ledger` and return what is in it, oldest first."""
    fates = cycle(FATES)
    ids = [await _add(ledger, n, START + n * SPACING, fates) for n in range(MESSAGES)]
    return [record for message_id in ids for record in await _records(ledger, message_id)]


async def _add(ledger: Ledger, n: int, now: datetime, fates: "cycle[Status]") -> MessageId:
    submission = make_submission(
        *(FORWARD_PATHS[(n + k) % len(FORWARD_PATHS)] for k in range(1 + n % 3)),
        reverse_path=REVERSE_PATHS[n % len(REVERSE_PATHS)],
        account=ACCOUNTS[n % len(ACCOUNTS)],
        subject=SUBJECTS[n % len(SUBJECTS)],
        header_from=HEADER_FROMS[n % len(HEADER_FROMS)],
        message_id=f"{n:03}.Serial@client{n % 2}.example.com",
        client_address=f"192.0.2.{n}",
        content=b"x" * SIZES[n % len(SIZES)],
        now=now,
    )
    accepted = await ledger.accept(submission, now, await hold(ledger, now))
    for k, job in enumerate(accepted.jobs):
        await _meet_fate(ledger, job, n + k, now, next(fates))
    if n % 5 == 0:
        (first, *_) = (job.recipients[0].id for job in accepted.jobs)
        assert await ledger.record_return(submission.id, first, RETURN, now)
    return submission.id


async def _meet_fate(ledger: Ledger, job: Job, n: int, now: datetime, fate: Status) -> None:
    """Let a job be deferred for some rounds, then come to its end."""
    for _ in range(n % 3):
        await _settle(ledger, job, Outcome.DEFERRED, REPLIES[n % len(REPLIES)], n, now)
        now += timedelta(minutes=1)
        job = await _claim_again(ledger, job, now)
    if fate in (Status.DELIVERED, Status.BOUNCED, Status.EXPIRED):
        outcome = Outcome.DELIVERED if fate is Status.DELIVERED else Outcome.FAILED
        await _settle(ledger, job, outcome, FINAL_REPLIES[outcome], n, now, fate)
    elif fate is Status.DEFERRED:
        outcome = Outcome.UNCERTAIN if n % 2 else Outcome.DEFERRED
        await _settle(ledger, job, outcome, None, n, now)
    else:
        await _give_back(ledger, job, now)
        ids = [recipient.id for recipient in job.recipients]
        if fate is not Status.QUEUED:
            await ledger.change_status(ids, fate, scope=EVERYTHING, actor="", reason="", now=now)
        if n % 2 and fate is not Status.CANCELLED:
            ways = [reroute_of(each, NEXT_HOP, Routes(())) for each in job.recipients]
            sent = [way for way in ways if way is not None]
            assert await ledger.reroute(sent, scope=EVERYTHING, actor="", reason="", now=now)


async def _claim_again(ledger: Ledger, job: Job, now: datetime) -> Job:
    lease = await hold(ledger, now)
    jobs = {each.recipients[0].id: each for each in await ledger.claim(lease, now, 1000)}
    again = jobs.pop(job.recipients[0].id)
    for other in jobs.values():
        await _give_back(ledger, other, now)
    return again


async def _give_back(ledger: Ledger, job: Job, now: datetime) -> None:
    ids = [recipient.id for recipient in job.recipients]
    await ledger.postpone(job.lease, ids, Postponement(gate=Gate.NONE, until=now, detail=""))


async def _settle(
    ledger: Ledger,
    job: Job,
    outcome: Outcome,
    reply: Reply | None,
    n: int,
    now: datetime,
    fate: Status | None = None,
) -> None:
    settlement = make_settlement(job, outcome, now=now, wait=timedelta(minutes=1), status=fate)
    attempts = tuple(
        _with_tries(
            make_attempt(
                recipient,
                outcome,
                now=now,
                reply=reply,
                host=HOSTS[n % len(HOSTS)],
                address=ADDRESSES[n % len(ADDRESSES)],
                remote_queue_id=QUEUE_IDS[n % len(QUEUE_IDS)],
            ),
            n,
        )
        for recipient in job.recipients
    )
    await ledger.settle(replace(settlement, attempts=attempts))


def _with_tries(attempt: Attempt, n: int) -> Attempt:
    """Let the connection be of another kind, and others come before it and after."""
    (decided,) = attempt.tries
    phase = Phase.FINAL_DOT if attempt.outcome is Outcome.UNCERTAIN else PHASES[n % len(PHASES)]
    decided = replace(decided, phase=phase, tls=TLS[n % len(TLS)])
    elsewhere = replace(decided.target, address="203.0.113.77")
    before = replace(decided, target=elsewhere, phase=Phase.CONNECT, tls=None, detail="\0")
    after = replace(decided, target=elsewhere, tls=TLS[(n + 1) % len(TLS)])
    tries = [(decided,), (before, decided), (decided, after)][n % 3]
    if n % 7 == 6:
        attempt = replace(attempt, phase=Phase.DNS, target=None, tries=())
    else:
        attempt = replace(attempt, phase=phase, tries=tries)
    return replace(attempt, category=explain(attempt).category)


async def _records(ledger: Ledger, message_id: MessageId) -> list[Record]:
    timeline = await ledger.timeline(message_id, EVERYTHING)
    assert timeline is not None
    return [
        Record(
            recipient=recipient,
            message=timeline.message,
            attempts=tuple(
                attempt for attempt in timeline.attempts if attempt.recipient_id == recipient.id
            ),
        )
        for recipient in timeline.recipients
    ]
