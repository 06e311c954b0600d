"""Migrations of a SQLite ledger, each in a transaction of its own."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from tracker.sql import migrations
from tracker.sql.migrations import Migration
from tracker.sqlite.connection import APPLICATION_ID, connect_writer, create_file
from tracker.sqlite.explain import explained
from tracker.sqlite.turn import TurnLock


def shipped() -> tuple[Migration, ...]:
    """Return the migrations of this version, in order."""
    return migrations.shipped(__package__)


def migrate(path: Path, wanted: Sequence[Migration] | None = None) -> list[str]:
    """Create the ledger at `path` if needed and bring it up to date.

    Returns the names of the migrations that were applied. Raises SchemaTooNew when the ledger
    has one that is not among `wanted` (by default those shipped), StoreError when one
    differs from what was applied or when the file is no ledger, StoreUnavailable when it cannot
    be opened or written.
    """
    try:
        create_file(path)
        turn = TurnLock(path)
        try:
            with turn.held(), closing(connect_writer(path)) as connection:
                return _apply(connection, shipped() if wanted is None else wanted)
        finally:
            turn.close()
    except (sqlite3.Error, OSError) as error:
        raise explained(error, path) from error


def lacking(path: Path) -> list[str]:
    """Return the names of the migrations that the ledger at `path`, which exists, does not have.

    Raises what `migrate` does; the ledger stays as it is.
    """
    try:
        turn = TurnLock(path)
        try:
            with turn.held(), closing(connect_writer(path)) as connection:
                return [each.name for each in migrations.missing(_applied(connection), shipped())]
        finally:
            turn.close()
    except (sqlite3.Error, OSError) as error:
        raise explained(error, path) from error


def _applied(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the checksums of what was applied."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchone()
    if found is None:
        return {}
    return dict(connection.execute("SELECT number, checksum FROM migrations"))


def _apply(connection: sqlite3.Connection, wanted: Sequence[Migration]) -> list[str]:
    if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)"
    )
    todo = migrations.missing(_applied(connection), wanted)
    for migration in todo:
        _apply_one(connection, migration)
    return [migration.name for migration in todo]


def _apply_one(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(migration.sql):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO migrations (number, name, checksum) VALUES (?, ?, ?)",
            (migration.number, migration.name, migration.checksum),
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _statements(sql: str) -> Iterator[str]:
    """Split a script; sqlite3's own executescript would commit on the way."""
    statement = ""
    for piece in sql.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
