"""A submission that we did not take."""

from datetime import datetime
from typing import Literal

import msgspec

from tracker.model.ids import RefusalId


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who may send through this relay was refused, and with which words.

    It is kept so that they find out; it is no promise: what came in masses, or while the ledger
    was away, may be missing.
    """

    id: RefusalId
    at: datetime
    account: str | None
    """Whose mail it would have been in the record; None where nothing says it."""
    client_address: str
    reverse_path: str
    """As far as it was understood; empty also for the null reverse-path."""
    forward_path: str
    """Of RCPT; of the end of data, the first recipient."""
    recipients: int
    """How many were concerned; 0 for MAIL."""
    command: Literal["MAIL", "RCPT", "DATA"]
    """DATA stands for the end of data."""
    reply: str
    """What we answered, bounded."""
