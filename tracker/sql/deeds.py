"""`Acts` and `Suppressions` over any ledger that runs scripts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from tracker.model import (
    Act,
    ActId,
    ActState,
    Errand,
    ErrandId,
    ErrandResult,
    Event,
    Excess,
    MessageId,
    ProbeLimits,
    RecipientId,
    Reroute,
    Scope,
    Stride,
    Suppression,
)
from tracker.sql import acts, errands, reroutes, suppressions
from tracker.sql.conditions import Statement
from tracker.sql.script import Scripted
from tracker.sql.values import well_formed
from tracker.views import News


class Deeds(Scripted):
    """What people do to many recipients, and the list of suppressed addresses."""

    # --- acts ----------------------------------------------------------------------------------

    async def plan_act(self, act: Act) -> Act:
        return await self._run(lambda: acts.plan(act))

    async def act(self, act_id: ActId, scope: Scope) -> Act | None:
        rows = await self._look(acts.one_act(act_id, scope))
        return acts.read_act(rows[0]) if rows else None

    async def acts(self, scope: Scope, *, limit: int, before: ActId | None = None) -> Sequence[Act]:
        return [
            acts.read_act(row) for row in await self._look(acts.some_acts(scope, limit, before))
        ]

    async def due_acts(self, now: datetime, limit: int) -> Sequence[Act]:
        return [acts.read_act(row) for row in await self._look(acts.due_acts(now, limit))]

    async def turn_act(
        self, act_id: ActId, among: Collection[ActState], to: ActState, now: datetime
    ) -> Act | None:
        return await self._run(lambda: acts.turn(act_id, among, to, now))

    async def advance_act(self, act: Act, stride: Stride, now: datetime) -> Act | None:
        after = await self._run(lambda: acts.advance(act, stride, now))
        if stride.recipients or stride.reroutes:
            self._made_due()
        return after

    async def changed_by(self, act_id: ActId, after: str, limit: int) -> Sequence[RecipientId]:
        rows = await self._look(acts.changed_by(act_id, after, limit))
        return [RecipientId(row[0]) for row in rows]

    async def forget_acts(self, before: datetime) -> int:
        if not await self._look(acts.forgettable(before, 1)):
            return 0
        return await self._run(lambda: acts.forget(before))

    # --- other ways ------------------------------------------------------------------------------

    async def reroute(
        self, ways: Sequence[Reroute], *, scope: Scope, actor: str, reason: str, now: datetime
    ) -> int:
        changed = await self._run(lambda: reroutes.reroute(ways, scope, actor, reason, now))
        if changed:
            self._made_due()
        return changed

    async def next_hops_before(
        self, act_id: ActId, recipients: Collection[RecipientId]
    ) -> Mapping[RecipientId, str]:
        if not recipients:
            return {}
        rows = await self._look(acts.next_hops_before(act_id, recipients))
        return {RecipientId(row[0]): row[1] for row in rows}

    # --- suppressions --------------------------------------------------------------------------

    async def suppress(self, listed: Sequence[Suppression]) -> int:
        return await self._run(lambda: suppressions.add_all(listed))

    async def unsuppress(self, suppression: Suppression) -> bool:
        return await self._run(lambda: suppressions.remove(suppression))

    async def suppressions(
        self, scope: Scope, *, search: str = "", limit: int, after: Suppression | None = None
    ) -> Sequence[Suppression]:
        rows = await self._look(suppressions.listed(scope, search, limit, after))
        return [suppressions.read_suppression(row) for row in rows]

    async def suppression_revision(self) -> int:
        rows = await self._look(suppressions.REVISION)
        return rows[0][0] if rows else 0

    # --- errands ---------------------------------------------------------------------------------

    async def ask_errand(self, errand: Errand) -> Errand:
        return await self._run(lambda: errands.ask(errand))

    async def errand(self, errand_id: ErrandId, scope: Scope) -> Errand | None:
        rows = await self._look(errands.one_errand(errand_id, scope))
        return errands.read_errand(rows[0]) if rows else None

    async def errands_about(self, message_id: MessageId) -> Sequence[Errand]:
        rows = await self._look(errands.about(message_id))
        return [errands.read_errand(row) for row in reversed(rows)]

    async def ask_probe(self, errand: Errand, limits: ProbeLimits) -> Errand | Excess:
        return await self._run(lambda: errands.ask_probe(errand, limits))

    async def news(self, now: datetime) -> News:
        ((due, waiting, revision),) = await self._look(errands.news(now))
        return News(has_acts=bool(due), has_errands=bool(waiting), suppressions=revision)

    async def take_errand(self, now: datetime, until: datetime) -> Errand | None:
        return await self._run(lambda: errands.take(now, until))

    async def end_errand(
        self, errand: Errand, result: ErrandResult, events: Sequence[Event], now: datetime
    ) -> bool:
        return await self._run(lambda: errands.end(errand, result, events, now))

    async def forget_errands(self, before: datetime) -> int:
        if not await self._look(errands.forgettable(before, 1)):
            return 0
        return await self._run(lambda: errands.forget(before))

    # --- the content of refused mail -----------------------------------------------------------

    _STILL_OPEN: ClassVar[str]
    """Selects the ids of messages among {among} that have open recipients."""

    async def keeps_content(self, message_id: MessageId) -> bool:
        sql = "SELECT 1 FROM content WHERE message_id = ? AND n = 0"
        return bool(await self._look(Statement(sql, (well_formed(message_id),))))

    async def keep_refused(self, keep: bool) -> None:
        rows = await self._look(errands.KEPT)
        if (rows[0][0] if rows else 0) != int(keep):
            await self._run(lambda: errands.keep_refused(keep))

    async def drop_refused(self, before: datetime, limit: int) -> int:
        if not await self._look(errands.refused(before, 1)):
            return 0
        return await self._run_some(
            "drop_refused", limit, lambda size: errands.drop_refused(before, size, self._STILL_OPEN)
        )
