"""What people do to many recipients at once: an act is on record before anything is changed."""

from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec

from tracker.model.account import Scope
from tracker.model.ids import RecipientId

ActId = NewType("ActId", str)


class Deed(StrEnum):
    """What is done to a recipient."""

    RETRY = "retry"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    SUPPRESS = "suppress"
    """Nothing is sent to its address any more; what waits for it is cancelled."""
    REROUTE = "reroute"
    """It goes through another next hop, or as configured again."""


class ActState(StrEnum):
    """How far an act has come."""

    PLANNED = "planned"
    """Until it begins it can be called off."""
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CALLED_OFF = "called-off"
    """What has been changed until then stays changed."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One deed to all recipients that somebody has chosen."""

    id: ActId
    key: str
    """Of the form that asked for it: sent twice, it makes one act."""
    deed: Deed
    tells_sender: bool = False
    """Of a cancellation: with a DSN."""
    next_hop: str = ""
    """Of a reroute: host and port; empty: as configured. Undone: to whatever it was before."""
    actor: str
    """As the timeline names them."""
    account: str | None
    """The actor's account; None on the command line."""
    scope: Scope
    """What the actor may touch."""
    reason: str = ""
    query: str = ""
    """In the grammar of the search; read as at `created_at` in `zone`."""
    zone: str = "UTC"
    chosen: tuple[RecipientId, ...] = ()
    """In place of a query: these ones."""
    undoes: ActId | None = None
    """In place of a query: whom that act has changed."""
    created_at: datetime
    """What is accepted later is not touched."""
    begins_at: datetime
    ended_at: datetime | None = None
    state: ActState = ActState.PLANNED
    place: str = ""
    """How far the walk has come: the id of the last recipient looked at."""
    expected: int
    """How many recipients were counted before."""
    done: int = 0
    """How many have been looked at."""
    changed: int = 0

    @property
    def skipped(self) -> int:
        """How many were looked at and left as they are."""
        return self.done - self.changed

    @property
    def is_over(self) -> bool:
        """True when nothing more will be changed."""
        return self.state in (ActState.DONE, ActState.CALLED_OFF)


class Reroute(msgspec.Struct, frozen=True, kw_only=True):
    """Another way for one recipient, which it takes unless it has changed since."""

    recipient_id: RecipientId
    destination: str
    """Where it queues from now on."""
    next_hop: str
    """Its own, with the port; empty: as configured."""
    old_destination: str
    old_next_hop: str
    words: str
    """The new way and the old one, for its timeline."""


class Stride(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an act: what becomes of the next few recipients."""

    seen: int
    """How many were looked at."""
    recipients: tuple[RecipientId, ...]
    """Whom it concerns; whoever may not be changed stays as they are."""
    addresses: tuple[str, ...] = ()
    """To be suppressed."""
    reroutes: tuple[Reroute, ...] = ()
    """The ways for those whom it concerns."""
    place: str
    ended: bool
