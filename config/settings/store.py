"""Settings of the ledger's storage."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from config.schema import Setting
from config.units import parse_duration


def check_url(text: str) -> str:
    """Return a store URL of a form we know; ValueError says what is wrong with others.

    `sqlite:///var/lib/x.db` is the absolute path /var/lib/x.db, as in every other URL;
    `sqlite:./var/x.db` and `sqlite:var/x.db` are relative to the working directory.
    """
    scheme, colon, rest = text.partition(":")
    if scheme in ("postgresql", "postgres") and colon:
        raise ValueError("this version keeps its ledger in SQLite only, PostgreSQL is not in it")
    if scheme != "sqlite" or not colon:
        raise ValueError("the URL starts with sqlite:")
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
            'The ledger. "sqlite:///var/lib/sendtrace/ledger.db" is the absolute path '
            '/var/lib/sendtrace/ledger.db; "sqlite:./var/ledger.db" is relative to the working '
            "directory. Missing folders are created. Keep it on a local disk: network file systems "
            "do not keep SQLite's promises. This version has no other kind of ledger.",
            check=check_url,
            shape='"sqlite:///absolute/path" or "sqlite:./relative/path"',
        ),
    ] = "sqlite:./var/ledger.db"
    lease: Annotated[
        timedelta,
        Setting(
            "How long a worker owns the recipients it claimed. It is renewed while the worker "
            "lives; the recipients of a worker that died are taken over within this time.",
            least=parse_duration("1s"),
            most=parse_duration("1h"),
        ),
    ] = parse_duration("30s")

    def sqlite_path(self) -> Path:
        """Return the ledger file that `url` names; ValueError if it is not a SQLite URL."""
        path = check_url(self.url).removeprefix("sqlite:").removeprefix("//")
        # Four slashes are the absolute path of SQLAlchemy's habit; POSIX gives "//x" no meaning.
        return Path("/" + path.lstrip("/")) if path.startswith("/") else Path(path)
