"""What it means that the file of a ledger cannot be had, and what to do about it."""

import sqlite3
from pathlib import Path
from typing import Final

from tracker.store import StoreUnavailable

_ABOUT_FILES: Final = (PermissionError, FileNotFoundError, NotADirectoryError, IsADirectoryError)
_BROKEN: Final = (
    "move it away with every file beside it that begins with its name, then put a backup in its "
    "place: see Restoring in docs/operating.md"
)
_NOT_LET: Final = (
    "the account that runs Sendtrace has to be able to make and write it and the files beside it"
)


def explained(error: sqlite3.Error | OSError, path: Path) -> StoreUnavailable:
    """Return what `error` means for the ledger at `path`, and how to mend it."""
    return StoreUnavailable(f"{path}: {_of_file(error, path) or _of_ledger(error)}")


def _of_file(error: Exception, path: Path) -> str | None:
    if not isinstance(error, OSError):
        return None
    is_other = error.filename is not None and Path(error.filename) != path
    said = f"{error.strerror} ({error.filename})" if is_other else str(error.strerror)
    return f"{said}; {_NOT_LET}" if isinstance(error, _ABOUT_FILES) else said


def _of_ledger(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return f"{error}; {_NOT_LET}"
    return f"{error}; {_BROKEN}" if name == "SQLITE_CORRUPT" else str(error)
