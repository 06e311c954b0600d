"""Jobs to decide on, without a ledger."""

from datetime import datetime, timedelta

from tests.support.clock import START
from tests.support.mail import CONTENT, domain_of, mint
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
)


def make_message(
    *,
    reverse_path: str = "alice@example.com",
    kind: MessageKind = MessageKind.MAIL,
    accepted_at: datetime = START,
    subject: str = "Quarterly figures",
    message_id: str = "one@client.example.com",
    ret: Ret | None = None,
    envid: str | None = None,
    smtputf8: bool = False,
    size: int = len(CONTENT),
) -> Message:
    return Message(
        id=MessageId(mint(accepted_at)),
        kind=kind,
        accepted_at=accepted_at,
        account="alice@example.com",
        reverse_path=reverse_path,
        client=Client(address="192.0.2.7"),
        size=size,
        header=HeaderFacts(subject=subject, message_id=message_id),
        ret=ret,
        envid=envid,
        body=Body.EIGHT_BIT_MIME,
        smtputf8=smtputf8,
    )


def make_recipient(
    message: Message,
    forward_path: str = "bob@example.org",
    *,
    notify: frozenset[Notify] | None = None,
    orcpt: str | None = None,
    attempts: int = 0,
    lifetime: timedelta = timedelta(days=7),
    delay_dsn_at: datetime | None = None,
) -> Recipient:
    return Recipient(
        id=RecipientId(mint(message.accepted_at)),
        message_id=message.id,
        forward_path=forward_path,
        domain=domain_of(forward_path),
        destination=domain_of(forward_path),
        notify=notify,
        orcpt=orcpt,
        status_since=message.accepted_at,
        attempts=attempts,
        expires_at=message.accepted_at + lifetime,
        delay_dsn_at=delay_dsn_at,
    )


def make_job(message: Message, *recipients: Recipient) -> Job:
    return Job(
        lease=LeaseToken(mint()),
        message=message,
        destination="example.org",
        recipients=recipients or (make_recipient(message),),
        trigger=Trigger.ACCEPTED,
    )
