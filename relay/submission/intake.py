"""What the submission server hands its messages to, and what it tells about itself."""

from enum import StrEnum
from typing import Protocol

from tracker.model import Client, Content, Envelope, HeaderFacts, MessageId, Refusal


class Intake(Protocol):
    """Takes the responsibility for messages."""

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
        """Make the message durable; when this returns, the client is told 250.

        `content_sha256` is the digest of the content as the client sent it, in hexadecimal;
        `content` begins with what this relay has added. It may be kept and read for as long as it
        is needed. Raises StoreUnavailable.
        """
        ...


class SubmissionResult(StrEnum):
    """How a message that was sent to its end of data came out."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


class AuthenticationResult(StrEnum):
    """How an AUTH came out."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Not even tried, after too many failures of that client."""


class RefusalRecorder(Protocol):
    """Keeps what was refused to those who may send."""

    def note(self, refusal: Refusal, source: str) -> None:
        """Take it; returns at once and never fails. `source` is who is counted for it."""
        ...


class Observer(Protocol):
    """Counts what happens; every method returns at once."""

    def connection_opened(self) -> None: ...

    def connection_closed(self) -> None: ...

    def connection_refused(self) -> None:
        """A limit on connections was reached."""
        ...

    def submission(self, result: SubmissionResult) -> None: ...

    def authentication(self, result: AuthenticationResult) -> None: ...
