"""Settings of the ledger's storage."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from config.postgresql import (
    check_postgresql_url,
    is_postgresql,
    with_password,
    without_password,
)
from config.schema import Setting
from config.units import parse_duration


def check_url(text: str) -> str:
    """Return a store URL of a form we know; ValueError says what is wrong with others."""
    if is_postgresql(text):
        return check_postgresql_url(text)
    return _check_sqlite_url(text)


def _check_sqlite_url(text: str) -> str:
    """Return the URL of a file.

    `sqlite:///var/lib/x.db` is the absolute path /var/lib/x.db, as in every other URL;
    `sqlite:./var/x.db` and `sqlite:var/x.db` are relative to the working directory.
    """
    scheme, colon, rest = text.partition(":")
    if scheme != "sqlite" or not colon:
        raise ValueError("the URL starts with sqlite: or postgresql:")
    path = rest.removeprefix("//")
    if rest.startswith("//") and not path.startswith("/"):
        raise ValueError("write sqlite:///… for an absolute path, sqlite:… for a relative one")
    if ":memory:" in path:
        raise ValueError("a ledger in memory would lose accepted mail")
    if "?" in path:
        raise ValueError("options after ? are not supported")
    if not path.strip("/") or path.endswith("/"):
        raise ValueError("the name of a file is missing")
    return text


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the ledger is and how long a worker owns what it claimed."""

    url: Annotated[
        str,
        Setting(
            "The ledger. With SQLite it is one file of one machine: "
            '"sqlite:///var/lib/sendtrace/ledger.db" is the absolute path '
            '/var/lib/sendtrace/ledger.db; "sqlite:./var/ledger.db" is relative to the working '
            "directory. Missing folders are created. Keep it on a local disk: network file systems "
            "do not keep SQLite's promises. With PostgreSQL any number of nodes share it: "
            '"postgresql://sendtrace@db1:5432,db2:5432/sendtrace?sslmode=verify-full'
            '&target_session_attrs=read-write" names two servers of a cluster, of which the one '
            "that takes writes is used. The options are host (also the folder of a socket), port, "
            "sslmode, sslrootcert, sslcert, sslkey and target_session_attrs.",
            check=check_url,
            shape='"sqlite:///absolute/path", "sqlite:./relative/path" or '
            '"postgresql://user@host/database"',
        ),
    ] = "sqlite:./var/ledger.db"
    password: Annotated[
        str | None,
        Setting(
            "Password for PostgreSQL; one inside url or listen_url gives way to it. Best given by "
            "a file: name it in the environment variable with _FILE at its end.",
            secret=True,
            example='"…"',
        ),
    ] = None
    listen_url: Annotated[
        str | None,
        Setting(
            "How to reach the same PostgreSQL database directly, where url leads to a pooler: "
            "waiting for notifications needs a connection that stays. Without it, url is used, "
            "and what other nodes make due is found a little later when that does not work.",
            check=check_postgresql_url,
            shape='"postgresql://user@host/database"',
            example='"postgresql://sendtrace@db1:5432/sendtrace"',
        ),
    ] = None
    pooler: Annotated[
        bool,
        Setting(
            "True when url leads to a pooler in transaction mode, such as pgbouncer: no prepared "
            "statement outlives a transaction.",
        ),
    ] = False
    lease: Annotated[
        timedelta,
        Setting(
            "How long a worker owns the recipients it claimed. It is renewed while the worker "
            "lives; the recipients of a worker that died are taken over within this time, by the "
            "clock of the ledger.",
            least=parse_duration("1s"),
            most=parse_duration("1h"),
        ),
    ] = parse_duration("30s")

    @property
    def is_postgresql(self) -> bool:
        """Say whether the ledger is in PostgreSQL."""
        return is_postgresql(self.url)

    @property
    def place(self) -> str:
        """Where the ledger is, for logs and messages: no password in it."""
        return without_password(self.url) if self.is_postgresql else str(self.sqlite_path())

    def sqlite_path(self) -> Path:
        """Return the ledger file that `url` names; ValueError if it is not a SQLite URL."""
        path = _check_sqlite_url(self.url).removeprefix("sqlite:").removeprefix("//")
        # Four slashes are the absolute path of SQLAlchemy's habit; POSIX gives "//x" no meaning.
        return Path("/" + path.lstrip("/")) if path.startswith("/") else Path(path)

    def postgresql_url(self) -> str:
        """Return `url` with the password to use; ValueError if it is not a PostgreSQL URL."""
        return self._with_password(check_postgresql_url(self.url))

    def postgresql_listen_url(self) -> str | None:
        """Return `listen_url` with the password to use."""
        return None if self.listen_url is None else self._with_password(self.listen_url)

    def _with_password(self, url: str) -> str:
        return url if self.password is None else with_password(url, self.password)

    def __repr__(self) -> str:
        """Return the place and no more: a password must not end up in a log or a traceback."""
        return f"StoreSettings(place={self.place!r})"
