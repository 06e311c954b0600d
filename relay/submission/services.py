"""What the conversations of a server have in common."""

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from config.settings import Settings
from relay.clock import Clock
from relay.submission.admission import AuthFailures, Connections, TrustedNetworks
from relay.submission.intake import Intake, Observer
from tracker.passwords import Passwords
from tracker.store import Accounts

if TYPE_CHECKING:
    from relay.submission.conversation import Conversation


@dataclass(frozen=True, slots=True)
class Door:
    """A listener: what it asks of those who come through it."""

    auth: Literal["required", "optional", "off"]
    starttls: ssl.SSLContext | None = None
    """Not None: STARTTLS is offered (RFC 3207). Implicit TLS has begun before we are asked."""


@dataclass(frozen=True, slots=True)
class Services:
    """What all conversations of a server share."""

    settings: Settings
    clock: Clock
    intake: Intake
    accounts: Accounts
    passwords: Passwords
    observer: Observer
    trusted: TrustedNetworks
    connections: Connections
    failures: AuthFailures
    open: "set[Conversation]" = field(default_factory=set)
