"""What must stay cheap however much is on record: counted in steps of SQLite's machine."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import (
    Accepted,
    DestinationChange,
    Gate,
    LeaseToken,
    Load,
    Outcome,
    Postponement,
    Scope,
    Status,
)
from tracker.search import Field, Query, Term
from tracker.sql.selection import select
from tracker.sqlite.accept import accept
from tracker.sqlite.act import give_up_held
from tracker.sqlite.claim import claim
from tracker.sqlite.connection import connect_writer
from tracker.sqlite.content import WANTED as WANTED_CONTENT
from tracker.sqlite.lease import open_lease, renew
from tracker.sqlite.looking import waiting_by_destination
from tracker.sqlite.migrate import migrate
from tracker.sqlite.moving import NEXT_DUE
from tracker.sqlite.prune import prune
from tracker.sqlite.query import DIALECT, capped_count, page_of_ids
from tracker.sqlite.settle import postpone, prepare, settle

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


def fill_queue(connection: sqlite3.Connection, waiting: int, destinations: int) -> None:
    """Have `waiting` recipients wait for an hour."""
    names = [f"u{n}@d{n % destinations}.example" for n in range(waiting)]
    connection.execute("BEGIN")
    accept(connection, make_submission(*names), START + HOUR, None, os.urandom)
    connection.execute("COMMIT")


class Mail:
    """A ledger in whose queue some wait, and mail that goes right through."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.lease = hold(connection)
        (self.job,) = self._accept().jobs
        (self.other,) = self._accept().jobs

    def _accept(self) -> Accepted:
        submission = make_submission("bob@fresh.example")
        return accept(self.connection, submission, START, self.lease, os.urandom)

    def accept(self) -> None:
        self._accept()

    def settle(self) -> None:
        settle(self.connection, prepare(make_settlement(self.job)), os.urandom)

    def defer(self) -> None:
        settlement = make_settlement(self.other, Outcome.DEFERRED, wait=HOUR)
        settle(self.connection, prepare(settlement), os.urandom)

    def postpone(self) -> None:
        why = Postponement(gate=Gate.RATE, until=START + HOUR, detail="")
        postpone(self.connection, self.lease, [self.job.recipients[0].id], why)

    def look(self) -> None:
        """Do what an idle worker does."""
        self.connection.execute(NEXT_DUE).fetchall()
        claim(self.connection, self.lease, START, 200, ())

    def claim(self) -> None:
        claim(self.connection, self.lease, START + HOUR, 10, ())

    def renew(self) -> None:
        renew(self.connection, self.lease, START, HOUR, Load(jobs=0, clients=0))

    def chores(self) -> None:
        give_up_held(self.connection, START, 500, os.urandom)
        prune(self.connection, START, 500)

    def count_up_to_the_cap(self) -> None:
        selection = select(WAITING, Scope(), DIALECT)
        for status in selection.statuses:
            self.connection.execute(*capped_count(selection, status, 5)).fetchall()


@pytest.mark.parametrize(
    "step",
    [
        Mail.accept,
        Mail.settle,
        Mail.defer,
        Mail.postpone,
        Mail.look,
        Mail.claim,
        Mail.renew,
        Mail.count_up_to_the_cap,
    ],
)
def test_a_step_costs_the_same_however_many_wait(
    connection: sqlite3.Connection, step: Callable[[Mail], None]
) -> None:
    costs = []
    for waiting in (100, 5000):
        fill_queue(connection, waiting, waiting // 10)
        costs.append(steps_of(connection, partial(step, Mail(connection))))
    assert costs[1] < costs[0] * 1.2 + 20


def test_chores_cost_the_same_however_many_wait(connection: sqlite3.Connection) -> None:
    costs = []
    for waiting in (100, 5000):
        fill_queue(connection, waiting, 10)
        costs.append(steps_of(connection, Mail(connection).chores))
    assert costs[1] < costs[0] * 1.2 + 20


def test_contents_are_found_by_their_keys_alone(connection: sqlite3.Connection) -> None:
    plan = plan_of(connection, WANTED_CONTENT, ('["a", "b"]',))
    assert len(plan) == 3
    assert "VIRTUAL TABLE" in plan[0]
    assert all("SEARCH" in line for line in plan[1:])


def test_open_mail_is_counted_along_indexes_that_have_everything(
    connection: sqlite3.Connection,
) -> None:
    selection = select(WAITING, Scope(), DIALECT)
    for status in selection.statuses:
        plan = plan_of(connection, *capped_count(selection, status, 10))
        assert any("USING COVERING INDEX recipients_by_status" in line for line in plan)
        assert not any("messages" in line or " m " in line for line in plan)
    plan = plan_of(connection, *waiting_by_destination(Scope()))
    assert any("USING COVERING INDEX recipients_waiting" in line for line in plan)
    assert not any(line == "SCAN recipients" for line in plan)


def test_a_category_is_looked_for_along_indexes_that_have_everything(
    connection: sqlite3.Connection,
) -> None:
    selection = select(of_field(Field.CATEGORY, "greylisted"), Scope(), DIALECT)
    bounced = capped_count(selection, Status.BOUNCED, 1000)
    for statement in (bounced, page_of_ids(selection, 50)):
        plan = plan_of(connection, *statement)
        assert any("USING COVERING INDEX recipients_by_status (status=?" in line for line in plan)
        assert not any("USING INDEX recipients_by_status" in line for line in plan)


WAITING = Query(terms=(Term(field=Field.STATUS, value="waiting"),))


def plan_of(connection: sqlite3.Connection, sql: str, parameters: Sequence[object]) -> list[str]:
    """Return the lines of SQLite's plan for a query."""
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
    return [row[3] for row in rows]


def of_field(field: Field, value: str) -> Query:
    return Query(terms=(Term(field=field, value=value),))


ALICE = Scope(account="alice@example.com")
DOMAIN = Scope(domain="example.com")
PLANS = {
    "everything": (Query(), Scope(), "SCAN r"),
    "an account": (Query(), ALICE, "recipients_by_account (account=?"),
    "a domain": (Query(), DOMAIN, "recipients_by_account_domain (account_domain=?"),
    "a status": ("waiting", Scope(), "recipients_by_status (status=?"),
    # The last attempt at what was delivered was accepted: it needs no look.
    "a category": (
        of_field(Field.CATEGORY, "greylisted"),
        Scope(),
        "recipients_by_status (status=?",
    ),
    "a category of an account": (
        of_field(Field.CATEGORY, "greylisted"),
        ALICE,
        "recipients_by_account_status (account=? AND status=?",
    ),
    "never tried": (of_field(Field.ATTEMPTS, "0"), Scope(), "recipients_by_status (status=?"),
    "what was accepted": (of_field(Field.CATEGORY, "accepted"), Scope(), "SCAN r"),
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
    lines = plan_of(connection, sql, parameters)
    assert any(plan in line for line in lines)
    # What workers carry is little, and is sorted.
    in_hand = sum("recipients_leased" in line for line in lines)
    assert sum("TEMP B-TREE" in line for line in lines) == in_hand


def test_mail_that_is_delivered_at_once_enters_no_index_by_status(
    connection: sqlite3.Connection,
) -> None:
    mail = Mail(connection)
    mail.settle()
    for index in ("recipients_by_status", "recipients_by_account_status"):
        sql = f"SELECT count(*) FROM recipients INDEXED BY {index}"
        found = connection.execute(
            f"{sql} WHERE status <> 'delivered' AND lease IS NULL AND account IS NOT NULL"
        )
        assert found.fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM recipients").fetchone() == (2,)
