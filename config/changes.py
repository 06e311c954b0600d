"""What differs between two configurations, and what a running service cannot follow. Pure."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from config.plain import to_plain
from config.settings import Settings

_MISSING: Final = object()


def changed_keys(before: Settings, after: Settings) -> tuple[str, ...]:
    """Return the keys whose values differ, in order; of arrays of tables the array's."""
    return tuple(_differences(to_plain(before), to_plain(after), ""))


def keys_that_need_a_restart(before: Settings, after: Settings) -> tuple[str, ...]:
    """Return the changed keys that a reload must not follow.

    They say where things are: mail that waits would be left behind in the other ledger, and the
    state directory is held by whoever started in it.
    """
    found = []
    if before.state_directory != after.state_directory:
        found.append("state_directory")
    if _ledger(before) != _ledger(after):
        found.append("store.url")
    return tuple(found)


def _differences(before: object, after: object, key: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            inner = f"{key}.{name}" if key else name
            yield from _differences(before.get(name, _MISSING), after.get(name, _MISSING), inner)
    elif before != after:
        yield key


def _ledger(settings: Settings) -> str:
    """Return which ledger it is; the servers of a cluster may change, the database may not."""
    store = settings.store
    if store.is_postgresql:
        return f"database {urlsplit(store.url).path}"
    return f"file {store.sqlite_path().absolute()}"
