"""Migrations: in order, once, whole; mail goes on; what is no ledger of ours is left alone."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from itertools import count

import asyncpg
import pytest

from tests.support.postgres import Server
from tests.unit.tracker.postgres.locks import until_somebody_waits
from tracker.postgres.migrate import migrate, shipped
from tracker.sql.migrations import Migration
from tracker.store import SchemaTooNew, StoreError, StoreUnavailable

ONE = Migration(1, "0001_one", "CREATE TABLE one (n integer);\nINSERT INTO one VALUES (1);\n")
TWO = Migration(2, "0002_two", "ALTER TABLE one ADD COLUMN m integer NOT NULL DEFAULT 2;")
BROKEN = Migration(2, "0002_broken", "INSERT INTO one VALUES (2); INSERT INTO nowhere VALUES (1);")

START_NODE = """
import asyncio, sys
from tracker.postgres.migrate import migrate
print(*asyncio.run(migrate(sys.argv[1])))
"""

numbers = count()


@pytest.fixture
def name(postgres: Server) -> Iterator[str]:
    """The name of an empty database."""
    name = f"empty{next(numbers)}"
    postgres.create_database(name)
    yield name
    postgres.drop_database(name)


@pytest.fixture
def empty(postgres: Server, name: str) -> str:
    """Its URL."""
    return postgres.url(name)


@pytest.fixture
async def mail(empty: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else who works with it."""
    connection = await asyncpg.connect(empty)
    yield connection
    await connection.close()


def test_the_shipped_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.number for migration in shipped()] == list(range(1, len(shipped()) + 1))


async def test_migrations_are_applied_once_and_in_order(
    empty: str, mail: asyncpg.Connection
) -> None:
    assert await migrate(empty, [ONE]) == ["0001_one"]
    assert await migrate(empty, [ONE, TWO]) == ["0002_two"]
    assert await migrate(empty, [ONE, TWO]) == []
    assert [tuple(row) for row in await mail.fetch("SELECT n, m FROM one")] == [(1, 2)]


async def test_nodes_that_start_together_migrate_once(empty: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", START_NODE, empty, stdout=PIPE)
        for _ in range(4)
    ]
    said = await asyncio.gather(*(process.communicate() for process in processes))
    assert [process.returncode for process in processes] == [0] * 4
    applied = [name for output, _ in said for name in output.decode().split()]
    assert sorted(applied) == [migration.name for migration in shipped()]
    assert await migrate(empty) == []


async def test_whoever_comes_second_waits_and_goes_on(empty: str) -> None:
    slow = ONE._replace(sql=ONE.sql + "SELECT pg_sleep(0.2);")
    applied = await asyncio.gather(*(migrate(empty, [slow, TWO]) for _ in range(5)))
    assert sorted(name for names in applied for name in names) == ["0001_one", "0002_two"]


async def test_a_migration_that_fails_changes_nothing(empty: str, mail: asyncpg.Connection) -> None:
    await migrate(empty, [ONE])
    with pytest.raises(StoreUnavailable, match="nowhere"):
        await migrate(empty, [ONE, BROKEN])
    assert await mail.fetchval("SELECT count(*) FROM one") == 1
    assert await migrate(empty, [ONE, TWO]) == ["0002_two"]


async def test_a_migration_that_has_to_wait_gives_way(empty: str, mail: asyncpg.Connection) -> None:
    await migrate(empty, [ONE])
    long_reader = mail.transaction()
    await long_reader.start()
    await mail.execute("SELECT * FROM one")
    migrating = asyncio.create_task(migrate(empty, [ONE, TWO]))
    another = await asyncpg.connect(empty)
    try:
        await until_somebody_waits(another, "one")
        # It would wait for ever behind the migration if that did not give up.
        await another.execute("INSERT INTO one VALUES (3)")
        assert not migrating.done()
    finally:
        await another.close()
    await long_reader.rollback()
    assert await migrating == ["0002_two"]


async def test_a_newer_ledger_is_refused(empty: str) -> None:
    await migrate(empty, [ONE, TWO])
    with pytest.raises(SchemaTooNew, match="2"):
        await migrate(empty, [ONE])


async def test_a_migration_that_was_edited_is_refused(empty: str) -> None:
    await migrate(empty, [ONE])
    with pytest.raises(StoreError, match="another migration 0001_one than this version has"):
        await migrate(empty, [ONE._replace(sql=ONE.sql + "\n")])


@pytest.mark.parametrize(
    "table",
    ["CREATE TABLE theirs (n integer)", "CREATE TABLE migrations (id integer, batch integer)"],
)
async def test_a_database_of_another_program_is_left_alone(
    empty: str, mail: asyncpg.Connection, table: str
) -> None:
    await mail.execute(table)
    with pytest.raises(StoreError, match="another program"):
        await migrate(empty)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await mail.fetchval(tables) == 1


async def test_tables_in_another_schema_do_not_matter(empty: str, mail: asyncpg.Connection) -> None:
    await mail.execute("CREATE SCHEMA theirs; CREATE TABLE theirs.migrations (id integer)")
    assert await migrate(empty, [ONE]) == ["0001_one"]


async def test_a_database_that_does_not_exist_is_to_be_created(postgres: Server) -> None:
    with pytest.raises(StoreError, match='CREATE DATABASE "mail-ledger" ENCODING') as caught:
        await migrate(postgres.url("mail-ledger"))
    assert not isinstance(caught.value, StoreUnavailable)


async def test_a_role_that_may_make_no_tables_is_told_what_it_needs(
    postgres: Server, name: str
) -> None:
    postgres.query(f'CREATE ROLE "{name}" LOGIN')
    with pytest.raises(StoreError, match=f'ALTER DATABASE "{name}" OWNER TO "{name}"'):
        await migrate(postgres.url(name, user=name))
    postgres.query(f'ALTER DATABASE "{name}" OWNER TO "{name}"')
    assert await migrate(postgres.url(name, user=name), [ONE]) == ["0001_one"]


async def test_a_role_that_does_not_exist_is_named(postgres: Server, name: str) -> None:
    with pytest.raises(StoreError, match='role "stranger" does not exist'):
        await migrate(postgres.url(name, user="stranger"))


async def test_a_role_that_is_not_the_owner_of_the_ledger_is_told_to_be_it(
    postgres: Server, name: str, empty: str
) -> None:
    await migrate(empty, [ONE])
    postgres.query(f'CREATE ROLE "guest-{name}" LOGIN')
    with pytest.raises(StoreError, match=r"with the role that made the ledger"):
        await migrate(postgres.url(name, user=f"guest-{name}"), [ONE])


async def test_a_password_that_is_wrong_may_be_in_either_place(postgres: Server) -> None:
    with pytest.raises(StoreError, match=r"the password \(store.password, or the one in the URL\)"):
        await migrate(postgres.url("postgres", user="nobody-here"))


async def test_a_certificate_that_is_not_there_is_named(empty: str) -> None:
    missing = "sslmode=verify-full&sslrootcert=/nowhere/ca.crt"
    with pytest.raises(StoreError, match=r"/nowhere/ca\.crt.*sslrootcert") as caught:
        await migrate(f"{empty}{'&' if '?' in empty else '?'}{missing}")
    assert not isinstance(caught.value, StoreUnavailable)


async def test_a_database_that_is_not_in_utf_8_gets_no_tables(postgres: Server) -> None:
    name = f"ascii{next(numbers)}"
    postgres.query(
        f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' "
        "TEMPLATE template0"
    )
    with pytest.raises(StoreError, match=r"encoding is SQL_ASCII; create it with ENCODING 'UTF8'"):
        await migrate(postgres.url(name))
    assert postgres.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'", name) == []
    postgres.drop_database(name)


async def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1/ledger"):
        await migrate("postgresql://sendtrace@127.0.0.1:1/ledger")


async def test_a_server_that_takes_no_writes_is_unavailable(
    postgres: Server, name: str, empty: str
) -> None:
    postgres.query(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with pytest.raises(StoreUnavailable, match="the server takes no writes"):
        await migrate(empty)
