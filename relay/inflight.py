"""The small memory of what has been handed over but is not yet settled.

One file for each worker, mapped into memory: a recipient's id goes in just before the final dot
and out after `settle`. After a crash of the process the file tells which recipients the remote
server may already have (RFC 1047). It is never synced: the page cache survives a dead process,
which is the case that happens. It begins with the id of the machine's boot, so that after a power
cut nobody takes what is left of it for the truth.

The worker holds a lock on its file for as long as it lives, so whoever can take the lock knows
that the worker is dead.
"""

import fcntl
import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from tracker.model import LeaseToken, RecipientId, is_id

_SLOT = 32
"""Bytes for one id; 26 are used."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_GROWTH = 1024
"""Slots the file grows by."""
_EMPTY = bytes(_SLOT)


def path_of(directory: Path, lease: LeaseToken) -> Path:
    """Return where the file of `lease` lies."""
    return directory / f"inflight-{lease}"


class InFlight:
    """The file of a living worker. Not for use by several threads."""

    def __init__(self, path: Path) -> None:
        """Create the file and lock it.

        Raises BlockingIOError when a living worker has it, OSError when there is no room.
        """
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise
        try:
            _extend(self._file, _SLOT * _GROWTH)
            self._map = mmap.mmap(self._file, _SLOT * _GROWTH)
        except BaseException:
            os.close(self._file)
            raise
        self._map[:_SLOT] = boot_id()
        self._free = list(range(1, _GROWTH))
        self._slots: dict[RecipientId, int] = {}

    def enter(self, recipients: Iterable[RecipientId]) -> None:
        """Note that the final dot for `recipients` is about to be sent.

        Raises OSError when the file must grow and there is no room.
        """
        for recipient in recipients:
            if recipient in self._slots:
                continue
            if not self._free:
                self._grow()
            slot = self._free.pop()
            self._slots[recipient] = slot
            self._map[slot * _SLOT : slot * _SLOT + len(recipient)] = recipient.encode("ascii")

    def leave(self, recipients: Iterable[RecipientId]) -> None:
        """Note that `recipients` are settled, or that the server has refused them."""
        for recipient in recipients:
            slot = self._slots.pop(recipient, None)
            if slot is not None:
                self._map[slot * _SLOT : (slot + 1) * _SLOT] = _EMPTY
                self._free.append(slot)

    @property
    def recipients(self) -> frozenset[RecipientId]:
        """Who is in flight now."""
        return frozenset(self._slots)

    def close(self, *, remove: bool) -> None:
        """Let go of the file; `remove` it when nothing in it is of use any more."""
        self._map.close()
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _grow(self) -> None:
        size = len(self._map)
        _extend(self._file, size + _SLOT * _GROWTH)
        self._map.resize(size + _SLOT * _GROWTH)
        self._free.extend(range(size // _SLOT, size // _SLOT + _GROWTH))


class Remains:
    """What the file of another worker says; holds its lock, if that was free, until closed."""

    def __init__(self, path: Path, file: int, *, alive: bool) -> None:
        self.alive = alive
        """True while its worker runs and holds the lock."""
        self.recipients = _read(file)
        """Who had been sent their final dot and is not settled; None when nobody knows, because
        the machine has been started anew since, or the file is lost."""
        self._path = path
        self._file = file

    @classmethod
    def take(cls, path: Path) -> Self:
        """Return what is at `path`."""
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return cls(path, file, alive=True)
        return cls(path, file, alive=False)

    def close(self, *, recorded: bool) -> None:
        """Let go; a dead worker's file is removed once its recipients are on record."""
        if recorded and not self.alive:
            self._path.unlink(missing_ok=True)
        os.close(self._file)


def boot_id() -> bytes:
    """Return what tells this boot of the machine from others, in 32 bytes."""
    return _BOOT_ID.read_bytes().replace(b"-", b"").strip()[:_SLOT].ljust(_SLOT, b"0")


def _extend(file: int, size: int) -> None:
    """Give the file `size` bytes that are really there.

    Writing to a hole of a mapped file on a full disk would end the process (SIGBUS).
    """
    os.posix_fallocate(file, 0, size)


def _read(file: int) -> frozenset[RecipientId] | None:
    raw = os.pread(file, os.fstat(file).st_size, 0)
    if raw[:_SLOT] != boot_id():
        return None
    found = (
        raw[at : at + _SLOT].rstrip(b"\0").decode("ascii", "replace")
        for at in range(_SLOT, len(raw), _SLOT)
    )
    return frozenset(RecipientId(text) for text in found if is_id(text))
