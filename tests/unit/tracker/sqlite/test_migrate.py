"""Migrations: in order, once, whole; and what is no ledger of ours is left alone."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tracker.sql.migrations import Migration
from tracker.sqlite import migrate, open_ledger
from tracker.sqlite.migrate import shipped
from tracker.store import SchemaTooNew, StoreError, StoreUnavailable

ONE = Migration(1, "0001_one", "CREATE TABLE one (n INTEGER);\nINSERT INTO one VALUES (1);\n")
TWO = Migration(
    2,
    "0002_two",
    "-- a trigger has semicolons inside\nCREATE TRIGGER two AFTER"
    " INSERT ON one BEGIN DELETE FROM one WHERE n < 0; SELECT 1; END;",
)
BROKEN = Migration(2, "0002_broken", "INSERT INTO one VALUES (2); INSERT INTO nowhere VALUES (1);")


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_the_shipped_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.number for migration in shipped()] == list(range(1, len(shipped()) + 1))


def test_migrations_are_applied_once_and_in_order(path: Path) -> None:
    assert migrate(path, [ONE]) == ["0001_one"]
    assert migrate(path, [ONE, TWO]) == ["0002_two"]
    assert migrate(path, [ONE, TWO]) == []
    assert rows(path, "SELECT n FROM one") == [(1,)]


def test_a_new_ledger_gets_all_that_are_shipped(path: Path) -> None:
    assert migrate(path) == [migration.name for migration in shipped()]
    assert migrate(path) == []


def test_processes_that_start_together_migrate_once(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        applied = list(pool.map(migrate, [path] * 8))
    assert sorted(map(len, applied)) == [0] * 7 + [len(shipped())]


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    migrate(path, [ONE])
    with pytest.raises(StoreUnavailable, match="nowhere"):
        migrate(path, [ONE, BROKEN])
    assert rows(path, "SELECT n FROM one") == [(1,)]
    assert migrate(path, [ONE, TWO]) == ["0002_two"]


def test_a_newer_ledger_is_refused(path: Path) -> None:
    migrate(path, [ONE, TWO])
    with pytest.raises(SchemaTooNew, match="2"):
        migrate(path, [ONE])


def test_a_migration_that_was_edited_is_refused(path: Path) -> None:
    migrate(path, [ONE])
    with pytest.raises(StoreError, match="another migration 0001_one than this version has"):
        migrate(path, [ONE._replace(sql=ONE.sql + "\n")])


async def test_opening_refuses_a_newer_ledger(path: Path) -> None:
    migrate(path, [*shipped(), Migration(9999, "9999_future", "CREATE TABLE future (n INTEGER);")])
    with pytest.raises(SchemaTooNew):
        await open_ledger(path)


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (n INTEGER)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        migrate(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"precious, " * 100)
    with pytest.raises(StoreError, match="not a database"):
        migrate(path)
    assert path.read_bytes() == b"precious, " * 100


def test_a_ledger_that_cannot_be_opened_is_unavailable(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreUnavailable, match=path.name):
        migrate(path)
