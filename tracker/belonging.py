"""Whom a file that we make belongs to, when an administrator makes it for the service.

The service runs under an account of its own, and root may run any command, before the first start
or while the service is stopped. What root makes on the way would be root's, and the service could
not open it: a ledger, the locks beside it, a key.
"""

import os
from pathlib import Path


def hand_to_owner(descriptor: int, directory: Path) -> None:
    """Give an open file of root's to whoever owns `directory`; of others nothing changes."""
    if os.geteuid() != 0 or os.fstat(descriptor).st_uid != 0:
        return
    owner = directory.stat()
    if owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def open_beside(path: Path, flags: int) -> int:
    """Open a file that only its owner may read, making it if `flags` say so; return its descriptor.

    Raises OSError.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    hand_to_owner(descriptor, path.parent)
    return descriptor


def make_directory(path: Path) -> None:
    """Make a directory that only its owner may enter, and those above it. Raises OSError."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        hand_to_owner(descriptor, path.parent)
    finally:
        os.close(descriptor)
