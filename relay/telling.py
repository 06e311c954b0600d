"""What log and metrics say of a job: enough to answer from the log alone what became of a message.

Each line names the message, so that one `grep` finds all of them.
"""

import os
from collections.abc import Sequence
from functools import cache
from typing import Final

import structlog

from relay import metrics
from relay.log import arrival_lines, delivery_line
from tracker.model import (
    Attempt,
    EventKind,
    Gate,
    Job,
    Outcome,
    Postponement,
    Recipient,
    RecipientChange,
    Settlement,
    Submission,
)

_count = cache(metrics.ATTEMPTS.labels)
"""The counter of an outcome and its origin, of which there are few."""

_REPORTS: Final = {
    EventKind.DSN_SENT: "report queued",
    EventKind.DSN_WITHHELD: "report withheld",
}
_USUAL: Final = (Gate.CONCURRENCY, Gate.RATE)
"""Gates that a relay under load shuts and opens all the time: nobody has to do anything."""


class Teller:
    """Tells of jobs what the ledger has on record by then."""

    def __init__(self, *, delivery_lines: bool) -> None:
        """`delivery_lines`: also one line in Postfix's form for each attempt."""
        self._delivery_lines = delivery_lines
        self._log = structlog.get_logger()

    def settled(self, job: Job, settlement: Settlement) -> None:
        """Tell of every attempt, what follows from it, and of the reports that it made."""
        recipients = {recipient.id: recipient for recipient in job.recipients}
        changes = {change.recipient_id: change for change in settlement.changes}
        for attempt in settlement.attempts:
            if attempt.is_try:
                _count(attempt.outcome, attempt.origin).inc()
            if attempt.outcome is Outcome.DELIVERED:
                waited = attempt.ended_at - job.message.accepted_at
                metrics.DELIVERY_SECONDS.observe(waited.total_seconds())
            recipient = recipients[attempt.recipient_id]
            self._tell(job, recipient, attempt, changes.get(recipient.id))
            if self._delivery_lines:
                self._log.info(delivery_line(job.message, recipient, attempt, os.getpid()))
        if settlement.reports:
            metrics.DSNS.inc(len(settlement.reports))
        if self._delivery_lines:
            self._tell_arrivals(settlement.reports)
        for event in settlement.events:
            name = _REPORTS.get(event.kind)
            if name is not None:
                self._log.info(
                    name,
                    message=job.message.id,
                    report=event.related_message_id or "none",
                    to=job.message.reverse_path,
                    detail=event.detail,
                )

    def _tell_arrivals(self, reports: Sequence[Submission]) -> None:
        for report in reports:
            for line in arrival_lines(
                report.id,
                report.envelope,
                report.header,
                report.client,
                report.content.size,
                os.getpid(),
            ):
                self._log.info(line)

    def _tell(
        self, job: Job, recipient: Recipient, attempt: Attempt, change: RecipientChange | None
    ) -> None:
        target = attempt.target
        follows: dict[str, str] = {}
        if change is not None:
            follows["status"] = change.status
            if change.next_attempt_at is not None:
                follows["next"] = f"{change.next_attempt_at:%Y-%m-%dT%H:%M:%SZ}"
        self._log.info(
            "attempt",
            message=job.message.id,
            to=recipient.forward_path,
            outcome=attempt.outcome,
            origin=attempt.origin,
            number=attempt.number,
            phase=attempt.phase,
            host=target.host if target else "none",
            address=target.address if target else "none",
            **follows,
            said=attempt.words,
        )

    def postponed(self, job: Job, why: Postponement) -> None:
        """Tell that nothing was dialled for a job, and what it waits for."""
        metrics.POSTPONEMENTS.labels(why.gate).inc()
        say = self._log.debug if why.gate in _USUAL else self._log.info
        say(
            "postponed",
            message=job.message.id,
            destination=job.destination,
            recipients=len(job.recipients),
            gate=why.gate,
            until=f"{why.until:%Y-%m-%dT%H:%M:%SZ}",
            why=why.detail,
        )
