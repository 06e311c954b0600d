"""What people do to many recipients at once, and the list of suppressed addresses."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from tracker.model import (
    Act,
    ActId,
    ActState,
    RecipientId,
    Scope,
    Stride,
    Suppression,
)
from tracker.views import Row


class Acts(Protocol):
    """Acts are planned, carried out in strides, and kept as the record of who did what."""

    async def plan_act(self, act: Act) -> Act:
        """Put an act on record; return the one that is there when its key was used before."""
        ...

    async def act(self, act_id: ActId, scope: Scope) -> Act | None:
        """Return an act whose actor is in scope."""
        ...

    async def acts(self, scope: Scope, *, limit: int, before: ActId | None = None) -> Sequence[Act]:
        """Return acts whose actors are in scope, newest first."""
        ...

    async def due_acts(self, now: datetime, limit: int) -> Sequence[Act]:
        """Return acts that are running, or planned and due, oldest first."""
        ...

    async def turn_act(
        self, act_id: ActId, among: Collection[ActState], to: ActState, now: datetime
    ) -> Act | None:
        """Change an act's state when it is one of `among`; None when it is not."""
        ...

    async def advance_act(self, act: Act, stride: Stride, now: datetime) -> Act | None:
        """Take one step: change the recipients and note how far it has come, all at once.

        Returns the act after it. None when it is not where `act` says any more, because somebody
        has called it off, paused it, or has taken this step already: then nothing changed.
        """
        ...

    async def changed_by(self, act_id: ActId, after: str, limit: int) -> Sequence[RecipientId]:
        """Return whom an act has held, released or rerouted, by id, behind `after`."""
        ...

    async def chosen(self, recipients: Collection[RecipientId], scope: Scope) -> Sequence[Row]:
        """Return those of a few recipients that are in scope, newest first."""
        ...

    async def waiting_for(
        self, addresses: Collection[str], scope: Scope, limit: int
    ) -> Sequence[RecipientId]:
        """Return open recipients in scope whose address, in its comparable form, is among these."""
        ...

    async def forget_acts(self, before: datetime) -> int:
        """Drop acts that ended before `before`; return how many."""
        ...


class Suppressions(Protocol):
    """Addresses to which nothing is sent."""

    async def suppress(self, listed: Sequence[Suppression]) -> int:
        """Put addresses on the list; return how many were not on it. Those that were stay."""
        ...

    async def unsuppress(self, suppression: Suppression) -> bool:
        """Take one off the list; False when it is not on it."""
        ...

    async def suppressions(
        self, scope: Scope, *, search: str = "", limit: int, after: Suppression | None = None
    ) -> Sequence[Suppression]:
        """Return those that concern the scope, by address, behind `after`.

        For an account those that its mail meets: its own, its domain's and the relay's; for a
        domain its own with its accounts', and the relay's. `search` is a part of the address.
        """
        ...

    async def suppression_revision(self) -> int:
        """Return a number that is another one whenever the list has changed."""
        ...
