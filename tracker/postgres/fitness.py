"""What a database must be so that a ledger can be in it."""

from tracker.store import StoreError

_OLDEST = 15
"""The oldest major version of PostgreSQL that is supported."""


def check_fit(number: int, version: str, encoding: str) -> None:
    """Check the server's version, as a number and as it is shown, and the database's encoding.

    Raises StoreError, which says what to change.
    """
    if number < _OLDEST * 10_000:
        raise StoreError(f"PostgreSQL {version} is too old; it must be {_OLDEST} or newer")
    if encoding != "UTF8":
        raise StoreError(f"the database's encoding is {encoding}; create it with ENCODING 'UTF8'")
