"""Corrections, acts on them and the progress of judging anew, as rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from tracker import states
from tracker.explain import Category, RuleBook, judge, shipped
from tracker.explain.correction import Correction, RuleAct, rule_of
from tracker.insight import setback_of
from tracker.model import Attempt, Phase, Status
from tracker.sql.rows import Columns
from tracker.sql.values import first_id, moment, stamp, well_formed
from tracker.views import Reclassifying

RULE_COLUMNS: Final = (
    "id, category, words, expression, code, host, phase, note, created_at, created_by, off_since"
)
RULE_ACT_COLUMNS: Final = "id, at, actor, act, rule, detail"
RECLASSIFYING_COLUMNS: Final = (
    "actor, began_at, version, first_id, last_id, end_id, looked, changed, ended_at"
)

FAILING: Final = tuple(
    status for status in Status if status not in (Status.DELIVERED, Status.QUEUED)
)
"""Statuses of recipients whose last attempt was refused, as a rule."""
FAILING_OPEN: Final = tuple(status for status in FAILING if status in states.OPEN)
FAILING_FINAL: Final = tuple(status for status in FAILING if status not in states.OPEN)


SHIPPED: Final = "shipped"
"""The act of a release that brings other rules; its `rule` is their digest."""
US: Final = "Sendtrace"
"""Who has acted then."""


def release_of(version: str) -> str:
    """Return what the record of acts says of a release."""
    return f"the rules of {version} came with the release"


def not_judged_since(since: datetime, progress: Reclassifying | None) -> tuple[str, str]:
    """Return between which ids recipients are that may have been judged before `since` only.

    Neither bound is among them. What has been judged anew since then is below the first.
    """
    is_later = progress is not None and progress.began_at >= since
    return (progress.last_id if progress is not None and is_later else ""), first_id(since)


def rule_columns(correction: Correction) -> Columns:
    """Return a correction as RULE_COLUMNS."""
    return (
        correction.id,
        correction.category.value,
        well_formed(correction.words),
        well_formed(correction.expression),
        well_formed(correction.code),
        well_formed(correction.host),
        correction.phase.value if correction.phase else "",
        well_formed(correction.note),
        stamp(correction.created_at),
        well_formed(correction.created_by),
        stamp(correction.off_since),
    )


def read_rule(row: Columns) -> Correction:
    """Build a correction from RULE_COLUMNS."""
    return Correction(
        id=row[0],
        category=Category(row[1]),
        words=row[2],
        expression=row[3],
        code=row[4],
        host=row[5],
        phase=Phase(row[6]) if row[6] else None,
        note=row[7],
        created_at=moment(row[8]),
        created_by=row[9],
        off_since=moment(row[10]),
    )


def read_rule_act(row: Columns) -> RuleAct:
    """Build an act from RULE_ACT_COLUMNS."""
    _, at, actor, act, rule, detail = row
    return RuleAct(at=moment(at), actor=actor, act=act, rule=rule, detail=detail)


def told(correction: Correction) -> str:
    """Return a correction in one line, for the record of acts."""
    conditions = {
        "words": correction.words,
        "expression": correction.expression,
        "code": correction.code,
        "host": correction.host,
        "phase": correction.phase or "",
    }
    given = ", ".join(f"{name} {value!r}" for name, value in conditions.items() if value)
    return well_formed(f"{given} -> {correction.category}")


def read_reclassifying(row: Columns) -> Reclassifying:
    """Build the progress from RECLASSIFYING_COLUMNS."""
    actor, began_at, version, first, last, end, looked, changed, ended_at = row
    return Reclassifying(
        actor=actor,
        began_at=moment(began_at),
        version=version,
        first_id=first,
        last_id=last,
        end_id=end,
        looked=looked,
        changed=changed,
        ended_at=moment(ended_at),
    )


def make_book(corrections: Iterable[Correction], revision: int) -> RuleBook:
    """Return the shipped rules with those corrections before them that are switched on."""
    if not revision:
        return shipped()
    rules = [rule_of(each) for each in corrections if each.off_since is None]
    return shipped().with_corrections(rules, revision)


def judged_anew(attempts: Sequence[Attempt], book: RuleBook) -> list[tuple[Attempt, str, str]]:
    """Return the attempts that `book` judges otherwise, each with its category and rule now."""
    changed = []
    for attempt in attempts:
        rule, category = judge(attempt, book)
        if (attempt.category, attempt.rule) != (category.value, rule):
            changed.append((attempt, category.value, rule))
    return changed


def setbacks_anew(
    changed: Iterable[tuple[Attempt, str, str]],
) -> list[tuple[str, str, str, str]]:
    """Return category, side, cohort and id of what is counted of attempts judged anew."""
    found = (
        setback_of(replace(attempt, category=category, rule=rule))
        for attempt, category, rule in changed
    )
    return [
        (each.category.value, each.side.value, each.cohort, each.attempt_id)
        for each in found
        if each is not None
    ]
