"""What it means that a database cannot be had, and what to do about it."""

import os
import socket
import ssl
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from tracker.postgres.dialling import place_of
from tracker.store import StoreError, StoreUnavailable

_FILES = ("sslrootcert", "sslcert", "sslkey")


def explained(error: Exception, url: str) -> StoreError:
    """Return what `error` means, and how to mend it; no password is in it."""
    place = place_of(url)
    said = str(error) or type(error).__name__
    parts = urlsplit(url)
    database = unquote(parts.path.lstrip("/"))
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return StoreError(
            f"{place}: {said}; create it: "
            f"CREATE DATABASE \"{database}\" ENCODING 'UTF8' TEMPLATE template0"
        )
    if isinstance(error, asyncpg.InsufficientPrivilegeError | asyncpg.InvalidSchemaNameError):
        role = unquote(parts.username or "")
        return StoreError(
            f"{place}: {said}; connect with the role that made the ledger; of a new one, the role "
            f'must own the tables that it makes: ALTER DATABASE "{database}" OWNER TO "{role}", '
            f'or GRANT USAGE, CREATE ON SCHEMA public TO "{role}"'
        )
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return StoreError(
            f"{place}: {said}; check the user in store.url, the password (store.password, or the "
            "one in the URL), sslmode, and whom the server's pg_hba.conf lets in"
        )
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        said = "the server takes no writes: it is a replica, or set to read-only"
    if isinstance(error, ConnectionRefusedError):
        said = "connection refused: no server listens there; start it, or name another in store.url"
    elif isinstance(error, socket.gaierror):
        said = f"{error.strerror}; mend the host in store.url, or the name server"
    return _of_a_certificate(error, url, place) or StoreUnavailable(f"{place}: {said}")


def _of_a_certificate(error: Exception, url: str, place: str) -> StoreError | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return StoreUnavailable(
            f"{place}: the server's certificate is not trusted: {error.verify_message}; "
            "sslrootcert names the file of the authority that signed it, and with "
            "sslmode=verify-full it must be for the host in store.url"
        )
    # The system's own words for a file that is missing do not name it.
    options = parse_qs(urlsplit(url).query)
    for name in _FILES if isinstance(error, OSError) else ():
        for path in options.get(name, ()):
            if not os.access(path, os.R_OK):
                return StoreError(f"{place}: cannot read {path}, which {name} in store.url names")
    return None
