"""A ledger full of deferred mail, written into a new file at once.

    python -m benchmarks.deferred FILE [--recipients 1000000] [--destinations 1000] [--size 1024]
                                  [--first-due 3600] [--last-due 18000]

Every message has one recipient, one attempt that was deferred, and content of `--size` octets in
the database. They were accepted over the day before, and become due one after the other between
`--first-due` and `--last-due` seconds from now, each destination's spread over all of that time.
"""

import argparse
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.mail import make_attempt
from tracker.archive import MessageRow, RecipientRow, columns
from tracker.model import MessageId, Outcome, Recipient, RecipientId, Status, new_id
from tracker.sql.rows import ATTEMPT_COLUMNS, INSERT_ATTEMPT, attempt_columns
from tracker.sql.values import stamp
from tracker.sqlite.migrate import migrate

_AT_ONCE = 10_000
_AGE = timedelta(days=1)
_LIFETIME = timedelta(days=7)
_ACCOUNTS = [f"user{n}@customer{n % 100}.example" for n in range(200)]

_FAST = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000", "temp_store = MEMORY")
"""Nobody else knows the file yet, and what a crash would spoil is written anew."""

_INDEXES = """
SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
AND tbl_name IN ('messages', 'recipients', 'attempts')
"""

_DESTINATIONS = """
INSERT INTO destinations (destination, last_failure_at, next_due_at)
SELECT destination, max(status_since), min(next_attempt_at) FROM recipients GROUP BY destination
"""


class Backlog(NamedTuple):
    """How much waits, where to, and from when until when it becomes due."""

    recipients: int = 1_000_000
    destinations: int = 1000
    size: int = 1024
    first_due: timedelta = timedelta(hours=1)
    last_due: timedelta = timedelta(hours=5)


class _Row(NamedTuple):
    message: Sequence[Any]
    recipient: Sequence[Any]
    content: Sequence[Any]
    attempt: Sequence[Any]


def destination_of(backlog: Backlog, n: int) -> str:
    """Return the domain that the n-th recipient is at."""
    return f"place{n % backlog.destinations}.example"


def fill(path: Path, backlog: Backlog, now: datetime) -> None:
    """Create a ledger at `path` that holds nothing but `backlog`."""
    migrate(path)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in _FAST:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("BEGIN")
        for first in range(0, backlog.recipients, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, backlog.recipients))
            _insert(connection, list(_rows(backlog, numbers, now)))
        connection.execute(_DESTINATIONS)
        for _, sql in indexes:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    finally:
        connection.close()


def _insert(connection: sqlite3.Connection, rows: Sequence[_Row]) -> None:
    for sql, some in (
        (_statement("messages", *MessageRow._fields, "open_recipients"), "message"),
        (_statement("recipients", *RecipientRow._fields), "recipient"),
        (_statement("content", "message_id", "n", "data"), "content"),
        (INSERT_ATTEMPT, "attempt"),
    ):
        connection.executemany(sql, [getattr(row, some) for row in rows])


def _statement(table: str, *fields: str) -> str:
    return f"INSERT INTO {table} ({columns(*fields)}) VALUES ({', '.join('?' * len(fields))})"


def _rows(backlog: Backlog, numbers: range, now: datetime) -> Iterator[_Row]:
    span = backlog.last_due - backlog.first_due
    body = (b"%-76s\r\n" % b"nothing much" * (backlog.size // 78 + 1))[: backlog.size - 2] + b"\r\n"
    for n in numbers:
        part = n / backlog.recipients
        accepted = now - _AGE + part * (_AGE / 2)
        due = now + backlog.first_due + part * span
        yield _row(n, destination_of(backlog, n), accepted, due, body)


def _row(n: int, place: str, accepted: datetime, due: datetime, body: bytes) -> _Row:
    at, tried = stamp(accepted), stamp(accepted + timedelta(seconds=1))
    message, recipient, attempt = (new_id(accepted, os.urandom(8)) for _ in range(3))
    account = _ACCOUNTS[n % len(_ACCOUNTS)]
    expires = stamp(accepted + _LIFETIME)
    return _Row(
        (*MessageRow(
            message, "mail", at, account, account, "192.0.2.7", 49152, "client.example", "ESMTPSA",
            None, account, len(body), f"Invoice {n}", f"{n}@client.example", account, "", None,
            None, "7BIT", False, "", None, 1,
        ), 1),
        RecipientRow(
            recipient, message, at, account, account.partition("@")[2], f"bob{n}@{place}", place,
            place, "", None, None, expires, Status.DEFERRED.value, tried, 1, stamp(due), expires,
            "none", "", at, "schedule", attempt, "greylisted",
        ),
        (message, 0, body),
        _attempt(attempt, message, recipient, place, tried),
    )  # fmt: skip


def _attempt(attempt: str, message: str, recipient: str, place: str, at: int) -> Sequence[Any]:
    """Return one that was deferred: the evidence is everywhere the same."""
    own = {
        "id": attempt,
        "message_id": message,
        "recipient_id": recipient,
        "started_at": at,
        "ended_at": at,
        "destination": place,
    }
    return [own.get(name, value) for name, value in _EVIDENCE.items()]


def _evidence() -> dict[str, Any]:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    recipient = Recipient(
        id=RecipientId(new_id(now, bytes(8))),
        message_id=MessageId(new_id(now, bytes(8))),
        forward_path="bob@example.org",
        domain="example.org",
        destination="example.org",
        status_since=now,
        next_attempt_at=now,
        expires_at=now,
    )
    attempt = make_attempt(recipient, Outcome.DEFERRED, now=now)
    names = [name.strip(' "') for name in ATTEMPT_COLUMNS.split(",")]
    return dict(zip(names, attempt_columns(attempt), strict=True))


_EVIDENCE = _evidence()


def main() -> None:
    """Write the file and say how long that took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--recipients", type=int, default=Backlog().recipients)
    parser.add_argument("--destinations", type=int, default=Backlog().destinations)
    parser.add_argument("--size", type=int, default=Backlog().size, help="of each, in octets")
    parser.add_argument("--first-due", type=float, default=3600, help="in seconds from now")
    parser.add_argument("--last-due", type=float, default=18000, help="in seconds from now")
    options = parser.parse_args()
    began = time.perf_counter()
    due = (timedelta(seconds=options.first_due), timedelta(seconds=options.last_due))
    backlog = Backlog(options.recipients, options.destinations, options.size, *due)
    fill(options.file, backlog, datetime.now(UTC))
    print(
        f"{backlog.recipients} recipients, {options.file.stat().st_size / 1e6:.0f} MB,"
        f" {time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
