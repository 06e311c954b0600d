"""Room on the disks of this machine: whether something failed for want of it, and how much is."""

import errno
import os
from pathlib import Path
from typing import Final

import msgspec

from config.settings import Settings

WORKER_NEEDS: Final = 1024 * 1024
"""Bytes that a worker needs to begin: files of its counters and of what is in flight, and a commit
to a ledger in a file. It is less, with something to spare."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Shortage(msgspec.Struct, frozen=True, kw_only=True):
    """A directory whose disk has too little room; as text a sentence that says what to do."""

    directory: Path
    free: int
    """Bytes that we may use."""
    needed: int
    """Bytes."""
    has_inodes: bool = True
    """False when no more files can be made, however many bytes are free."""

    def __str__(self) -> str:
        if not self.has_inodes:
            lacks = f"the disk of {self.directory} takes no more files (it has no inode left)"
        else:
            lacks = (
                f"the disk of {self.directory} has {self.free} bytes free "
                f"where {self.needed} are needed"
            )
        return f"{lacks}; delete or move something that lies on it, or make it larger"


def find_shortages(settings: Settings, needed: int) -> list[Shortage]:
    """Return which directories of the relay have less than `needed` bytes free, one for each disk.

    They are the state directory and that of a ledger in a file.
    """
    directories = [settings.state_directory]
    if not settings.store.is_postgresql:
        directories.append(settings.store.sqlite_path().parent)
    found: dict[int, Shortage] = {}
    for directory in directories:
        try:
            there, room = directory.stat(), os.statvfs(directory)
        except OSError:
            continue  # what it lacks is not room
        free = room.f_bavail * room.f_frsize
        has_inodes = room.f_favail > 0 or room.f_files == 0
        if free < needed or not has_inodes:
            found.setdefault(
                there.st_dev,
                Shortage(
                    directory=directory.absolute(), free=free, needed=needed, has_inodes=has_inodes
                ),
            )
    return list(found.values())


def is_full(error: BaseException) -> bool:
    """Say whether `error` came of a full disk, of this machine or of the database's server."""
    return any(map(_tells_of_a_full_disk, _with_causes(error)))


def _tells_of_a_full_disk(error: BaseException) -> bool:
    return (
        (isinstance(error, OSError) and error.errno in _FULL)
        or getattr(error, "sqlite_errorname", None) == "SQLITE_FULL"
        or getattr(error, "sqlstate", None) == "53100"
    )


def _with_causes(error: BaseException) -> list[BaseException]:
    """Return an error and what caused it; drivers that raise one object twice make circles."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and not any(cause is each for each in chain):
        chain.append(cause)
        cause = cause.__cause__
    return chain
