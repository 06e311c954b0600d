"""Jobs and their parts for tests of delivery."""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta

from tests.support.clock import START
from tracker.model import (
    Body,
    Client,
    HeaderFacts,
    Job,
    LeaseToken,
    Message,
    MessageId,
    MessageKind,
    Notify,
    Recipient,
    RecipientId,
    Ret,
    Trigger,
    new_id,
)

TEXT = b"From: a@example.org\r\nSubject: hello\r\n\r\nHello.\r\n"


class Octets:
    """Content in memory, in chunks of a chosen size."""

    def __init__(self, octets: bytes = TEXT, chunk: int = 262_144) -> None:
        self._octets = octets
        self._chunk = chunk

    @property
    def size(self) -> int:
        return len(self._octets)

    def chunks(self) -> Iterator[bytes]:
        for at in range(0, len(self._octets), self._chunk):
            yield self._octets[at : at + self._chunk]


def make_id() -> str:
    return new_id(START, os.urandom(8))


def make_message(
    *,
    reverse_path: str = "sender@example.org",
    size: int = len(TEXT),
    body: Body = Body.SEVEN_BIT,
    smtputf8: bool = False,
    ret: Ret | None = None,
    envid: str | None = None,
) -> Message:
    return Message(
        id=MessageId(make_id()),
        kind=MessageKind.MAIL,
        accepted_at=START,
        account="sender@example.org",
        reverse_path=reverse_path,
        client=Client(address="127.0.0.1"),
        size=size,
        header=HeaderFacts(),
        ret=ret,
        envid=envid,
        body=body,
        smtputf8=smtputf8,
    )


def make_recipient(
    forward_path: str,
    message: Message,
    *,
    domain: str | None = None,
    destination: str | None = None,
    notify: frozenset[Notify] | None = None,
    orcpt: str | None = None,
    attempts: int = 0,
) -> Recipient:
    domain = domain or forward_path.rpartition("@")[2]
    return Recipient(
        id=RecipientId(make_id()),
        message_id=message.id,
        forward_path=forward_path,
        domain=domain,
        destination=destination or domain,
        notify=notify,
        orcpt=orcpt,
        status_since=START,
        attempts=attempts,
        expires_at=START + timedelta(days=7),
    )


def make_job(
    *forward_paths: str,
    message: Message | None = None,
    recipients: Sequence[Recipient] = (),
    destination: str | None = None,
) -> Job:
    """Return a job to `forward_paths`, or to `recipients`, of one message."""
    message = message or make_message()
    recipients = recipients or [make_recipient(path, message) for path in forward_paths]
    return Job(
        lease=LeaseToken("LEASE"),
        message=message,
        destination=destination or recipients[0].destination,
        recipients=tuple(recipients),
        trigger=Trigger.ACCEPTED,
    )
