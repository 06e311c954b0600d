"""All that follows from one delivery, as one settlement."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from config.settings import RetrySettings
from relay.decide.notices import Notice, Writer, notices_of
from relay.decide.verdict import Verdict, judge
from relay.dsn import Action, returns_whole
from tracker.explain import RuleBook
from tracker.insight import place_of
from tracker.model import (
    Attempt,
    DestinationChange,
    Event,
    EventKind,
    Job,
    MessageId,
    Outcome,
    RecipientId,
    Settlement,
    Submission,
)
from tracker.schedule import probe_at


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery taught us about the destination as a whole."""

    reachable: bool | None = None
    """None: nothing, e.g. because we never came to dial."""
    detail: str = ""


_NOTHING_LEARNT = Reach()


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """What attempts mean, before anything is looked up for the DSNs that may follow."""

    job: Job
    attempts: tuple[Attempt, ...]
    retry: RetrySettings
    now: datetime
    jitter: float
    reach: Reach
    verdicts: Sequence[Verdict]
    notices: Sequence[Notice]

    @property
    def original(self) -> Literal["none", "headers", "full"]:
        """How much of the message's content `decide` wants; for "headers" its first chunk will do.

        "none" means that no DSN is to be written at all.
        """
        told = [notice.action for notice in self.notices if notice.told]
        if any(returns_whole(self.job.message, action) for action in told):
            return "full"
        return "headers" if told else "none"


def weigh(
    job: Job,
    attempts: Sequence[Attempt],
    *,
    retry: RetrySettings,
    now: datetime,
    jitter: float,
    reach: Reach = _NOTHING_LEARNT,
) -> Weighed:
    """Return what `attempts` mean, at most one for each recipient of `job`.

    `jitter` is one number in [0, 1) for the whole job, so that its recipients stay together.
    """
    last = {attempt.recipient_id: attempt for attempt in attempts}
    verdicts = [
        judge(
            recipient,
            last[recipient.id],
            retry=retry,
            is_reachable=reach.reachable is not False,
            now=now,
            jitter=jitter,
        )
        for recipient in job.recipients
        if recipient.id in last
    ]
    return Weighed(
        job=job,
        attempts=tuple(attempts),
        retry=retry,
        now=now,
        jitter=jitter,
        reach=reach,
        verdicts=verdicts,
        notices=notices_of(verdicts, job.message, retry, now),
    )


def decide(
    weighed: Weighed,
    *,
    reporting_mta: str,
    mint: Callable[[], str],
    destination_of: Callable[[str], str],
    failures: int = 0,
    original: bytes | None = None,
    uncertain_before: Collection[RecipientId] = (),
    book: RuleBook | None = None,
) -> Settlement:
    """Return what the ledger has to change.

    `mint` makes ids; `destination_of` tells where a domain is routed to, for DSNs. `failures`
    is how often in a row the destination could not be reached before. `original` is what
    `Weighed.original` asks for; `uncertain_before` are recipients with an earlier attempt whose
    outcome was uncertain; `book` explains to senders what happened, the shipped rules by default.
    """
    job, now = weighed.job, weighed.now
    reports: list[Submission] = []
    events: list[Event] = []
    delayed: set[RecipientId] = set()
    if weighed.notices:
        writer = Writer(
            job=job,
            retry=weighed.retry,
            reporting_mta=reporting_mta,
            now=now,
            mint=mint,
            destination_of=destination_of,
            original=original,
            uncertain_before=uncertain_before,
            book=book,
        )
        reports, events, delayed = _notify(writer, weighed.notices)
    return Settlement(
        lease=job.lease,
        message_id=job.message.id,
        attempts=weighed.attempts,
        changes=tuple(
            [
                verdict.change(
                    now, now if verdict.recipient.id in delayed else verdict.recipient.delay_dsn_at
                )
                for verdict in weighed.verdicts
            ]
        ),
        reports=tuple(reports),
        events=tuple(events),
        destination=_learn(weighed, failures),
    )


def _notify(
    writer: Writer, notices: Sequence[Notice]
) -> tuple[list[Submission], list[Event], set[RecipientId]]:
    """Return the DSNs, the events about them, and whom a delay DSN has reported."""
    reports: list[Submission] = []
    events: list[Event] = []
    delayed: set[RecipientId] = set()
    for action, told, withheld in notices:
        dsn = writer.write(action, told) if told else None
        if dsn is not None:
            reports.append(dsn)
            events += [_sent(writer, verdict, action, dsn.id) for verdict in told]
        else:
            withheld = [*withheld, *[(each, "The reverse-path is no mailbox") for each in told]]
        if action is Action.DELAYED:
            delayed = {verdict.recipient.id for verdict in told}
        if action is Action.FAILED:
            events += [
                writer.event(verdict, EventKind.DSN_WITHHELD, why) for verdict, why in withheld
            ]
    return reports, events, delayed


def _sent(writer: Writer, verdict: Verdict, action: Action, dsn: MessageId) -> Event:
    return writer.event(verdict, EventKind.DSN_SENT, f"Action: {action}", dsn)


def _learn(weighed: Weighed, failures: int) -> DestinationChange | None:
    reach, now, destination = weighed.reach, weighed.now, weighed.job.destination
    if reach.reachable is None:
        return None
    if reach.reachable:
        last = weighed.attempts[-1] if weighed.attempts else None
        return DestinationChange(
            destination=destination,
            at=now,
            reachable=True,
            accepted=any(each.outcome is Outcome.DELIVERED for each in weighed.attempts),
            place=place_of(last) if last and last.target else "",
        )
    return DestinationChange(
        destination=destination,
        at=now,
        reachable=False,
        failures=failures + 1,
        next_probe_at=probe_at(
            weighed.retry, failures=failures + 1, now=now, jitter=weighed.jitter
        ),
        detail=reach.detail,
    )
