"""Statistics: rows of quarters of an hour, and what is not in them yet, counted live.

A chore passes along the recipients, in the order of their ids, and along the setbacks. What it has
passed is in the table `statistics`, except recipients that were still open: those are in
`statistics_open` until they are final. So what the table lacks is behind the marks or in there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from tracker import states
from tracker.explain import Category
from tracker.insight import SLOT, SPEEDS, Dimension, Figure, Measure, speed_of
from tracker.model import Origin, Outcome, Scope, Status
from tracker.sql.conditions import Condition, Statement, conjunction, scope_condition
from tracker.sql.rows import Columns
from tracker.sql.selection import id_range
from tracker.sql.values import stamp, well_formed

RECIPIENTS: Final = "recipients"
SETBACKS: Final = "setbacks"
"""Names of the two marks."""

MARKS: Final = "SELECT name, last_id FROM statistics_marks"

KEYS: Final = "what, slot, account, account_domain, destination, result, category, origin, speed"

_MICROSECOND: Final = timedelta(microseconds=1)
_SLOT: Final = SLOT // _MICROSECOND
_DELIVERED: Final = Status.DELIVERED.value


class Marks(NamedTuple):
    """The last ids that the chore has passed."""

    recipients: str
    setbacks: str

    @classmethod
    def of(cls, rows: Iterable[Columns]) -> "Marks":
        """Return what MARKS yields."""
        found = {row[0]: row[1] for row in rows}
        return cls(found.get(RECIPIENTS, ""), found.get(SETBACKS, ""))


class Question(NamedTuple):
    """What is counted: of whom, from when until when, whither."""

    measure: Measure
    by: Sequence[Dimension]
    scope: Scope
    since: datetime
    until: datetime
    destination: str | None = None

    @property
    def slots(self) -> tuple[int, int]:
        """The slots of the range: from the first on, before the second."""
        return stamp(self.since) // _SLOT, -(-stamp(self.until) // _SLOT)


class Sources(NamedTuple):
    """Items of FROM that bind `r` to recipients as they are now."""

    people: str
    passed: str
    """Those that were open when the chore passed them."""
    reasons: str
    """What follows on one of these to bind `b` to the setback that was their last attempt."""
    indexed: str = ""
    """What follows on `statistics AS r` to have it go along the index {index}; empty where the
    database sees by itself which one leaves the fewest rows."""


# --- asking ---------------------------------------------------------------------------------------


def figures(question: Question, marks: Marks, sources: Sources) -> Statement:
    """Count by the dimensions asked for."""
    keys = ", ".join(question.by)
    arms = [_rolled_up(question, sources), *_live(question, marks, sources)]
    union = " UNION ALL ".join(arm.sql for arm in arms)
    return Statement(
        f"SELECT {keys}, sum(number) FROM ({union}) AS u GROUP BY {keys}",
        tuple(value for arm in arms for value in arm.parameters),
    )


def read_figures(rows: Iterable[Columns]) -> list[Figure]:
    """Build them of what `figures` yields."""
    return [Figure(tuple(row[:-1]), int(row[-1])) for row in rows]


def _rolled_up(question: Question, sources: Sources) -> Statement:
    keys = ", ".join(question.by)
    limits = conjunction(_limits(question))
    which = Condition("r.what = ? AND r.slot >= ? AND r.slot < ?", _range(question))
    where = conjunction((which, limits))
    narrowest = (index for column, index in _INDEXES.items() if f"{column} = ?" in limits.sql)
    index = next(narrowest, None)
    hint = sources.indexed.format(index=index) if index else ""
    return Statement(
        f"SELECT {keys}, sum(number) AS number FROM statistics AS r{hint}"
        f" WHERE {where.sql} GROUP BY {keys}",
        where.parameters,
    )


_INDEXES: Final = {
    "r.destination": "statistics_by_destination",
    "r.account": "statistics_by_account",
    "r.account_domain": "statistics_by_account_domain",
}


def _range(question: Question) -> tuple[str, int, int]:
    return question.measure.value, *question.slots


def _limits(question: Question) -> Iterable[Condition]:
    yield scope_condition(question.scope)
    if question.destination is not None:
        yield Condition("r.destination = ?", (well_formed(question.destination),))


def _live(question: Question, marks: Marks, sources: Sources) -> Iterable[Statement]:
    young = Condition("r.id > ?", (marks.recipients,))
    if question.measure is Measure.RECIPIENT:
        reasons = sources.reasons if _WITH_REASON & {*question.by} else ""
        accepted = id_range("r.id", question.since, question.until)
        which = conjunction((young, *accepted))
        yield _arm(question, _PEOPLE, sources.people + reasons, which)
        yield _arm(question, _PEOPLE, sources.passed + reasons, Condition("TRUE"))
        return
    is_delivered = Condition(f"r.status = '{_DELIVERED}'")
    yield _arm(question, _DELIVERIES, sources.people, conjunction((young, is_delivered)))
    yield _arm(question, _DELIVERIES, sources.passed, is_delivered)
    fresh = Condition("r.attempt_id > ?", (marks.setbacks,))
    yield _arm(question, _TRIES, "setbacks AS r", fresh)


_WITH_REASON: Final = frozenset({Dimension.CATEGORY, Dimension.ORIGIN})


class _Expressions(NamedTuple):
    """How the dimensions are made of a row, and of which time it is."""

    time: str
    result: str
    category: str
    origin: str
    speed: str


def _speed_sql() -> str:
    taken = "r.status_since - r.accepted_at"
    whens = " ".join(
        f"WHEN {taken} <= {end // _MICROSECOND} THEN {n}" for n, end in enumerate(SPEEDS)
    )
    return f"CASE WHEN r.status <> '{_DELIVERED}' THEN -1 {whens} ELSE {len(SPEEDS)} END"


_PEOPLE: Final = _Expressions(
    time="r.accepted_at",
    result="r.status",
    category=f"CASE WHEN r.status = '{_DELIVERED}' THEN '{Category.ACCEPTED}'"
    " ELSE coalesce(b.category, '') END",
    origin=f"CASE WHEN r.status = '{_DELIVERED}' THEN '{Origin.REMOTE}'"
    " ELSE coalesce(b.origin, '') END",
    speed=_speed_sql(),
)
_DELIVERIES: Final = _Expressions(
    time="r.status_since",
    result=f"'{Outcome.DELIVERED}'",
    category=f"'{Category.ACCEPTED}'",
    origin=f"'{Origin.REMOTE}'",
    speed=_speed_sql(),
)
_TRIES: Final = _Expressions(
    time="r.at", result="r.outcome", category="r.category", origin="r.origin", speed="-1"
)


def _arm(question: Question, made: _Expressions, source: str, which: Condition) -> Statement:
    columns: Mapping[Dimension, str] = {
        Dimension.SLOT: f"{made.time} / {_SLOT}",
        Dimension.ACCOUNT: "coalesce(r.account, '')",
        Dimension.ACCOUNT_DOMAIN: "coalesce(r.account_domain, '')",
        Dimension.DESTINATION: "r.destination",
        Dimension.RESULT: made.result,
        Dimension.CATEGORY: made.category,
        Dimension.ORIGIN: made.origin,
        Dimension.SPEED: made.speed,
    }
    chosen = ", ".join(f"{columns[each]} AS {each}" for each in question.by)
    first, behind = question.slots
    within = Condition(f"{made.time} >= ? AND {made.time} < ?", (first * _SLOT, behind * _SLOT))
    where = conjunction((which, within, *_limits(question)))
    return Statement(
        f"SELECT {chosen}, 1 AS number FROM {source} WHERE {where.sql}", where.parameters
    )


# --- rolling up -----------------------------------------------------------------------------------

Key = tuple[Any, ...]
"""KEYS of one row of statistics."""

_SEEN = (
    "r.id, r.accepted_at, r.account, r.account_domain, r.destination, r.status, r.status_since,"
    " b.category, b.origin"
)


class Overtaken(Exception):
    """Somebody else has counted these meanwhile."""


class Tally(NamedTuple):
    """What one step of the chore adds."""

    counts: Mapping[Key, int]
    still_open: Sequence[str]
    """Recipients that are passed by now, to be counted when they are final."""
    final: Sequence[str]
    """Recipients that were open when they were passed, and are counted now."""
    gone: Sequence[str]
    """Those that are not on record any more."""


def next_recipients(sources: Sources, mark: str, before: datetime, limit: int) -> Statement:
    """Recipients behind the mark, in order."""
    where = conjunction((Condition("r.id > ?", (mark,)), *id_range("r.id", None, before)))
    return Statement(
        f"SELECT {_SEEN} FROM {sources.people}{sources.reasons} WHERE {where.sql}"
        " ORDER BY r.id LIMIT ?",
        (*where.parameters, limit),
    )


def next_setbacks(mark: str, before: datetime, limit: int) -> Statement:
    """Setbacks behind the mark, in order."""
    where = conjunction(
        (Condition("r.attempt_id > ?", (mark,)), *id_range("r.attempt_id", None, before))
    )
    return Statement(
        "SELECT r.attempt_id, r.at, r.account, r.account_domain, r.destination, r.outcome,"
        f" r.category, r.origin FROM setbacks AS r WHERE {where.sql} ORDER BY r.attempt_id LIMIT ?",
        (*where.parameters, limit),
    )


def next_open(after: str, limit: int) -> Statement:
    """Recipients that were open when they were passed."""
    return Statement(
        "SELECT recipient_id FROM statistics_open WHERE recipient_id > ?"
        " ORDER BY recipient_id LIMIT ?",
        (after, limit),
    )


def recipients_as_they_are(sources: Sources, chosen: Condition) -> Statement:
    """The recipients that `chosen` is true of, in order."""
    return Statement(
        f"SELECT {_SEEN} FROM {sources.people}{sources.reasons} WHERE {chosen.sql} ORDER BY r.id",
        chosen.parameters,
    )


def tally_recipients(rows: Iterable[Columns]) -> Tally:
    """Count recipients that are passed for the first time."""
    counts: Counter[Key] = Counter()
    still_open = []
    for row in rows:
        if row[5] in states.OPEN:
            still_open.append(row[0])
        else:
            counts.update(_keys(row))
    return Tally(counts, still_open, (), ())


def tally_open(ids: Sequence[str], rows: Iterable[Columns]) -> Tally:
    """Count those of `ids` that have become final; `rows` are those on record."""
    counts: Counter[Key] = Counter()
    final, there = [], set()
    for row in rows:
        there.add(row[0])
        if row[5] not in states.OPEN:
            final.append(row[0])
            counts.update(_keys(row))
    return Tally(counts, (), final, [each for each in ids if each not in there])


def tally_setbacks(rows: Iterable[Columns]) -> Tally:
    """Count attempts that were not delivered."""
    counts: Counter[Key] = Counter()
    for _, at, account, domain, destination, outcome, category, origin in rows:
        whose = (account or "", domain or "", destination)
        counts[(Measure.ATTEMPT.value, at // _SLOT, *whose, outcome, category, origin, -1)] += 1
    return Tally(counts, (), (), ())


def _keys(row: Columns) -> Iterable[Key]:
    """Yield the rows of statistics that a final recipient counts in."""
    _, accepted, account, domain, destination, status, since, category, origin = row
    whose = (account or "", domain or "", destination)
    if status != _DELIVERED:
        why = (category or "", origin or "", -1)
        yield (Measure.RECIPIENT.value, accepted // _SLOT, *whose, status, *why)
        return
    speed = speed_of((since - accepted) * _MICROSECOND)
    why = (Category.ACCEPTED.value, Origin.REMOTE.value, speed)
    yield (Measure.RECIPIENT.value, accepted // _SLOT, *whose, status, *why)
    yield (Measure.ATTEMPT.value, since // _SLOT, *whose, Outcome.DELIVERED.value, *why)


def slot_of(when: datetime) -> int:
    """Return the slot that a time is in."""
    return stamp(when) // _SLOT
