"""Numbered migrations, each applied once, in order, in a transaction of its own.

The table `migrations` keeps the checksum of what was applied, so that a file that was edited
afterwards is noticed before two ledgers drift apart.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from tracker.sqlite.connection import APPLICATION_ID, connect_writer, create_file
from tracker.sqlite.turn import TurnLock
from tracker.store import SchemaTooNew, StoreError, StoreUnavailable


class Migration(NamedTuple):
    """One step of the schema."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped() -> tuple[Migration, ...]:
    """Return the migrations of this version, in order."""
    found = []
    for file in resources.files(__package__).joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql")
            number = int(name.partition("_")[0])
            found.append(Migration(number, name, file.read_text("utf-8")))
    return tuple(sorted(found))


def migrate(path: Path, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Create the ledger at `path` if needed and bring it up to date.

    Returns the names of the migrations that were applied. Raises SchemaTooNew when the ledger
    has one that is not among `migrations` (by default those shipped), StoreError when one
    differs from what was applied or when the file is no ledger, StoreUnavailable when it cannot
    be opened or written.
    """
    wanted = shipped() if migrations is None else migrations
    try:
        create_file(path)
        turn = TurnLock(path)
        try:
            with turn.held(), closing(connect_writer(path)) as connection:
                return _apply(connection, wanted)
        finally:
            turn.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"{path}: {error}") from error


def _apply(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> list[str]:
    if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)"
    )
    applied: dict[int, str] = dict(connection.execute("SELECT number, checksum FROM migrations"))
    newer = applied.keys() - {migration.number for migration in migrations}
    if newer:
        raise SchemaTooNew(
            f"it was written by a newer version (it has migration {max(newer)}); "
            "run that version, or a newer one"
        )
    names = []
    for migration in migrations:
        if migration.number not in applied:
            _apply_one(connection, migration)
            names.append(migration.name)
        elif applied[migration.number] != migration.checksum:
            raise StoreError(
                f"it was made with another migration {migration.name} than this version has; "
                "run the version that made it"
            )
    return names


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
