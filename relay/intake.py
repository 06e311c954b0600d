"""From a finished transaction of the submission server to the ledger, and on to the worker."""

from datetime import datetime

from msgspec.structs import replace

from config.settings import Settings
from relay import metrics
from relay.clock import Clock
from relay.worker import Worker
from tracker.kept import KeepSubject
from tracker.model import (
    Client,
    Content,
    Envelope,
    HeaderFacts,
    MessageId,
    Submission,
)
from tracker.routing import Routes
from tracker.store import LeaseLost, Store, StoreUnavailable


class LedgerIntake:
    """Puts messages into the ledger, and what this worker can deliver itself into its hands."""

    def __init__(
        self,
        *,
        ledger: Store,
        worker: Worker,
        settings: Settings,
        routes: Routes,
        clock: Clock,
        keep_subject: KeepSubject | None = None,
    ) -> None:
        self._ledger = ledger
        self._worker = worker
        self._routes = routes
        self._lifetime = settings.retry.lifetime
        self._notice = settings.retry.delay_dsn
        self._clock = clock
        self._keep_subject = keep_subject

    async def take(
        self,
        submission_id: MessageId,
        envelope: Envelope,
        content: Content,
        client: Client,
        account: str | None,
        header: HeaderFacts,
        content_sha256: str,
    ) -> MessageId:
        """Make the message durable; when this returns, 250 may be said.

        Raises StoreUnavailable; then nothing was kept. Raises OutcomeUnknown when the answer of
        the ledger got lost: the client is refused as well, and the ledger withdraws the message
        should it have been kept.
        """
        now = self._clock.now()
        if self._keep_subject is not None:
            header = replace(header, subject=self._keep_subject(account, header.subject))
        submission = Submission(
            id=submission_id,
            envelope=envelope,
            destinations=tuple(
                [self._routes.destination_of(each.domain) for each in envelope.recipients]
            ),
            expires_at=now + self._lifetime,
            notice_at=now + self._notice if self._notice and envelope.reverse_path else None,
            client=client,
            account=account,
            header=header,
            content=content,
            content_sha256=content_sha256,
        )
        try:
            await self._accept(submission, now)
        except StoreUnavailable:
            metrics.STORE_FAILURES.inc()
            raise
        metrics.ACCEPTED_RECIPIENTS.inc(len(envelope.recipients))
        return submission_id

    async def _accept(self, submission: Submission, now: datetime) -> None:
        lease = self._worker.lease_for(submission.content.size)
        try:
            accepted = await self._ledger.accept(submission, now, lease)
        except LeaseLost:
            accepted = await self._ledger.accept(submission, now, None)
        if accepted.jobs:
            self._worker.take(accepted.jobs)
        else:
            self._worker.wake()
