"""An ordinary day on record: mail in every status, put there through the ledger's own verbs."""

from datetime import datetime, timedelta

from tests.support.letters import (
    DANE,
    DAY,
    GREYLISTED,
    LETTERS,
    MINUTE,
    POSTFIX,
    SECOND,
    Letter,
    Try,
    accepted,
    reply,
)
from tests.support.mail import MARKER, make_submission, mint
from tracker.insight import place_of
from tracker.model import (
    Attempt,
    AttemptId,
    DestinationChange,
    Event,
    EventId,
    EventKind,
    Gate,
    Job,
    Lease,
    MessageId,
    MessageKind,
    Outcome,
    Phase,
    Recipient,
    RecipientChange,
    Scope,
    Settlement,
    Status,
    Step,
    Submission,
    TargetTry,
)
from tracker.store import Store

CONTENT = f"Subject: a letter\r\nX-Mark: {MARKER}\r\n\r\n{MARKER}\r\n".encode()


def _steps(tried: Try, recipient: Recipient, sender: str) -> tuple[Step, ...]:
    if tried.phase is Phase.CONNECT or tried.target is None:
        return ()
    host = tried.target.host
    said = [
        ("", f"220 {host} ESMTP ready", 31.0),
        (
            "EHLO mail.northwind.example",
            f"250-{host}\n250-PIPELINING\n250-SIZE 52428800\n250 8BITMIME",
            12.4,
        ),
        ("STARTTLS", "220 2.0.0 Ready to start TLS", 11.9),
        (f"MAIL FROM:<{sender}> SIZE=4711", "250 2.1.0 Ok", 18.2),
    ]
    last = tried.said
    if tried.phase is Phase.RCPT:
        said.append((f"RCPT TO:<{recipient.forward_path}>", last, 140.7))
    else:
        said.append((f"RCPT TO:<{recipient.forward_path}>", "250 2.1.5 Ok", 22.5))
        said.append(("DATA", "354 End data with <CR><LF>.<CR><LF>", 13.1))
        said.append((".", last, 412.8))
    return tuple(
        Step(command=command, reply=reply(text) if text else None, milliseconds=spent)
        for command, text, spent in said
    )


def make_attempt(recipient: Recipient, tried: Try, at: datetime, sender: str) -> Attempt:
    """Return the attempt with every piece of evidence."""
    said = reply(tried.said) if tried.said else None
    tries = [
        TargetTry(
            target=one,
            skipped=skipped,
            phase=Phase.CONNECT,
            detail=why,
            started_at=at,
            milliseconds=0.0 if skipped else 30_000.0 if "30 s" in why else 41.0,
        )
        for one, why, skipped in tried.others
    ]
    if tried.target is not None:
        tries.append(
            TargetTry(
                target=tried.target,
                phase=tried.phase,
                reply=said,
                detail=tried.detail,
                started_at=at,
                milliseconds=662.6,
                source_address="192.0.2.25",
                ehlo_name="mail.northwind.example",
                tls_policy="opportunistic",
                tls=tried.tls,
                tls_problem=None if tried.tls else "the server does not offer STARTTLS",
                extensions=("PIPELINING", "SIZE", "8BITMIME", "STARTTLS", "ENHANCEDSTATUSCODES"),
                steps=_steps(tried, recipient, sender),
            )
        )
    return Attempt(
        id=AttemptId(mint(at)),
        message_id=recipient.message_id,
        recipient_id=recipient.id,
        number=recipient.attempts + 1,
        trigger=recipient.trigger,
        started_at=at,
        ended_at=at + timedelta(milliseconds=sum(one.milliseconds for one in tries)),
        outcome=tried.outcome,
        origin=tried.origin,
        phase=tried.phase,
        reply=said,
        detail=tried.detail,
        destination=recipient.destination,
        target=tried.target,
        tries=tuple(tries),
        remote_queue_id=tried.queue_id,
        node="mail-1",
        config_revision="7f3a91c",
    )


WAITS = (5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE)


class Recorder:
    """Puts letters on record as the relay would."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now
        self._lease: Lease | None = None
        self.ids: dict[str, MessageId] = {}

    async def record(self) -> dict[str, MessageId]:
        """Record every letter; return the ids of the messages by subject."""
        self._lease = await self._store.open_lease("mail-1", 0, self._now, 400 * DAY)
        for letter in LETTERS:
            await self._tell(letter)
        await self._hold()
        await self._cancel()
        await self._leave_open()
        return self.ids

    def _submission(self, letter: Letter) -> Submission:
        return make_submission(
            *letter.to,
            reverse_path=letter.sender,
            account=letter.sender,
            now=self._now - letter.age,
            subject=letter.subject,
            message_id=f"{len(self.ids):04}.20260302@northwind.example",
            header_from=f"Northwind <{letter.sender}>",
            client_address="192.0.2.77",
            content=CONTENT,
        )

    async def _accept(self, letter: Letter) -> tuple[Job, ...]:
        assert self._lease is not None
        submission = self._submission(letter)
        self.ids[letter.subject] = submission.id
        accepted = await self._store.accept(submission, self._now - letter.age, self._lease.token)
        return accepted.jobs

    async def _tell(self, letter: Letter) -> None:
        for job in await self._accept(letter):
            apart = next(
                (
                    letter.apart[r.forward_path]
                    for r in job.recipients
                    if r.forward_path in letter.apart
                ),
                None,
            )
            tries, ending = apart or (letter.tries, letter.ending)
            await self._carry(job, letter, tries, ending)

    async def _carry(
        self, job: Job, letter: Letter, tries: tuple[Try, ...], ending: Status
    ) -> None:
        assert self._lease is not None
        at = self._now - letter.age + 2 * SECOND
        for number, tried in enumerate(tries):
            last = number == len(tries) - 1
            status = ending if last else Status.DEFERRED
            wait = WAITS[min(number, len(WAITS) - 1)]
            if ending is Status.EXPIRED and number == len(tries) - 2:
                wait = job.recipients[0].expires_at - at
            upcoming = self._now + 11 * MINUTE + 20 * SECOND if last else at + wait
            await self._store.settle(self._settlement(job, letter, tried, status, at, upcoming))
            if last and letter.reported:
                await self._deliver_report(at + MINUTE)
            if not last:
                at = upcoming
                claimed = await self._store.claim(self._lease.token, at, 1000)
                job = next(
                    one
                    for one in claimed
                    if one.message.id == job.message.id and one.destination == job.destination
                )

    def _settlement(
        self, job: Job, letter: Letter, tried: Try, status: Status, at: datetime, upcoming: datetime
    ) -> Settlement:
        attempts = tuple(make_attempt(one, tried, at, letter.sender) for one in job.recipients)
        is_open = status is Status.DEFERRED
        gate = Gate.DESTINATION if tried.phase is Phase.CONNECT else Gate.BACK_OFF
        report = self._report(job, letter, at) if letter.reported and not is_open else None
        return Settlement(
            lease=job.lease,
            message_id=job.message.id,
            attempts=attempts,
            changes=tuple(
                RecipientChange(
                    recipient_id=attempt.recipient_id,
                    status=status,
                    at=attempt.ended_at,
                    attempts=attempt.number,
                    next_attempt_at=upcoming if is_open else None,
                    gate=gate if is_open else Gate.NONE,
                    gate_detail=(tried.detail or tried.said.split("\n")[0]) if is_open else "",
                )
                for attempt in attempts
            ),
            reports=(report,) if report else (),
            destination=DestinationChange(
                destination=job.destination,
                at=at,
                reachable=tried.phase is not Phase.CONNECT,
                failures=3 if tried.phase is Phase.CONNECT else 0,
                next_probe_at=upcoming if tried.phase is Phase.CONNECT else None,
                detail=tried.detail if tried.phase is Phase.CONNECT else "",
                accepted=tried.outcome is Outcome.DELIVERED,
                place=place_of(attempts[0]) if tried.target else "",
            ),
            events=(
                Event(
                    id=EventId(mint(at)),
                    message_id=job.message.id,
                    at=at + SECOND,
                    kind=EventKind.DSN_SENT,
                    detail=f"to {letter.sender}",
                    related_message_id=report.id,
                ),
            )
            if report
            else (),
        )

    def _report(self, job: Job, letter: Letter, at: datetime) -> Submission:
        report = make_submission(
            letter.sender,
            reverse_path="",
            account=letter.sender,
            now=at + SECOND,
            lifetime=DAY,
            subject=f"Undeliverable: {letter.subject}",
            message_id=f"report.{len(self.ids)}@mail.northwind.example",
            header_from="Mail Delivery System <postmaster@mail.northwind.example>",
            client_address="",
            kind=MessageKind.DSN,
            reports_on=job.message.id,
            content=CONTENT,
        )
        self.ids[f"report on {letter.subject}"] = report.id
        return report

    async def _deliver_report(self, at: datetime) -> None:
        """Hand over the report that became due as it was recorded."""
        assert self._lease is not None
        for job in await self._store.claim(self._lease.token, at, 1000):
            letter = Letter("", (), DAY, (), Status.DELIVERED, sender="")
            tried = accepted(POSTFIX, "5D22A01B7C", DANE)
            await self._store.settle(self._settlement(job, letter, tried, Status.DELIVERED, at, at))

    async def _hold(self) -> None:
        letter = Letter(
            "Price list (please check before it goes out)",
            ("gus@fullhouse.example",),
            55 * MINUTE,
            (GREYLISTED,),
            Status.DEFERRED,
            sender="news@northwind.example",
        )
        await self._tell(letter)
        await self._change(letter, Status.HELD, "The prices are not final yet")

    async def _cancel(self) -> None:
        letter = Letter(
            "Sent by mistake, sorry",
            ("hanna@greycastle.example",),
            28 * MINUTE,
            (GREYLISTED,),
            Status.DEFERRED,
        )
        await self._tell(letter)
        await self._change(letter, Status.CANCELLED, "Anna asked for it on the phone")

    async def _change(self, letter: Letter, to: Status, reason: str) -> None:
        timeline = await self._store.timeline(self.ids[letter.subject], Scope())
        assert timeline is not None
        changed = await self._store.change_status(
            [one.id for one in timeline.recipients],
            to,
            scope=Scope(),
            actor="admin@northwind.example",
            reason=reason,
            now=self._now - 20 * MINUTE,
        )
        assert changed == len(timeline.recipients)

    async def _leave_open(self) -> None:
        """Leave one message with a worker and one that nobody has taken up yet."""
        await self._accept(
            Letter("Directions to the warehouse", ("driver@bluebird.example",), 3 * SECOND, ())
        )
        letter = Letter("Invitation to our tasting", ("press@gmail.example",), 2 * SECOND, ())
        submission = self._submission(letter)
        self.ids[letter.subject] = submission.id
        await self._store.accept(submission, self._now - letter.age, None)


async def record_a_day(store: Store, now: datetime) -> dict[str, MessageId]:
    """Put an ordinary day on record; return the ids of its messages by subject."""
    return await Recorder(store, now).record()
