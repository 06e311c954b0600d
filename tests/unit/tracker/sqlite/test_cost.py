"""What must stay cheap however much is on record: counted in steps of SQLite's machine."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import DestinationChange, LeaseToken, Outcome, Scope
from tracker.search import Field, Query, Term
from tracker.sql.selection import select
from tracker.sqlite.accept import accept
from tracker.sqlite.claim import claim
from tracker.sqlite.connection import connect_writer
from tracker.sqlite.lease import open_lease
from tracker.sqlite.migrate import migrate
from tracker.sqlite.query import DIALECT, page_of_ids
from tracker.sqlite.settle import prepare, settle

HOUR = timedelta(hours=1)


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    migrate(path)
    with closing(connect_writer(path)) as connection:
        yield connection


def steps_of(connection: sqlite3.Connection, action: Callable[[], object]) -> int:
    """Return how many instructions of SQLite's virtual machine `action` takes."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    connection.set_progress_handler(count, 1)
    action()
    connection.set_progress_handler(None, 0)
    return steps


def hold(connection: sqlite3.Connection) -> LeaseToken:
    return open_lease(connection, "node", 1, START, HOUR, os.urandom).token


def fill_dead_destination(connection: sqlite3.Connection, waiting: int) -> None:
    connection.execute("BEGIN")
    names = [f"u{n}@dead.example" for n in range(waiting)]
    accept(connection, make_submission(*names), START, None, os.urandom)
    lease = hold(connection)
    probe = make_submission("probe@dead.example")
    (job,) = accept(connection, probe, START, lease, os.urandom).jobs
    dead = DestinationChange(
        destination="dead.example", at=START, reachable=False, next_probe_at=START + HOUR
    )
    settlement = make_settlement(job, Outcome.DEFERRED, wait=HOUR)
    settle(connection, prepare(replace(settlement, destination=dead)), os.urandom)
    connection.execute("COMMIT")


@pytest.mark.parametrize("after", [timedelta(0), HOUR], ids=["shut", "probe due"])
def test_a_dead_destination_costs_the_same_however_many_wait(
    connection: sqlite3.Connection, after: timedelta
) -> None:
    costs = []
    for waiting in (10, 3000):
        fill_dead_destination(connection, waiting)
        lease = hold(connection)
        step = partial(claim, connection, lease, START + after, 5, ())
        costs.append(steps_of(connection, step))
    assert costs[1] < costs[0] * 1.5 + 200


def test_a_claim_costs_what_it_takes_not_what_waits(connection: sqlite3.Connection) -> None:
    costs = []
    for waiting in (10, 3000):
        names = [f"u{n}@alive.example" for n in range(waiting)]
        accept(connection, make_submission(*names), START, None, os.urandom)
        lease = hold(connection)
        step = partial(claim, connection, lease, START, 5, ())
        costs.append(steps_of(connection, step))
    assert costs[1] < costs[0] * 1.5


ALICE = Scope(account="alice@example.com")
DOMAIN = Scope(domain="example.com")
PLANS = {
    "everything": (Query(), Scope(), "SCAN r"),
    "an account": (Query(), ALICE, "recipients_by_account (account=?"),
    "a domain": (Query(), DOMAIN, "recipients_by_account_domain (account_domain=?"),
    "a status": ("waiting", Scope(), "recipients_by_status (status=?"),
    "a status of an account": (
        "permanent",
        ALICE,
        "recipients_by_account_status (account=? AND status=?",
    ),
    "a status of a domain": (
        "held",
        DOMAIN,
        "recipients_by_account_domain_status (account_domain=? AND status=?",
    ),
}


@pytest.mark.parametrize(("wanted", "scope", "plan"), PLANS.values(), ids=PLANS.keys())
def test_a_page_is_a_walk_along_an_index(
    connection: sqlite3.Connection, wanted: Query | str, scope: Scope, plan: str
) -> None:
    if isinstance(wanted, str):
        wanted = Query(terms=(Term(field=Field.STATUS, value=wanted),))
    sql, parameters = page_of_ids(select(wanted, scope, DIALECT), 50)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
    lines = [row[3] for row in rows]
    assert any(plan in line for line in lines)
    assert not any("TEMP B-TREE" in line for line in lines)
