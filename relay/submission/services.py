"""What the conversations of a server have in common."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from config.settings import Settings
from relay.clock import Clock
from relay.submission.admission import Connections, TrustedNetworks
from relay.submission.deadlines import Deadlines
from relay.submission.intake import Intake, Observer, RefusalRecorder
from relay.submission.telling import Teller
from tracker.attendance import Attendance
from tracker.guard import LogInGuard
from tracker.model import EnvelopeRecipient
from tracker.passwords import Passwords
from tracker.store import Accounts


class Open(Protocol):
    """A conversation as the server sees it when it stops."""

    def stop(self) -> None:
        """Take no more transactions; end at once when none is under way."""
        ...

    def cut(self) -> None:
        """End the transaction that is under way."""
        ...

    def abort(self) -> None:
        """Cut the connection."""
        ...

    async def wait_ended(self) -> None:
        """Wait until nothing more is done for the client."""
        ...

    async def wait_lost(self) -> None:
        """Wait until the connection is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Door:
    """A listener: what it asks of those who come through it."""

    auth: Literal["required", "optional", "off"]
    starttls: ssl.SSLContext | None = None
    """Not None: STARTTLS is offered (RFC 3207). Implicit TLS has begun before we are asked."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a client has."""

    command: float
    """For the next command line, or to read our replies."""
    progress: float
    """For the next octets of a content."""
    content: float
    """For all of a content."""


Closed = Callable[[EnvelopeRecipient, str | None], str | None]
"""Returns the reply that refuses a recipient of mail of an account; None when it is open."""


def all_open(recipient: EnvelopeRecipient, account: str | None) -> str | None:
    """Refuse nobody."""
    return None


@dataclass(frozen=True, slots=True)
class Services:
    """What all conversations of a server share."""

    settings: Settings
    clock: Clock
    intake: Intake
    accounts: Accounts
    passwords: Passwords
    observer: Observer
    refusals: RefusalRecorder
    trusted: TrustedNetworks
    connections: Connections
    guard: LogInGuard
    patience: Patience
    deadlines: Deadlines
    teller: Teller
    closed: Closed = all_open
    attendance: Attendance = field(default_factory=Attendance)
    """Whoever writes what the clients bring asks it who else may come."""
    open: set[Open] = field(default_factory=set)
