"""From a query of the search grammar to SQL: conditions on `r` (recipients) and `m` (messages).

Every value is a parameter. What somebody may see is decided by `scope_condition` alone.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tracker.model import RecipientId, Scope, Status, is_id
from tracker.search import STATUS_WORDS, Field, Query
from tracker.sql.values import first_id, last_id, stamp, well_formed


class Condition(NamedTuple):
    """A piece of SQL that is true or not, and its parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()


def conjunction(conditions: Iterable[Condition]) -> Condition:
    """All of them."""
    return _join(" AND ", conditions, nothing="1")


def disjunction(conditions: Iterable[Condition]) -> Condition:
    """Any of them."""
    return _join(" OR ", conditions, nothing="0")


def _join(operator: str, conditions: Iterable[Condition], nothing: str) -> Condition:
    parts = list(conditions)
    sql = operator.join(f"({part.sql})" for part in parts) or nothing
    return Condition(sql, tuple(value for part in parts for value in part.parameters))


def scope_condition(scope: Scope) -> Condition:
    """What may be seen of recipients `r`: the one place that decides it."""
    conditions = []
    if scope.account is not None:
        conditions.append(Condition("r.account = ?", (scope.account,)))
    if scope.domain is not None:
        conditions.append(Condition("r.account_domain = ?", (scope.domain,)))
    return conjunction(conditions)


class Selection(NamedTuple):
    """What a query and a scope select."""

    condition: Condition
    statuses: frozenset[Status]
    """The condition holds for no other ones: each of them has an index."""


def select(query: Query, scope: Scope) -> Selection:
    """Translate a query; terms of it that cannot match yield a selection of nothing."""
    conditions = [scope_condition(scope), *_within(query)]
    statuses = frozenset(Status)
    for term in query.terms:
        condition = _TERMS[term.field](term.value, term.exact)
        if term.negated:
            # Of a column that is null nothing is true, so "not" must mean "not true".
            condition = Condition(f"({condition.sql}) IS NOT TRUE", condition.parameters)
        elif term.field is Field.STATUS:
            statuses &= _statuses(term.value)
        conditions.append(condition)
    return Selection(conjunction(conditions), statuses)


def _within(query: Query) -> Iterable[Condition]:
    """The time range; the id carries the time, so that it is a range of the walk as well."""
    if query.since is not None:
        since = query.since
        yield Condition("r.accepted_at >= ? AND r.id >= ?", (stamp(since), first_id(since)))
    if query.until is not None:
        until = query.until
        yield Condition("r.accepted_at < ? AND r.id <= ?", (stamp(until), last_id(until)))


# --- terms -----------------------------------------------------------------------------------


def _lowered(value: str) -> tuple[str, str]:
    """Return the SQL function for a column and the value, both to be compared.

    SQLite's own lower() knows ASCII, which is all that an ASCII value can tell apart.
    """
    if value.isascii():
        return "lower", value.lower()
    return "lower_unicode", well_formed(value.lower())


def _matches(columns: Sequence[str], value: str, exact: bool) -> Condition:
    """One of the columns contains `value`, or is it; without regard to case.

    Compared by `instr`, for which no character is a wildcard and no value is too long.
    """
    lower, needle = _lowered(value)
    comparison = "{0}({1}) = ?" if exact else "instr({0}({1}), ?)"
    return disjunction(Condition(comparison.format(lower, column), (needle,)) for column in columns)


def _any_attempt(condition: Condition) -> Condition:
    return Condition(
        f"EXISTS (SELECT 1 FROM attempts AS a WHERE a.recipient_id = r.id AND ({condition.sql}))",
        condition.parameters,
    )


def _columns(*columns: str) -> Callable[[str, bool], Condition]:
    return lambda value, exact: _matches(columns, value, exact)


def _attempt_columns(*columns: str) -> Callable[[str, bool], Condition]:
    return lambda value, exact: _any_attempt(_matches(columns, value, exact))


def _ends_with(column: str, value: str) -> Condition:
    lower, needle = _lowered(value)
    return Condition(f"substr({lower}({column}), ?) = ?", (-len(needle), needle))


def _to(value: str, exact: bool) -> Condition:
    if not value.startswith("@"):
        return _matches(("r.forward_path",), value, exact)
    domain = Condition("r.domain = ?", (well_formed(value[1:].lower()),))
    return disjunction((domain, _ends_with("r.forward_path", value)))


def _from(value: str, exact: bool) -> Condition:
    if not value.startswith("@"):
        return _matches(("m.reverse_path", "m.header_from"), value, exact)
    return disjunction(
        (
            _ends_with("m.reverse_path", value),
            _ends_with("m.header_from", value),
            _matches(("m.header_from",), value + ">", exact=False),
        )
    )


def _id(value: str, exact: bool) -> Condition:
    if is_id(value.upper()):
        ours = value.upper()
        return Condition(
            "r.id IN (SELECT ? UNION SELECT id FROM recipients WHERE message_id = ?)", (ours, ours)
        )
    bare = value.removeprefix("<").removesuffix(">")
    return disjunction(
        (
            _matches(("m.header_message_id",), bare, exact),
            _any_attempt(_matches(("a.remote_queue_id",), value, exact)),
        )
    )


def _any(value: str, exact: bool) -> Condition:
    columns = ("r.forward_path", "m.reverse_path", "m.subject", "m.id", "m.header_message_id")
    return disjunction(
        (
            _matches(columns, value, exact),
            _any_attempt(_matches(("a.remote_queue_id",), value, exact)),
        )
    )


def _ip(value: str, exact: bool) -> Condition:
    return disjunction(
        (
            _matches(("m.client_address",), value, exact),
            _any_attempt(_matches(("a.target_address",), value, exact)),
        )
    )


def _code(value: str, exact: bool) -> Condition:
    """ "4" and "45" begin a reply code; "5.7" is every code 5.7.x; quoted, the whole code."""
    if "." not in value:
        digits = Condition("substr(a.reply_code, 1, ?) = ?", (len(value), value))
        whole = Condition("CAST(a.reply_code AS TEXT) = ?", (value,))
        return _any_attempt(whole if exact else digits)
    whole = Condition("a.enhanced_status_code = ?", (value,))
    if exact:
        return _any_attempt(whole)
    begins = value.removesuffix(".") + "."
    beginning = Condition("substr(a.enhanced_status_code, 1, ?) = ?", (len(begins), begins))
    return _any_attempt(disjunction((whole, beginning)))


# --- status ----------------------------------------------------------------------------------


def _statuses(value: str) -> frozenset[Status]:
    return STATUS_WORDS.get(value.lower(), frozenset())


def _status(value: str, exact: bool) -> Condition:
    condition = status_condition(_statuses(value))
    if value.lower() != "temporary":
        return condition
    tried = Condition("r.attempts > 0 OR r.status = ?", (Status.DEFERRED,))
    return conjunction((condition, tried))


def status_condition(statuses: Iterable[Status]) -> Condition:
    """One of `statuses`."""
    return disjunction(Condition("r.status = ?", (status.value,)) for status in sorted(statuses))


_TERMS: dict[Field, Callable[[str, bool], Condition]] = {
    Field.ANY: _any,
    Field.TO: _to,
    Field.FROM: _from,
    Field.SUBJECT: _columns("m.subject"),
    Field.ID: _id,
    Field.STATUS: _status,
    Field.MX: _attempt_columns("a.target_host"),
    Field.IP: _ip,
    Field.CODE: _code,
    Field.TEXT: _attempt_columns("a.reply_text"),
    Field.ACCOUNT: _columns("r.account"),
}


# --- statements ------------------------------------------------------------------------------

_FROM = "FROM recipients AS r CROSS JOIN messages AS m ON m.id = r.message_id"
"""CROSS JOIN keeps the order: walk along the recipients, look up their messages."""


class Statement(NamedTuple):
    """A whole statement."""

    sql: str
    parameters: tuple[Any, ...]


def page_of_ids(
    selection: Selection,
    limit: int,
    *,
    before: RecipientId | None = None,
    after: RecipientId | None = None,
) -> Statement:
    """Ids in order: from `before` backwards, or from `after` onwards, or else from the newest.

    Where the statuses are few, each has an ordered walk of its own, merged by SQLite; where
    delivered mail is among them, the walk is along everything in scope.
    """
    conditions = [selection.condition]
    if before is not None:
        conditions.append(Condition("r.id < ?", (before,)))
    if after is not None:
        conditions.append(Condition("r.id > ?", (after,)))
    direction = "ASC" if after is not None and before is None else "DESC"
    walks = [conjunction((*conditions, walk)) for walk in _walks(selection.statuses)]
    union = " UNION ALL ".join(f"SELECT r.id AS id {_FROM} WHERE {walk.sql}" for walk in walks)
    parameters = tuple(value for walk in walks for value in walk.parameters)
    return Statement(f"{union} ORDER BY id {direction} LIMIT ?", (*parameters, limit))


def capped_count(selection: Selection, status: Status, cap: int) -> Statement:
    """How many have `status`, counted up to `cap` + 1."""
    (walk,) = _walks(frozenset({status}))
    condition = conjunction((selection.condition, walk))
    return Statement(
        f"SELECT count(*) FROM (SELECT 1 {_FROM} WHERE {condition.sql} LIMIT ?)",
        (*condition.parameters, cap + 1),
    )


def _walks(statuses: frozenset[Status]) -> Sequence[Condition]:
    if not statuses:
        return (Condition("0"),)
    if statuses == frozenset(Status):
        return (Condition("1"),)
    if Status.DELIVERED in statuses:
        return (status_condition(statuses),)
    # The second half is what tells SQLite that the partial indexes serve.
    return [
        Condition("r.status = ? AND r.status <> 'delivered'", (status.value,))
        for status in sorted(statuses)
    ]
