"""The key of everything that is stored as a hash instead of what it was.

It is no part of the ledger: who gets hold of a copy of the ledger cannot try addresses out.
"""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final

from config.settings import Settings
from tracker.belonging import hand_to_owner, make_directory

FILE: Final = "pseudonyms.key"
_OCTETS: Final = 32


def open_key(settings: Settings) -> bytes:
    """Return the key: `tracking.key`, else that of the state directory, made when there is none.

    Raises OSError when it can be neither read nor made.
    """
    if settings.tracking.key is not None:
        return settings.tracking.key.encode()
    path = settings.state_directory / FILE
    with contextlib.suppress(FileNotFoundError):
        return _read(path)
    make_directory(settings.state_directory)
    _make(path)
    return _read(path)


def _read(path: Path) -> bytes:
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def _make(path: Path) -> None:
    """Make a key whole or not at all; of several processes that do, the first one's counts."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            hand_to_owner(descriptor, path.parent)
            file.write(os.urandom(_OCTETS).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
