"""What somebody may see, and how conditions are put together."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tracker.model import Scope, Status
from tracker.sql.conditions import (
    Condition,
    conjunction,
    disjunction,
    scope_condition,
    status_condition,
)

ROWS = [
    (1, "alice@example.com", "example.com", "queued"),
    (2, "bob@example.com", "example.com", "held"),
    (3, "alice@sub.example.com", "sub.example.com", "queued"),
    (4, None, None, "bounced"),
]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE r (n, account, account_domain, status)")
        connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?)", ROWS)
        yield connection


def rows_of(connection: sqlite3.Connection, condition: Condition) -> list[int]:
    sql = f"SELECT n FROM r WHERE {condition.sql} ORDER BY n"
    return [n for (n,) in connection.execute(sql, condition.parameters)]


SCOPES = {
    "everything": (Scope(), [1, 2, 3, 4]),
    "an account": (Scope(account="alice@example.com"), [1]),
    "a domain without its subdomains": (Scope(domain="example.com"), [1, 2]),
    "both": (Scope(account="bob@example.com", domain="example.com"), [2]),
    "an account outside of the domain": (
        Scope(account="alice@sub.example.com", domain="example.com"),
        [],
    ),
    "no account is not nobody's": (Scope(account=""), []),
    "what no database takes": (Scope(account="\0\ud800"), []),
}


@pytest.mark.parametrize(("scope", "seen"), SCOPES.values(), ids=SCOPES.keys())
def test_what_somebody_may_see(
    connection: sqlite3.Connection, scope: Scope, seen: list[int]
) -> None:
    assert rows_of(connection, scope_condition(scope)) == seen


def test_conditions_keep_to_themselves(connection: sqlite3.Connection) -> None:
    one, two = Condition("r.n = ? OR r.n = ?", (1, 2)), Condition("r.n = ? OR r.n = ?", (2, 3))
    assert rows_of(connection, conjunction((one, two))) == [2]
    assert rows_of(connection, disjunction((one, two))) == [1, 2, 3]


def test_none_of_them_is_all_or_nothing(connection: sqlite3.Connection) -> None:
    assert rows_of(connection, conjunction(())) == [1, 2, 3, 4]
    assert rows_of(connection, disjunction(())) == []


def test_one_of_some_statuses(connection: sqlite3.Connection) -> None:
    assert rows_of(connection, status_condition({Status.QUEUED, Status.BOUNCED})) == [1, 3, 4]
    assert rows_of(connection, status_condition(())) == []
