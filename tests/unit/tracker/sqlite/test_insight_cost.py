"""Looking at many deliveries takes the indexes that are for it, and delivered mail pays nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.clock import START
from tests.support.jobs import make_message, make_recipient
from tests.support.mail import make_attempt
from tests.unit.tracker.sqlite.test_cost import Mail, fill_queue, plan_of, steps_of
from tracker.explain import Category
from tracker.insight import Dimension, Measure, TroubleKey, setback_of
from tracker.model import Outcome, Scope
from tracker.sql.conditions import Statement
from tracker.sql.figures import Marks, Question, figures, next_open, next_recipients, next_setbacks
from tracker.sql.setbacks import cohort_counts, last_accepted, sayings, waiting_counts
from tracker.sql.troubles import UNREAD, mark_read, trouble_kinds, troubles
from tracker.sqlite.connection import connect_writer
from tracker.sqlite.insight import SOURCES
from tracker.sqlite.migrate import migrate

DAY = timedelta(days=1)
ALICE = Scope(account="alice@example.com")
DOMAIN = Scope(domain="example.com")
BLOCKED = Category.IP_BLOCKLISTED
MARKS = Marks("01JKL", "01JKL")
SETBACK = setback_of(make_attempt(make_recipient(make_message()), Outcome.DEFERRED))


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    migrate(path)
    with closing(connect_writer(path)) as connection:
        yield connection


def question(scope: Scope, measure: Measure = Measure.RECIPIENT, at: str | None = None) -> Question:
    return Question(measure, (Dimension.SLOT, Dimension.CATEGORY), scope, START, START + DAY, at)


assert SETBACK is not None
PLANS: dict[str, tuple[Statement, list[str]]] = {
    "a cohort": (
        cohort_counts(SETBACK, ALICE, START, None),
        ["setbacks_by_cohort (cohort=? AND at>?)"],
    ),
    "the last success": (last_accepted(SETBACK), ["destinations_by_place (place=?)"]),
    "what waits": (
        waiting_counts("recipients", "example.org", ALICE),
        ["recipients_waiting (destination=?"],
    ),
    "what a destination says": (
        sayings("example.org", ALICE, START, 5),
        ["setbacks_by_destination (destination=? AND at>?)"],
    ),
    "kinds of troubles": (trouble_kinds(START, 5), ["setbacks_of_ours"]),
    "troubles of a kind": (
        troubles(BLOCKED, START, 50, TroubleKey(START, "example.org"), True),
        ["setbacks_of_ours (category=?)"],
    ),
    "what was read": (mark_read(BLOCKED, START, START, "a"), ["setbacks_of_ours (category=?)"]),
    "unread troubles": (Statement(UNREAD, (0,)), ["setbacks_of_ours"]),
    "figures of an account": (
        figures(question(ALICE), MARKS, SOURCES),
        ["statistics_by_account (account=? AND what=? AND slot>? AND slot<?)"],
    ),
    "figures of a domain": (
        figures(question(DOMAIN), MARKS, SOURCES),
        ["statistics_by_account_domain (account_domain=? AND what=? AND slot>? AND slot<?)"],
    ),
    "attempts at a destination": (
        figures(question(Scope(), Measure.ATTEMPT, "example.org"), MARKS, SOURCES),
        ["statistics_by_destination (destination=? AND what=? AND slot>? AND slot<?)"],
    ),
    "the next recipients": (next_recipients(SOURCES, "01JKL", START, 10), ["PRIMARY KEY (id>?"]),
    "the next setbacks": (next_setbacks("01JKL", START, 10), ["PRIMARY KEY (attempt_id>?"]),
    "the next open ones": (next_open("01JKL", 10), ["PRIMARY KEY (recipient_id>?"]),
}


@pytest.mark.parametrize(("statement", "wanted"), PLANS.values(), ids=PLANS.keys())
def test_a_look_takes_its_index(
    connection: sqlite3.Connection, statement: Statement, wanted: list[str]
) -> None:
    plan = plan_of(connection, *statement)
    for part in wanted:
        assert any(part in line for line in plan), plan
    assert "SCAN setbacks" not in plan
    assert "SCAN statistics" not in plan


def test_delivered_mail_leaves_no_setback(connection: sqlite3.Connection) -> None:
    fill_queue(connection, 10, 1)
    mail = Mail(connection)
    mail.settle()
    assert connection.execute("SELECT count(*) FROM setbacks").fetchone() == (0,)
    mail.defer()
    assert connection.execute("SELECT count(*) FROM setbacks").fetchone() == (1,)


def test_a_cohort_costs_what_is_counted_of_it(connection: sqlite3.Connection) -> None:
    """However many others there are."""
    assert SETBACK is not None
    statement = cohort_counts(SETBACK, ALICE, START, None)
    costs = []
    for others in (10, 3000):
        connection.executemany(
            "INSERT INTO setbacks"
            " VALUES (?, '', '', ?, 'd', 'p', ?, 'deferred', 'c', 's', 'o', NULL, NULL)",
            [(f"{others}-{n}", n, f"another {n % 7}") for n in range(others)],
        )
        costs.append(steps_of(connection, lambda: connection.execute(*statement).fetchall()))
    assert costs[1] < costs[0] * 1.2 + 20
