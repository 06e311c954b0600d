"""Whom a file that we make belongs to, when an administrator makes it for the service.

The service runs under an account of its own, and root may run any command, before the first start
or while the service is stopped. What root makes on the way would be root's, and the service could
not open it: a ledger, the locks beside it, a key.
"""

import os
from pathlib import Path


def hand_to_owner(descriptor: int, directory: Path) -> None:
    """Give a file that we have just made to whoever owns `directory`, if we are root."""
    if os.geteuid() != 0:
        return
    owner = directory.stat()
    if owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def open_beside(path: Path, flags: int) -> int:
    """Open a file that only its owner may read, making it if `flags` say so; return its descriptor.

    Links are not followed, and only what is made here is given away: who owns the directory could
    have put a link to a file of root's there. Raises OSError.
    """
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW
    if not flags & os.O_CREAT:
        return os.open(path, flags)
    try:
        descriptor = os.open(path, flags | os.O_EXCL, 0o600)
    except FileExistsError:
        if flags & os.O_EXCL:
            raise
        return os.open(path, flags, 0o600)
    hand_to_owner(descriptor, path.parent)
    return descriptor


def make_directory(path: Path) -> None:
    """Make a directory that only its owner may enter, and those above it. Raises OSError."""
    if path.is_dir():
        return
    make_directory(path.parent)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if path.is_dir():
            return
        raise
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        hand_to_owner(descriptor, path.parent)
    finally:
        os.close(descriptor)
