"""Mail to test with: submissions, attempts and settlements with every field filled in."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import idna

from tests.support.clock import START
from tracker.model import (
    Attempt,
    AttemptId,
    Body,
    Client,
    Envelope,
    EnvelopeRecipient,
    HeaderFacts,
    Job,
    MessageId,
    MessageKind,
    Origin,
    Outcome,
    Phase,
    Recipient,
    RecipientChange,
    Refusal,
    RefusalId,
    Reply,
    Ret,
    Settlement,
    Status,
    Submission,
    Target,
    TargetTry,
    TlsFacts,
    Verification,
    new_id,
)

CHUNK = 256 * 1024

CONTENT = b"Subject: hello\r\nMessage-ID: <one@client.example.com>\r\n\r\nhello\r\n"


MARKER = "what-only-the-recipient-reads-7c41"
"""In the content of recorded mail, so that a test sees wherever it comes out."""


class BytesContent:
    """Content in memory."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    @property
    def size(self) -> int:
        return len(self._octets)

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self._octets), CHUNK):
            yield self._octets[start : start + CHUNK]


def mint(now: datetime = START) -> str:
    """Return a new id of the time `now`."""
    return new_id(now, os.urandom(8))


def domain_of(forward_path: str) -> str:
    """Return the domain of an address, lower case, with A-labels."""
    domain = forward_path.rpartition("@")[2].lower()
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")


def make_submission(
    *forward_paths: str | EnvelopeRecipient,
    reverse_path: str = "alice@example.com",
    account: str | None = "alice@example.com",
    now: datetime = START,
    lifetime: timedelta = timedelta(days=7),
    destinations: Sequence[str] | None = None,
    content: bytes = CONTENT,
    subject: str = "hello",
    message_id: str = "one@client.example.com",
    header_from: str = "Alice <alice@example.com>",
    client_address: str = "192.0.2.7",
    kind: MessageKind = MessageKind.MAIL,
    reports_on: MessageId | None = None,
) -> Submission:
    """Return a submission to `forward_paths` (bob@example.org when there are none).

    Each recipient is routed to its own domain unless `destinations` says otherwise.
    """
    recipients = tuple(
        path
        if isinstance(path, EnvelopeRecipient)
        else EnvelopeRecipient(forward_path=path, domain=domain_of(path))
        for path in forward_paths or ("bob@example.org",)
    )
    return Submission(
        id=MessageId(mint(now)),
        kind=kind,
        envelope=Envelope(
            reverse_path=reverse_path,
            recipients=recipients,
            ret=Ret.HEADERS,
            envid="QQ+2B1",
            body=Body.EIGHT_BIT_MIME,
        ),
        destinations=tuple(destinations or (recipient.domain for recipient in recipients)),
        expires_at=now + lifetime,
        client=Client(
            address=client_address,
            port=49152,
            helo="client.example.com",
            protocol="ESMTPSA",
            tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
            authenticated_as=account,
        ),
        account=account,
        header=HeaderFacts(
            subject=subject,
            message_id=message_id,
            header_from=header_from,
            date="Mon, 2 Mar 2026 10:00:00 +0100",
        ),
        content=BytesContent(content),
        reports_on=reports_on,
    )


REPLIES = {
    Outcome.DELIVERED: Reply(code=250, lines=("2.0.0 Ok: queued as 4bXyZ12Q",)),
    Outcome.DEFERRED: Reply(code=451, lines=("4.7.1 Greylisted,", "4.7.1 come back later")),
    Outcome.FAILED: Reply(code=550, lines=("5.1.1 No such user",)),
    Outcome.UNCERTAIN: None,
}
"""What `make_attempt` lets the server say."""


def make_attempt(
    recipient: Recipient,
    outcome: Outcome = Outcome.DELIVERED,
    *,
    now: datetime = START,
    reply: Reply | None = None,
    host: str = "mx1.example.org",
    address: str = "198.51.100.25",
    remote_queue_id: str | None = None,
) -> Attempt:
    """Return the attempt that follows on those which `recipient` has had."""
    said = reply or REPLIES[outcome]
    target = Target(host=host, address=address, port=25, preference=10)
    return Attempt(
        id=AttemptId(mint(now)),
        message_id=recipient.message_id,
        recipient_id=recipient.id,
        number=recipient.attempts + 1,
        trigger=recipient.trigger,
        started_at=now,
        ended_at=now + timedelta(milliseconds=120),
        outcome=outcome,
        origin=Origin.REMOTE if said else Origin.NETWORK,
        phase=Phase.FINAL_DOT,
        reply=said,
        detail="" if said else "Connection lost after the final dot",
        destination=recipient.destination,
        target=target,
        tries=(
            TargetTry(
                target=target,
                phase=Phase.FINAL_DOT,
                reply=said,
                started_at=now,
                milliseconds=118.5,
                source_address="203.0.113.9",
                ehlo_name="mail.example.com",
                tls=TlsFacts(
                    version="TLSv1.3",
                    cipher="TLS_AES_256_GCM_SHA384",
                    verified_by=Verification.DANE,
                    peer_names=("mx1.example.org",),
                ),
                extensions=("PIPELINING", "8BITMIME"),
            ),
        ),
        remote_queue_id=remote_queue_id,
        node="node-a",
        config_revision="rev-1",
    )


def make_refusal(
    *,
    account: str | None = "alice@example.com",
    now: datetime = START,
    forward_path: str = "bob@example.org",
    reply: str = "452 4.5.3 Too many recipients, send the rest in another transaction",
) -> Refusal:
    """Return a refusal of a recipient."""
    return Refusal(
        id=RefusalId(mint(now)),
        at=now,
        account=account,
        client_address="192.0.2.7",
        reverse_path="alice@example.com",
        forward_path=forward_path,
        recipients=1,
        command="RCPT",
        reply=reply,
    )


STATUS_OF = {
    Outcome.DELIVERED: Status.DELIVERED,
    Outcome.DEFERRED: Status.DEFERRED,
    Outcome.FAILED: Status.BOUNCED,
    Outcome.UNCERTAIN: Status.DEFERRED,
}
"""What `make_settlement` makes of an outcome."""


def make_settlement(
    job: Job,
    outcome: Outcome = Outcome.DELIVERED,
    *,
    now: datetime = START,
    wait: timedelta = timedelta(minutes=5),
    status: Status | None = None,
    reports: tuple[Submission, ...] = (),
) -> Settlement:
    """Return a settlement that gives every recipient of `job` the same outcome."""
    attempts = tuple(make_attempt(recipient, outcome, now=now) for recipient in job.recipients)
    after = status or STATUS_OF[outcome]
    return Settlement(
        lease=job.lease,
        message_id=job.message.id,
        attempts=attempts,
        changes=tuple(
            RecipientChange(
                recipient_id=attempt.recipient_id,
                status=after,
                at=attempt.ended_at,
                attempts=attempt.number,
                next_attempt_at=now + wait if after is Status.DEFERRED else None,
            )
            for attempt in attempts
        ),
        reports=reports,
    )
