"""Looks at other people's mail, to test with."""

from datetime import datetime

from tests.support.clock import START
from tests.support.mail import mint
from tracker.model import Access, AccessId, AccessKind, MessageId, Scope
from tracker.store import Accesses


def make_access(
    account: str = "alice@example.com",
    *,
    at: datetime = START,
    actor: str = "admin@example.com",
    page: str = "/messages/01KJQ9CVD0E00AYKCS3YMYPZGJ",
    kind: AccessKind = AccessKind.MESSAGE,
    messages: tuple[MessageId, ...] = (),
) -> Access:
    """Return a look of an administrator at a message."""
    return Access(
        id=AccessId(mint(at)),
        at=at,
        actor=actor,
        client="192.0.2.1",
        kind=kind,
        page=page,
        account=account,
        messages=messages,
    )


async def entries(
    ledger: Accesses,
    scope: Scope,
    *,
    limit: int,
    before: AccessId | None = None,
    after: AccessId | None = None,
) -> list[Access]:
    """Return the entries of at most `limit` looks."""
    looks = await ledger.looks(scope, limit=limit, before=before, after=after)
    return [entry for look in looks for entry in look.entries]
