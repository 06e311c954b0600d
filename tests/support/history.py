"""A ledger in a file with much history, written at once: what a busy relay has after months.

Most messages were delivered at the first try, some at the second, some were refused, few wait.
Half of the accounts send most of the mail. All is made of numbers, so that it is the same each
time but for the random parts of ids.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.support.clock import START
from tests.support.mail import make_attempt
from tracker.archive import MessageRow, RecipientRow, columns
from tracker.model import MessageId, Outcome, Recipient, RecipientId, Status, new_id
from tracker.sql.rows import ATTEMPT_COLUMNS, INSERT_ATTEMPT, attempt_columns
from tracker.sql.values import stamp
from tracker.sqlite.migrate import migrate

_AT_ONCE = 10_000
_LIFETIME = timedelta(days=7)
_SECOND = timedelta(seconds=1)

_FAST = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000", "temp_store = MEMORY")
"""Nobody else knows the file yet, and what a crash would spoil is written anew."""

_WORDS = [
    "invoice",
    "order",
    "meeting",
    "report",
    "monday",
    "update",
    "your",
    "account",
    "delivery",
    "confirmation",
    "weekly",
    "project",
    "offer",
    "agenda",
    "minutes",
    "contract",
    "draft",
    "photos",
    "holiday",
    "question",
    "answer",
    "reminder",
    "payment",
    "ticket",
    "newsletter",
    "release",
    "notes",
    "team",
    "budget",
    "review",
    "plan",
    "schedule",
    "lunch",
    "travel",
    "booking",
    "request",
]
_NAMES = [
    "anna",
    "bob",
    "carol",
    "david",
    "emma",
    "frank",
    "greta",
    "henry",
    "irene",
    "jack",
    "karla",
    "liam",
    "mona",
    "nina",
    "otto",
]
_BASE32 = "bcdfghjklmnpqrstvwxyz0123456789"

_SUBTABLES = "('messages', 'recipients', 'attempts')"


class History(NamedTuple):
    """How much is on record, of whom, and over which time."""

    recipients: int
    end: datetime
    days: int = 60
    accounts: int = 5000
    domains: int = 200

    def account(self, n: int) -> str:
        """Return the address of an account; each domain has as many."""
        return f"{_NAMES[n % len(_NAMES)]}.{n}@customer{n % self.domains}.example"

    def accepted(self, n: int) -> datetime:
        """Return when the n-th recipient was accepted."""
        age = timedelta(days=self.days) * (1 - n / self.recipients)
        return self.end - age


def fill(path: Path, history: History) -> None:
    """Create a ledger at `path` that holds nothing but `history`."""
    migrate(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in _FAST:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        later = connection.execute(
            "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger')"
            f" AND sql IS NOT NULL AND tbl_name IN {_SUBTABLES}"
        ).fetchall()
        for kind, name, _ in later:
            connection.execute(f"DROP {kind} {name}")
        connection.execute("BEGIN")
        for first in range(0, history.recipients, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, history.recipients))
            _insert(connection, [_row(history, n) for n in numbers])
        for *_, sql in later:
            connection.execute(sql)
        connection.execute(_DAYS)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()


_DAYS = """
INSERT INTO days (day, accepted, delivered, bounced, expired, cancelled)
SELECT accepted_at / 86400000000, count(*), sum(status = 'delivered'), sum(status = 'bounced'),
       sum(status = 'expired'), sum(status = 'cancelled')
FROM recipients GROUP BY 1
"""


class _Row(NamedTuple):
    message: Sequence[Any]
    recipient: Sequence[Any]
    attempts: Sequence[Sequence[Any]]


def _insert(connection: sqlite3.Connection, rows: Sequence[_Row]) -> None:
    message = _statement("messages", *MessageRow._fields, "open_recipients")
    connection.executemany(message, [row.message for row in rows])
    recipient = _statement("recipients", *RecipientRow._fields)
    connection.executemany(recipient, [row.recipient for row in rows])
    connection.executemany(INSERT_ATTEMPT, [each for row in rows for each in row.attempts])


def _statement(table: str, *fields: str) -> str:
    return f"INSERT INTO {table} ({columns(*fields)}) VALUES ({', '.join('?' * len(fields))})"


class _Fate(NamedTuple):
    status: Status
    outcomes: tuple[Outcome, ...]
    category: str


_DONE = _Fate(Status.DELIVERED, (Outcome.DELIVERED,), "accepted")
_LATE = _Fate(Status.DELIVERED, (Outcome.DEFERRED, Outcome.DELIVERED), "accepted")
_REFUSED = _Fate(Status.BOUNCED, (Outcome.FAILED,), "address-unknown")
_GIVEN_UP = _Fate(Status.EXPIRED, (Outcome.DEFERRED,), "greylisted")
_WAITS = _Fate(Status.DEFERRED, (Outcome.DEFERRED,), "greylisted")


def _fate(history: History, n: int, chance: float) -> _Fate:
    """Of a hundred 4 are refused, 6 delivered late, few given up; of the newest some wait."""
    if chance < 0.04:
        return _REFUSED
    if chance < 0.10:
        is_recent = history.recipients - n < history.recipients / 1000 + 20
        return _WAITS if is_recent else _LATE
    return _GIVEN_UP if chance > 0.998 else _DONE


def _row(history: History, n: int) -> _Row:
    random = Random(n)
    accepted = history.accepted(n)
    at, tried = stamp(accepted), stamp(accepted + _SECOND)
    message, recipient = (new_id(accepted, random.randbytes(8)) for _ in range(2))
    account = history.account(int(history.accounts * random.random() ** 2))
    domain = account.partition("@")[2]
    place = f"place{int(2000 * random.random() ** 3)}.example"
    fate = _fate(history, n, random.random())
    subject = " ".join(random.choices(_WORDS, k=4)) + f" {n}"
    whom = f"{random.choice(_NAMES)}{random.randrange(100_000)}@{place}"
    message_id = f"{random.getrandbits(80):x}@{domain}"
    client = f"192.0.{random.randrange(4)}.{random.randrange(250)}"
    is_open = fate.status is Status.DEFERRED
    attempts = list(_attempts(random, (message, recipient), place, fate, accepted))
    expires = stamp(accepted + _LIFETIME)
    return _Row(
        (*MessageRow(
            message, "mail", at, account, account, client, 49152, f"client.{domain}", "ESMTPSA",
            None, account, 4000 + n % 9000, subject, message_id, f"<{account}>", "", None, None,
            "7BIT", False, "", None, 1,
        ), int(is_open)),
        RecipientRow(
            recipient, message, at, account, domain, whom, place, place, "", None, None, expires,
            fate.status.value, tried, len(attempts), expires if is_open else None, expires, "none",
            "", None, "schedule", attempts[-1][0], fate.category,
        ),
        attempts,
    )  # fmt: skip


def _attempts(
    random: Random, ids: tuple[str, str], place: str, fate: _Fate, accepted: datetime
) -> Iterator[Sequence[Any]]:
    message, recipient = ids
    for number, outcome in enumerate(fate.outcomes, 1):
        at = accepted + (_SECOND if number == 1 else timedelta(minutes=20))
        queue_id = "".join(random.choices(_BASE32, k=12))
        columns = list(_EVIDENCE[outcome])
        own = (new_id(at, random.randbytes(8)), message, recipient, number)
        columns[:4] = own
        columns[5:7] = stamp(at), stamp(at)
        host, address = f"mx{number}.{place}", f"203.0.113.{random.randrange(250)}"
        target = f'"host":"{host}","address":"{address}"'
        columns[_PLACE], columns[_HOST], columns[_ADDRESS] = place, host, address
        columns[_TRIES] = columns[_TRIES].replace(_TARGET, target)
        if outcome is Outcome.DELIVERED:
            columns[_QUEUE_ID] = queue_id
            columns[_TEXT] = f"2.0.0 Ok: queued as {queue_id}"
        yield columns


_NAMES_OF_ATTEMPT = [name.strip(' "') for name in ATTEMPT_COLUMNS.split(",")]
_PLACE = _NAMES_OF_ATTEMPT.index("destination")
_HOST = _NAMES_OF_ATTEMPT.index("target_host")
_ADDRESS = _NAMES_OF_ATTEMPT.index("target_address")
_TRIES = _NAMES_OF_ATTEMPT.index("tries")
_TARGET = '"host":"mx1.example.org","address":"198.51.100.25"'
_QUEUE_ID = _NAMES_OF_ATTEMPT.index("remote_queue_id")
_TEXT = _NAMES_OF_ATTEMPT.index("reply_text")


def _evidence(outcome: Outcome) -> Sequence[Any]:
    recipient = Recipient(
        id=RecipientId(""),
        message_id=MessageId(""),
        forward_path="bob@example.org",
        domain="example.org",
        destination="example.org",
        status_since=START,
        expires_at=START,
    )
    return attempt_columns(make_attempt(recipient, outcome))


_EVIDENCE = {outcome: _evidence(outcome) for outcome in Outcome}
