"""What looking costs however much is on record: counted in steps of SQLite's machine.

With ten times as much of other people's mail, nobody's own page costs more. `COST_RECIPIENTS` is
how much that is: a million under CI, which takes a minute and two gigabytes.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.history import History, fill
from tests.unit.tracker.sqlite.test_cost import plan_of, steps_of
from tracker.model import Scope
from tracker.search import Field, Query, Term
from tracker.sql.conditions import Statement
from tracker.sql.selection import Selection, select
from tracker.sqlite.query import DIALECT, capped_count, ids_among, page_of_ids

MANY = int(os.environ.get("COST_RECIPIENTS", "1000000" if os.environ.get("CI") else "20000"))
FEW = MANY // 10
END = datetime(2026, 11, 1, tzinfo=UTC)
PAGE = 51

TERMS = {
    "nothing": (),
    "to": ((Field.TO, "bob"),),
    "to a domain": ((Field.TO, "@place7.example"),),
    "from": ((Field.FROM, "customer"),),
    "subject": ((Field.SUBJECT, "agenda"),),
    "id": ((Field.ID, "f00"),),
    "a word": ((Field.ANY, "newsletter"),),
    "mx": ((Field.MX, "mx1"),),
    "ip": ((Field.IP, "203.0.113.7"),),
    "code": ((Field.CODE, "5.1.1"),),
    "text": ((Field.TEXT, "no such user"),),
    "delivered": ((Field.STATUS, "delivered"),),
    "refused": ((Field.STATUS, "permanent"),),
    "waiting": ((Field.STATUS, "waiting"),),
    "category": ((Field.CATEGORY, "greylisted"),),
    "accepted": ((Field.CATEGORY, "accepted"),),
    "tls": ((Field.TLS, "verified"),),
    "size": ((Field.SIZE, ">8KB"),),
    "attempts": ((Field.ATTEMPTS, ">=2"),),
    "never tried": ((Field.ATTEMPTS, "0"),),
    "refused with a code": ((Field.STATUS, "permanent"), (Field.CODE, "5.1.1")),
}

pytestmark = pytest.mark.timeout(900)

Ledgers = list[tuple[sqlite3.Connection, History]]


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledgers]:
    """Two records: in both an account has the same mail, in the second there are ten times more."""
    directory = tmp_path_factory.mktemp("cost")
    made: Ledgers = []
    for recipients in (FEW, MANY):
        history = History(recipients, END, accounts=recipients // 50, domains=recipients // 500)
        path = Path(directory, f"ledger{recipients}.db")
        fill(path, history)
        connection = sqlite3.connect(path)
        connection.create_function("lower_unicode", 1, str.lower, deterministic=True)
        made.append((connection, history))
    yield made
    for connection, _ in made:
        connection.close()
    shutil.rmtree(directory)


def query(name: str) -> Query:
    return Query(terms=tuple(Term(field=field, value=value) for field, value in TERMS[name]))


def scope_of(connection: sqlite3.Connection, kind: str) -> Scope:
    """Return the scope of somebody with as much mail as most have."""
    column = "account" if kind == "account" else "account_domain"
    rows = connection.execute(
        f"SELECT {column}, count(*) AS n FROM recipients GROUP BY 1 ORDER BY n"
    ).fetchall()
    return Scope(**{kind: rows[len(rows) // 2][0]})


@pytest.mark.parametrize("kind", ["account", "domain"])
@pytest.mark.parametrize("name", TERMS)
def test_a_page_in_a_scope_costs_the_same_however_much_others_have(
    ledgers: Ledgers, kind: str, name: str
) -> None:
    costs = []
    for connection, _ in ledgers:
        selection = select(query(name), scope_of(connection, kind), DIALECT)
        statement = page_of_ids(selection, PAGE)
        costs.append(steps_of(connection, lambda: connection.execute(*statement).fetchall()))  # noqa: B023
        counts = [capped_count(selection, status, 1000) for status in selection.statuses]
        costs[-1] += sum(
            steps_of(connection, lambda: connection.execute(*each).fetchall())  # noqa: B023
            for each in counts
        )
    assert costs[1] < costs[0] * 1.5 + 500


@pytest.mark.parametrize("kind", ["account", "domain"])
@pytest.mark.parametrize("name", TERMS)
def test_a_page_in_a_scope_never_walks_along_all(ledgers: Ledgers, kind: str, name: str) -> None:
    (connection, _) = ledgers[1]
    selection = select(query(name), scope_of(connection, kind), DIALECT)
    plan = plan_of(connection, *page_of_ids(selection, PAGE))
    walks = [line for line in plan if line.startswith("SEARCH r ")]
    assert all("USING INDEX" in line or "USING COVERING INDEX" in line for line in walks)
    assert not any(line.startswith("SCAN r") for line in plan if "recipients_leased" not in line)


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("kind", ["account", "domain", "all"])
def test_blocks_are_looked_through_by_the_key(ledgers: Ledgers, kind: str, name: str) -> None:
    (connection, _) = ledgers[1]
    scope = Scope() if kind == "all" else scope_of(connection, kind)
    statement = ids_among(
        [("0", "1")], select(query(name), scope, DIALECT), PAGE, newest_first=True
    )
    (line,) = (line for line in plan_of(connection, *statement) if line.startswith("SEARCH r "))
    assert "id>? AND id<?" in line


def test_what_came_back_is_found_without_a_walk(ledgers: Ledgers) -> None:
    returned = Query(terms=(Term(field=Field.STATUS, value="returned"),))
    costs = []
    for connection, _ in ledgers:
        selection = select(returned, Scope(), DIALECT)
        statements = [page_of_ids(selection, PAGE), *_counts(selection)]
        costs.append(sum(_steps(connection, statement) for statement in statements))
    assert costs[0] == costs[1]


def _counts(selection: Selection) -> Iterator[Statement]:
    for status in sorted(selection.statuses):
        yield capped_count(selection, status, 1000)


def _steps(connection: sqlite3.Connection, statement: Statement) -> int:
    return steps_of(connection, lambda: connection.execute(*statement).fetchall())
