"""The search among refusals, as statements: a walk along the ids, so many rows at a time.

Nothing but time bounds how many there are, and no index knows their words. So each step looks at
a fixed number of rows in scope, and whoever runs the steps may end between any two of them.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

from tracker.model import RefusalId, Scope
from tracker.search import Field, Query, Term
from tracker.search.values import whole_ip
from tracker.sql.comparing import Comparing, ends_of
from tracker.sql.conditions import (
    Condition,
    Statement,
    conjunction,
    disjunction,
    scope_condition,
)
from tracker.sql.dialect import Dialect
from tracker.sql.refusals import REFUSAL_COLUMNS, read_refusal
from tracker.sql.rows import Columns, qualified
from tracker.sql.selection import id_range
from tracker.sql.values import stamp, well_formed
from tracker.views import RefusalCount, RefusalPage

STEP: Final = 5_000
"""Rows in scope that one step looks at."""
_NEWEST: Final = RefusalId("7" + "Z" * 25)
"""Above every id that there will ever be."""


class RefusalWalk:
    """Run `statement`, give its rows to `take`, until there is none any more."""

    _columns: ClassVar[str]
    """Of what is found."""

    def __init__(
        self,
        query: Query,
        scope: Scope,
        dialect: Dialect,
        limit: int,
        before: RefusalId | None = None,
    ) -> None:
        self._within = [scope_condition(scope), *_time_range(query)]
        self._terms = [_term(each, dialect) for each in query.terms]
        self._limit = limit
        self._found = list[Columns]()
        self._at = _NEWEST if before is None else before
        """Everything from here on has been looked at."""
        self._edge: str | None = None
        """Where the step ends whose rows are asked for next."""
        self._is_last = not self._terms  # then every row is found: the limit alone is an end
        self._is_done = False

    def statement(self) -> Statement | None:
        """Return what has to be asked next; None at the end."""
        if self._is_done:
            return None
        if self._edge is None and not self._is_last:
            return self._walk("r.id", (), f"LIMIT 1 OFFSET {STEP - 1}", ())
        conditions = list(self._terms)
        if self._edge is not None:
            conditions.append(Condition("r.id >= ?", (self._edge,)))
        missing = self._limit + 1 - len(self._found)
        return self._walk(self._columns, conditions, "LIMIT ?", (missing,))

    def take(self, rows: Sequence[Columns]) -> None:
        """Take the rows of the statement."""
        if self._edge is None and not self._is_last:
            self._edge = rows[0][0] if rows else None
            self._is_last = not rows
            return
        self._found += rows
        self._is_done = self._is_last or len(self._found) > self._limit
        if self._edge is not None:
            self._at, self._edge = RefusalId(self._edge), None

    def _walk(
        self, columns: str, conditions: Sequence[Condition], end: str, parameters: tuple[int, ...]
    ) -> Statement:
        passed = Condition("r.id < ?", (well_formed(self._at),))
        where = conjunction((*self._within, passed, *conditions))
        return Statement(
            f"SELECT {columns} FROM refusals AS r WHERE {where.sql} ORDER BY r.id DESC {end}",
            (*where.parameters, *parameters),
        )


class RefusalSearch(RefusalWalk):
    """A walk for one page."""

    _columns = qualified("r", REFUSAL_COLUMNS)

    def page(self) -> RefusalPage:
        """Return what has been found so far."""
        rows = tuple(map(read_refusal, self._found[: self._limit]))
        if len(self._found) > self._limit:
            return RefusalPage(rows=rows, older=rows[-1].id if rows else self._at)
        is_cut = not self._is_done
        return RefusalPage(rows=rows, older=self._at if is_cut else None, cut=is_cut)


class RefusalTally(RefusalWalk):
    """A walk that counts, up to one more than the limit."""

    _columns = "r.id"

    def count(self) -> RefusalCount:
        """Return how many have been found so far."""
        return RefusalCount(len(self._found), cut=not self._is_done)


def _time_range(query: Query) -> Sequence[Condition]:
    """The time range; the id carries the time, so that it is a range of the walk as well."""
    conditions = list(id_range("r.id", query.since, query.until))
    if query.since is not None:
        conditions.append(Condition("r.at >= ?", (stamp(query.since),)))
    if query.until is not None:
        conditions.append(Condition("r.at < ?", (stamp(query.until),)))
    return conditions


def _term(term: Term, dialect: Dialect) -> Condition:
    """Translate a term; one of a field that a refusal has not is true of none."""
    translate = _TERMS.get(term.field)
    if translate is None:
        return Condition("TRUE" if term.negated else "FALSE")
    condition = translate(Comparing(dialect), well_formed(term.value), term.exact)
    if term.negated:
        # Of a column that is null nothing is true, so "not" must mean "not true".
        return Condition(f"({condition.sql}) IS NOT TRUE", condition.parameters)
    return condition


_Translate = Callable[[Comparing, str, bool], Condition]


def _address(*columns: str) -> _Translate:
    def translate(comparing: Comparing, value: str, exact: bool) -> Condition:
        if not value.startswith("@"):
            return comparing.spelled(columns, value, exact)
        return disjunction(
            comparing.ends_with(column, end) for end in ends_of(value) for column in columns
        )

    return translate


def _text(comparing: Comparing, value: str, exact: bool) -> Condition:
    return comparing.matches(("r.reply",), value, exact)


def _ip(comparing: Comparing, value: str, exact: bool) -> Condition:
    """A whole address is that address; else a part of it."""
    whole = whole_ip(value)
    return comparing.matches(("r.client_address",), whole or value, exact or whole is not None)


def _code(_: Comparing, value: str, exact: bool) -> Condition:
    """ "4" and "45" begin a reply code; "5.7" is every code 5.7.x; quoted, the whole code."""
    if "." in value:
        bare = value if exact else value.removesuffix(".")
        more = [] if exact else [_stands(5, bare + ".")]
        return disjunction((*_word(5, bare), *more))
    return disjunction(_word(1, value)) if exact else _stands(1, value)


def _word(position: int, word: str) -> tuple[Condition, Condition]:
    return _stands(position, word + " "), Condition(f"substr(r.reply, {position}) = ?", (word,))


def _stands(position: int, text: str) -> Condition:
    return Condition(f"substr(r.reply, {position}, ?) = ?", (len(text), text))


_TERMS: Mapping[Field, _Translate] = MappingProxyType(
    {
        Field.ANY: _address("r.forward_path", "r.reverse_path", "r.account"),
        Field.TO: _address("r.forward_path"),
        Field.FROM: _address("r.reverse_path"),
        Field.ACCOUNT: _address("r.account"),
        Field.TEXT: _text,
        Field.IP: _ip,
        Field.CODE: _code,
    }
)
