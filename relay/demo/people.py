"""The people of the demo, and the message that has been waiting for a week when it begins."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from relay.clock import Clock
from relay.demo.mail import ANNA, TO_EXPIRE
from tracker.mailbox import parse_mailbox
from tracker.model import (
    Account,
    Client,
    Envelope,
    EnvelopeRecipient,
    HeaderFacts,
    MessageId,
    Role,
    Submission,
)
from tracker.passwords import Passwords
from tracker.store import Ledger

ADMIN = "admin@northwind.example"
USER = ANNA.addr_spec
WEEK = timedelta(days=7)
LEFT_TO_LIVE = timedelta(seconds=25)
_CHUNK = 256 * 1024


class _Octets:
    """Content that is in memory as a whole."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    @property
    def size(self) -> int:
        return len(self._octets)

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self._octets), _CHUNK):
            yield self._octets[start : start + _CHUNK]


async def add_accounts(ledger: Ledger, passwords: Passwords, password: str, now: datetime) -> None:
    """Let the administrator and a user in with `password`; accounts that exist get it too."""
    password_hash = await passwords.hash(password)
    for address, role in ((ADMIN, Role.ADMIN), (USER, Role.USER)):
        account = Account(address=address, role=role, password_hash=password_hash, created_at=now)
        if not await ledger.add_account(account):
            await ledger.set_password_hash(address, password_hash)


async def add_old_mail(ledger: Ledger, clock: Clock) -> None:
    """Put a message into the ledger that is a week old and has seconds to live."""
    now = clock.now()
    accepted_at = now + LEFT_TO_LIVE - WEEK
    message = TO_EXPIRE.compose(accepted_at, serial=0)
    (forward_path,) = TO_EXPIRE.recipients
    domain = parse_mailbox(forward_path).domain
    submission = Submission(
        id=MessageId(clock.mint()),
        envelope=Envelope(
            reverse_path=TO_EXPIRE.sender.addr_spec,
            recipients=(EnvelopeRecipient(forward_path=forward_path, domain=domain),),
        ),
        destinations=(domain,),
        expires_at=accepted_at + WEEK,
        client=Client(address="127.0.0.1", helo="northwind.example", protocol="ESMTP"),
        account=TO_EXPIRE.sender.addr_spec,
        header=HeaderFacts(
            subject=TO_EXPIRE.subject,
            message_id=str(message["Message-ID"]).strip("<>"),
            header_from=str(message["From"]),
            date=str(message["Date"]),
        ),
        content=_Octets(TO_EXPIRE.octets_of(message)),
    )
    await ledger.accept(submission, accepted_at, None)
