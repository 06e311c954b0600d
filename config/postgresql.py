"""The URL of a PostgreSQL server or cluster. Pure text work: nothing here connects.

postgresql://user:password@host1:5432,host2/database?sslmode=verify-full
"""

import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SCHEMES: Final = ("postgresql", "postgres")

_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_WRITABLE: Final = ("any", "primary", "read-write")
_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "host": (),
    "port": (),
    "sslmode": _SSL_MODES,
    "sslrootcert": (),
    "sslcert": (),
    "sslkey": (),
    "target_session_attrs": _WRITABLE,
}
"""Each option with the words it may be; () for any text."""
_ELSEWHERE: Final = {
    "user": "write the user before the @: postgresql://user@host/database",
    "password": "put it into store.password, or before the @: postgresql://user:password@host/…",
    "dbname": "write the database behind the host: postgresql://host/database",
    "database": "write the database behind the host: postgresql://host/database",
    "application_name": "the name of the connections is ours to set",
}
_HOST: Final = re.compile(r"\[[0-9A-Fa-f:.]+(?:%[^\]]+)?\]|[^\s:\[\],]+")
_CREDENTIALS: Final = re.compile(r"^([a-z]+://)(?:([^:@/]*)(?::[^@/]*)?@)?")


def is_postgresql(url: str) -> bool:
    """Say whether `url` names a PostgreSQL server by its scheme."""
    return url.partition(":")[0] in SCHEMES


def check_postgresql_url(url: str) -> str:
    """Return `url` if asyncpg and we understand all of it; ValueError says what is wrong."""
    scheme, colon, rest = url.partition(":")
    if scheme not in SCHEMES or not colon or not rest.startswith("//"):
        raise ValueError("write postgresql://user@host/database")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("brackets go around an IPv6 address only: [::1]:5432") from None
    if parts.fragment or "#" in url:
        raise ValueError("write # as %23")
    authority, at, hosts = parts.netloc.rpartition("@")
    # First of all, and without a word of what is there: it may be a part of a password.
    if "@" in authority or "@" in parts.path + parts.query:
        raise ValueError("in a user's name or password, @ is %40, / is %2F and ? is %3F")
    if at and not authority.partition(":")[0]:
        raise ValueError("the user is missing before the password")
    for each in hosts.split(",") if hosts else ():
        _check_host(each)
    _check_database(parts.path)
    _check_place(hosts, _options(parts.query))
    return url


def with_password(url: str, password: str) -> str:
    """Return a checked URL with `password` in the place of its own, or added to its user."""
    secret = f":{quote(password, safe='')}"

    def replace(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2] or ''}{secret}@"

    return _CREDENTIALS.sub(replace, url, count=1)


def without_password(url: str) -> str:
    """Return a checked URL without the password in it."""

    def replace(match: re.Match[str]) -> str:
        return match[1] + (f"{match[2]}@" if match[2] else "")

    return _CREDENTIALS.sub(replace, url, count=1)


def _check_database(path: str) -> None:
    name = path.removeprefix("/")
    if not name:
        raise ValueError("the name of the database is missing: postgresql://host/database")
    if "/" in name:
        raise ValueError("behind the host stands the name of one database, in which / is %2F")


def _options(query: str) -> dict[str, str]:
    """Return what stands behind the ?; ValueError for what is unknown, doubled or wrong."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise ValueError("behind the ? stand options, such as sslmode=verify-full") from None
    options: dict[str, str] = {}
    for name, value in pairs:
        if name not in _OPTIONS:
            hint = _ELSEWHERE.get(name, f"the options are {', '.join(_OPTIONS)}")
            raise ValueError(f"the option {name} is not supported; {hint}")
        if name in options:
            raise ValueError(f"the option {name} is there twice")
        words = _OPTIONS[name]
        if words and value not in words:
            raise ValueError(f"{name} is one of {', '.join(words)}")
        if not value:
            raise ValueError(f"the option {name} is empty")
        options[name] = value
    return options


def _check_place(hosts: str, options: dict[str, str]) -> None:
    """Check that there are hosts, either before the database or in the option host."""
    if hosts and ("host" in options or "port" in options):
        raise ValueError("hosts and ports stand before the database or in options, not both")
    if not hosts and "host" not in options:
        raise ValueError(
            "the host is missing: postgresql://host/database, or ?host=/folder for a socket"
        )
    for port in options.get("port", "5432").split(","):
        _check_port(port)


def _check_host(text: str) -> None:
    match = _HOST.match(text)
    if match is None or not unquote(match[0]) or (text[0] != "[" and text.count(":") > 1):
        raise ValueError("hosts are host or host:port; an IPv6 address has brackets: [::1]:5432")
    rest = text[match.end() :]
    if rest and not rest.startswith(":"):
        raise ValueError("hosts are host or host:port, with commas between them")
    if rest:
        _check_port(rest[1:])


def _check_port(text: str) -> None:
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or not 1 <= int(text) <= 65535:
        raise ValueError("a port is a number from 1 to 65535")
