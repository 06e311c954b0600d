"""The URL of a PostgreSQL ledger: what is understood, what is refused, where its password goes."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from config.document import render_effective
from config.postgresql import check_postgresql_url, with_password, without_password
from config.settings import Settings, StoreSettings
from tests.unit.config.reading import Load, problems_of

GOOD = [
    "postgresql://db/sendtrace",
    "postgres://relay@db/sendtrace",
    "postgresql://relay:p%40ss%2Fw@db:5433/sendtrace",
    "postgresql://relay@db1:5432,db2:5433,[2001:db8::1]:5434/x?target_session_attrs=read-write",
    "postgresql://relay@[::1]/sendtrace?sslrootcert=/etc/ca.pem&sslmode=require",
    "postgresql://relay@%2Frun%2Fpostgresql/sendtrace",
    "postgresql:///sendtrace?host=/run/postgresql&port=5433",
    "postgresql://relay@/sendtrace?host=db1,db2",
    "postgresql://db/x?sslcert=/a.pem&sslkey=/a.key&sslmode=require",
]


@pytest.mark.parametrize("url", GOOD)
def test_what_is_accepted_is_understood_by_the_driver(url: str) -> None:
    assert check_postgresql_url(url) == url
    addresses, parameters = driver_reads(re.sub(r"(sslrootcert|sslcert|sslkey)=[^&]*&", "", url))
    assert addresses
    assert parameters.database in ("sendtrace", "x")
    assert parameters.server_settings is None


def driver_reads(url: str) -> Any:
    """Return the addresses and parameters that asyncpg finds in `url`."""
    names = (
        "host", "port", "user", "password", "passfile", "database", "ssl", "service",
        "servicefile", "direct_tls", "server_settings", "target_session_attrs", "krbsrvname",
        "gsslib",
    )  # fmt: skip
    parse = import_module("asyncpg.connect_utils")._parse_connect_dsn_and_args
    return parse(dsn=url, **dict.fromkeys(names))


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgresql:db/x", "write postgresql://user@host/database"),
        ("postgresql", "write postgresql://user@host/database"),
        ("postgresql://db", "name of the database"),
        ("postgresql://db/", "name of the database"),
        ("postgresql://db/x/y", "one database"),
        ("postgresql:///x", "the host is missing"),
        ("postgresql://db:x/y", "a port is a number from 1 to 65535"),
        ("postgresql://db:0/x", "a port is a number"),
        ("postgresql://db:65536/x", "a port is a number"),
        ("postgresql://db1,,db2/x", "hosts are host or host:port"),
        ("postgresql://2001:db8::1/x", "an IPv6"),
        ("postgresql://[::1/x", "brackets"),
        ("postgresql://[::1]5432/x", "with commas between them"),
        ("postgresql://:pass@db/x", "the user is missing"),
        ("postgresql://relay:p@ss@db/x", "@ is %40"),
        ("postgresql://relay:pa/ss@db/x", "/ is %2F"),
        ("postgresql://relay:pa?ss@db/x", "? is %3F"),
        ("postgresql://relay:pa#ss@db/x", "write # as %23"),
        ("postgresql://db/x?password=y", "put it into store.password"),
        ("postgresql://db/x?user=y", "before the @"),
        ("postgresql://db/x?dbname=y", "behind the host"),
        ("postgresql://db/x?application_name=y", "ours to set"),
        ("postgresql://db/x?work_mem=1GB", "the options are host, port, sslmode, sslrootcert"),
        ("postgresql://db/x?sslmode=on", "sslmode is one of disable, allow, prefer, require"),
        ("postgresql://db/x?sslmode=require&sslmode=allow", "twice"),
        ("postgresql://db/x?sslkey=", "is empty"),
        ("postgresql://db/x?nonsense", "such as sslmode=verify-full"),
        ("postgresql://db/x?target_session_attrs=standby", "one of any, primary, read-write"),
        ("postgresql://db/x?host=db2", "not both"),
        ("postgresql:///x?host=/run&port=a", "a port is a number"),
    ],
)
def test_what_is_wrong_is_explained(url: str, hint: str, load_text: Load) -> None:
    (problem,) = problems_of(lambda: load_text(f'[store]\nurl = "{url}"'))
    assert problem.key == "store.url"
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("url", "full", "bare"),
    [
        ("postgresql://db/x", "postgresql://:s%40%2F%3A@db/x", "postgresql://db/x"),
        ("postgres://u@db/x", "postgres://u:s%40%2F%3A@db/x", "postgres://u@db/x"),
        ("postgresql://u:p:q@db/x", "postgresql://u:s%40%2F%3A@db/x", "postgresql://u@db/x"),
        (
            "postgresql://u:p@a:1,b:2/x?sslmode=allow",
            "postgresql://u:s%40%2F%3A@a:1,b:2/x?sslmode=allow",
            "postgresql://u@a:1,b:2/x?sslmode=allow",
        ),
        ("postgresql:///x?host=/run", "postgresql://:s%40%2F%3A@/x?host=/run",
         "postgresql:///x?host=/run"),
    ],
)  # fmt: skip
def test_a_password_is_put_in_and_taken_out(url: str, full: str, bare: str) -> None:
    assert check_postgresql_url(url) == url
    assert with_password(url, "s@/:") == full
    assert driver_reads(full)[1].password == "s@/:"
    assert without_password(url) == without_password(full).replace("://@", "://") == bare


def test_the_password_of_its_own_key_counts() -> None:
    store = StoreSettings(
        url="postgresql://u:old@db/x", password="new", listen_url="postgresql://u@direct/x"
    )
    assert store.postgresql_url() == "postgresql://u:new@db/x"
    assert store.postgresql_listen_url() == "postgresql://u:new@direct/x"
    plain = StoreSettings(url="postgresql://u:old@db/x")
    assert plain.postgresql_url() == "postgresql://u:old@db/x"
    assert plain.postgresql_listen_url() is None


def test_nothing_that_is_shown_has_a_password_in_it() -> None:
    store = StoreSettings(
        url="postgresql://relay:hunter2@db:5432/x?sslmode=allow",
        password="hunter3",
        listen_url="postgresql://relay:hunter2@direct/x",
    )
    settings = Settings(store=store)
    for text in (repr(settings), store.place, render_effective(settings)):
        assert "db:5432/x" in text
        assert "hunter" not in text
    assert store.place == "postgresql://relay@db:5432/x?sslmode=allow"


def test_a_password_may_come_from_a_file(load_text: Load, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n", encoding="utf-8")
    loaded = load_text(
        '[store]\nurl = "postgresql://u@db/x"', SENDTRACE_STORE__PASSWORD_FILE=str(secret)
    )
    assert loaded.settings.store.postgresql_url() == "postgresql://u:hunter2@db/x"


@pytest.mark.parametrize(
    "line",
    ['password = "x"', 'listen_url = "postgresql://db/x"', "pooler = true"],
    ids=["password", "listen_url", "pooler"],
)
def test_what_a_file_has_no_use_for_is_refused(line: str, load_text: Load) -> None:
    (problem,) = problems_of(lambda: load_text(f'[store]\nurl = "sqlite:x.db"\n{line}'))
    assert problem.key == f"store.{line.partition(' ')[0]}"
    assert "because store.url names a file" in problem.expected
    load_text(f'[store]\nurl = "postgresql://db/x"\n{line}')


@pytest.mark.parametrize("name", ["mail-1", "a", "pod.sendtrace-0_x", "9"])
def test_a_node_has_a_name(name: str, load_text: Load) -> None:
    assert load_text(f'node = "{name}"').settings.node == name
    assert load_text("").settings.node is None


@pytest.mark.parametrize("name", ["", "a b", "-x", "é", "a\\n", "x" * 256])
def test_a_bad_name_of_a_node_is_refused(name: str, load_text: Load) -> None:
    (problem,) = problems_of(lambda: load_text(f'node = "{name}"'))
    assert problem.key == "node"
