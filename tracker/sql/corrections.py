"""The corrections of an operator over any ledger that runs scripts (see `tracker.store.Rules`)."""

from collections.abc import Sequence
from datetime import datetime

from tracker.entropy import Entropy
from tracker.explain.correction import MOST, Correction, RuleAct
from tracker.model import new_id
from tracker.sql.conditions import Statement
from tracker.sql.rules import (
    RECLASSIFYING_COLUMNS,
    RULE_ACT_COLUMNS,
    RULE_COLUMNS,
    SHIPPED,
    US,
    read_reclassifying,
    read_rule,
    read_rule_act,
    release_of,
    rule_columns,
    told,
)
from tracker.sql.script import Script, Scripted
from tracker.sql.values import stamp, well_formed
from tracker.views import Reclassifying

CORRECTIONS = f"SELECT {RULE_COLUMNS} FROM rules ORDER BY id DESC"
REVISION = f"SELECT count(*) FROM rule_acts WHERE act <> '{SHIPPED}'"
ADOPTED = f"SELECT at, rule FROM rule_acts WHERE act = '{SHIPPED}' ORDER BY id DESC LIMIT 1"
PROGRESS = f"SELECT {RECLASSIFYING_COLUMNS} FROM reclassifying"

_ADD = f"""
INSERT INTO rules ({RULE_COLUMNS})
SELECT v.* FROM (VALUES ({", ".join(["CAST(? AS TEXT)"] * 8)},
    CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT))) AS v
WHERE (SELECT count(*) FROM rules) < {MOST} RETURNING id
"""
_SWITCH = """
UPDATE rules SET off_since = CAST(? AS BIGINT)
WHERE id = ? AND (off_since IS NULL) <> (CAST(? AS BIGINT) IS NULL) RETURNING id
"""
_REMOVE = "DELETE FROM rules WHERE id = ? RETURNING id"
_NOTE = f"INSERT INTO rule_acts ({RULE_ACT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
_ACTS = f"SELECT {RULE_ACT_COLUMNS} FROM rule_acts ORDER BY id DESC LIMIT ?"


class Corrections(Scripted):
    """Corrections, and who changed them."""

    _entropy: Entropy

    async def corrections(self) -> Sequence[Correction]:
        return [read_rule(row) for row in await self._look(Statement(CORRECTIONS, ()))]

    async def rule_acts(self, limit: int) -> Sequence[RuleAct]:
        return [read_rule_act(row) for row in await self._look(Statement(_ACTS, (limit,)))]

    async def add_correction(self, correction: Correction) -> bool:
        return await self._run(lambda: self._add(correction))

    async def switch_correction(self, id: str, *, on: bool, actor: str, now: datetime) -> bool:
        act, since = ("switched on", None) if on else ("switched off", stamp(now))
        switch = Statement(_SWITCH, (since, well_formed(id), since))
        return await self._run(lambda: self._change(switch, id, act, actor, now))

    async def remove_correction(self, id: str, *, actor: str, now: datetime) -> bool:
        remove = Statement(_REMOVE, (well_formed(id),))
        return await self._run(lambda: self._change(remove, id, "removed", actor, now))

    async def adopt_rules(self, digest: str, version: str, now: datetime) -> bool:
        adopted = Statement(ADOPTED, ())
        if [row[1] for row in await self._look(adopted)] == [digest]:
            return False

        def adopt() -> Script[bool]:
            yield Statement(self._TURN, ("adopting rules",))
            if [row[1] for row in (yield adopted)] == [digest]:
                return False
            yield self._note(now, US, SHIPPED, digest, release_of(version))
            return True

        return await self._run(adopt)

    async def reclassification(self) -> Reclassifying | None:
        rows = await self._look(Statement(PROGRESS, ()))
        return read_reclassifying(rows[0]) if rows else None

    def _add(self, correction: Correction) -> Script[bool]:
        if not (yield Statement(_ADD, tuple(rule_columns(correction)))):
            return False
        at, actor = correction.created_at, correction.created_by
        yield self._note(at, actor, "added", correction.id, told(correction))
        return True

    def _change(
        self, statement: Statement, rule: str, act: str, actor: str, now: datetime
    ) -> Script[bool]:
        sql = f"SELECT {RULE_COLUMNS} FROM rules WHERE id = ?"
        found = yield Statement(sql, (well_formed(rule),))
        if not found or not (yield statement):
            return False
        yield self._note(now, actor, act, rule, told(read_rule(found[0])))
        return True

    def _note(self, at: datetime, actor: str, act: str, rule: str, detail: str) -> Statement:
        id = new_id(at, self._entropy(8))
        return Statement(_NOTE, (id, stamp(at), well_formed(actor), act, well_formed(rule), detail))
