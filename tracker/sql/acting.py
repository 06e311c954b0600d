"""Hold, release, cancel, try now over any ledger that runs scripts (see `tracker.store.Store`)."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from tracker.entropy import Entropy
from tracker.model import (
    Deed,
    Event,
    EventId,
    EventKind,
    MessageId,
    RecipientId,
    Scope,
    Status,
    new_id,
)
from tracker.sql.rows import Columns
from tracker.sql.script import Change, Scripted

DEADLINE: Final = "The deadline has come"
"""Why what was held is released although nobody has done so."""


class Turn(NamedTuple):
    """What a deed makes of a recipient."""

    after: Status
    event: EventKind


TURNS: Final = {
    Deed.HOLD: Turn(Status.HELD, EventKind.HELD),
    Deed.RELEASE: Turn(Status.QUEUED, EventKind.RELEASED),
    Deed.CANCEL: Turn(Status.CANCELLED, EventKind.CANCELLED),
}
_DEEDS: Final = {turn.after: deed for deed, turn in TURNS.items()}


class Acting(Scripted):
    """Hold, release, cancel, try now."""

    async def change_status(
        self,
        recipients: Collection[RecipientId],
        to: Status,
        *,
        scope: Scope,
        actor: str,
        reason: str,
        now: datetime,
    ) -> int:
        if to not in _DEEDS:
            raise ValueError(f"nobody can make a recipient {to}")
        change = Change(
            deed=_DEEDS[to],
            tells_sender=False,
            recipients=tuple(recipients),
            scope=scope,
            actor=actor,
            reason=reason,
            now=now,
        )
        return await self._do(change)

    async def retry_now(
        self, recipients: Collection[RecipientId], *, scope: Scope, actor: str, now: datetime
    ) -> int:
        change = Change(
            deed=Deed.RETRY,
            tells_sender=False,
            recipients=tuple(recipients),
            scope=scope,
            actor=actor,
            reason="",
            now=now,
        )
        return await self._do(change)

    async def _do(self, change: Change) -> int:
        changed = await self._apply(change)
        if changed and change.deed in (Deed.RETRY, Deed.RELEASE):
            self._made_due()
        return changed


def events_of(
    changed: Iterable[Columns], kind: EventKind, change: Change, entropy: Entropy
) -> Iterator[Event]:
    """Yield what the timelines tell of recipients, of which `changed` has id and message."""
    for recipient_id, message_id, *_ in changed:
        yield Event(
            id=EventId(new_id(change.now, entropy(8))),
            message_id=MessageId(message_id),
            recipient_id=RecipientId(recipient_id),
            at=change.now,
            kind=kind,
            actor=change.actor,
            detail=change.reason,
        )


def end_of_hold(now: datetime) -> Change:
    """Return the change that a deadline makes of what is held; it names no recipients."""
    return Change(
        deed=Deed.RELEASE,
        tells_sender=False,
        recipients=(),
        scope=Scope(),
        actor="",
        reason=DEADLINE,
        now=now,
    )
