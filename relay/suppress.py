"""Which addresses a delivery has shown not to exist. Pure.

Only what a server says for good of the address itself counts: a refusal that is about us, about
the message or about the moment must never close an address.
"""

from collections.abc import Iterable
from datetime import datetime

from tracker.explain import RuleBook, explain, may_suppress
from tracker.mailbox import comparable
from tracker.model import Attempt, Job, Outcome, Suppression, SuppressionOrigin, Trigger


def suppressions_after(
    job: Job, attempts: Iterable[Attempt], now: datetime, book: RuleBook | None = None
) -> list[Suppression]:
    """Return the addresses of `job` to be closed for the mail of its account's domain.

    `book` says what refusals mean; by default, the shipped rules do.
    """
    paths = {recipient.id: recipient.forward_path for recipient in job.recipients}
    found = []
    for attempt in attempts:
        if attempt.outcome is not Outcome.FAILED or attempt.trigger is Trigger.CANCEL:
            continue
        if not may_suppress(explain(attempt, book=book).category):
            continue
        found.append(
            Suppression(
                address=comparable(paths[attempt.recipient_id]),
                domain=(job.message.account or "").rpartition("@")[2],
                origin=SuppressionOrigin.BOUNCE,
                reason=attempt.words[:200],
                since=now,
            )
        )
    return found
