"""Which statuses a query leaves over, and that every value is a parameter."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker import states
from tracker.model import Scope, Status
from tracker.postgres.query import DIALECT as POSTGRES
from tracker.postgres.query import numbered
from tracker.search import STATUS_WORDS, Field, Query, Term
from tracker.sql.dialect import Dialect
from tracker.sql.selection import select
from tracker.sqlite.query import DIALECT as SQLITE

ALL = frozenset(Status)
CONSTANTS = sorted(
    {
        constant
        for dialect in (SQLITE, POSTGRES)
        for template in dialect
        for constant in re.findall(r"'[^']*'", template)
    },
    key=len,
)
"""Texts that stand in the templates of the dialects."""
DIALECTS = pytest.mark.parametrize("dialect", [SQLITE, POSTGRES], ids=["sqlite", "postgres"])


def asks(*terms: tuple[str, bool]) -> Query:
    return Query(
        terms=tuple(
            Term(field=Field.STATUS, value=word, negated=negated) for word, negated in terms
        )
    )


def of(field: Field, value: str, *, negated: bool = False) -> Query:
    return Query(terms=(Term(field=field, value=value, negated=negated),))


LEFT_OVER = {
    "nothing asked": (asks(), ALL),
    "one": (asks(("held", False)), {Status.HELD}),
    "in capitals": (asks(("Held", False)), {Status.HELD}),
    "a word for several": (asks(("waiting", False)), states.OPEN),
    "two words": (asks(("waiting", False), ("held", False)), {Status.HELD}),
    "two words that exclude each other": (asks(("held", False), ("bounced", False)), set()),
    "an unknown word": (asks(("lost", False)), set()),
    "not this one": (asks(("delivered", True)), ALL - {Status.DELIVERED}),
    "not an unknown one": (asks(("lost", True)), ALL),
    "not temporary may be untried": (asks(("temporary", True)), ALL),
    "uncertain is never delivered": (asks(("uncertain", False)), ALL - {Status.DELIVERED}),
    "not uncertain may be anything": (asks(("uncertain", True)), ALL),
    "a category is never delivered": (of(Field.CATEGORY, "greylisted"), ALL - {Status.DELIVERED}),
    "in any case": (of(Field.CATEGORY, "Greylisted"), ALL - {Status.DELIVERED}),
    "the category of what was delivered": (of(Field.CATEGORY, "Accepted"), ALL),
    "not a category": (of(Field.CATEGORY, "greylisted", negated=True), ALL),
    "never tried": (of(Field.ATTEMPTS, "0"), ALL - {Status.DELIVERED}),
    "tried at most once": (of(Field.ATTEMPTS, "<=1"), ALL),
    "not untried": (of(Field.ATTEMPTS, "0", negated=True), ALL),
    "a number that is none": (of(Field.ATTEMPTS, "x"), ALL - {Status.DELIVERED}),
    "a code": (of(Field.CODE, "5.1.1"), ALL),
    "this but not that": (asks(("waiting", False), ("held", True)), states.OPEN - {Status.HELD}),
}


@DIALECTS
@pytest.mark.parametrize(("query", "expected"), LEFT_OVER.values(), ids=LEFT_OVER.keys())
def test_which_statuses_are_left(
    query: Query, expected: frozenset[Status], dialect: Dialect
) -> None:
    assert select(query, Scope(), dialect).statuses == expected


@DIALECTS
@given(
    field=st.sampled_from(Field),
    value=st.text(min_size=1) | st.sampled_from([*STATUS_WORDS, "4", "5.7.", "@a", "<a@b>"]),
    exact=st.booleans(),
    negated=st.booleans(),
)
def test_every_value_is_a_parameter(
    field: Field, value: str, exact: bool, negated: bool, dialect: Dialect
) -> None:
    secret = f"{value}\0\ud800;--'\"?$1{{0}}"
    values = (value,) if field is Field.STATUS else (value, secret)
    for each in values:
        term = Term(field=field, value=each, exact=exact, negated=negated)
        selection = select(Query(terms=(term,)), Scope(account=each), dialect)
        sql, parameters = selection.condition
        assert sql.count("?") == len(parameters)
        for constant in CONSTANTS:
            sql = sql.replace(constant, "constant")
        assert re.fullmatch(r"[\w\s().,?=<>|\"-]+", sql), sql
        for parameter in parameters:
            assert not isinstance(parameter, str) or "\0" not in parameter
            str(parameter).encode()


def test_parameters_are_numbered_in_order() -> None:
    statement = numbered("SELECT ? WHERE a = ? AND b IN (?)", (1, 2, 3))
    assert statement.sql == "SELECT $1 WHERE a = $2 AND b IN ($3)"
    assert statement.parameters == (1, 2, 3)
