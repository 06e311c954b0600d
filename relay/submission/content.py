"""The octets of a message on their way in: in memory while small, else in a file without a name.

What is here is not durable; the ledger makes it so before the client hears 250.
"""

import hashlib
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

MEMORY_LIMIT = 1024 * 1024
"""Octets kept in memory; a message that grows beyond goes to a file as a whole."""

CHUNK = 256 * 1024
"""Octets of the largest piece handed out."""


class SpooledContent:
    """A message under construction, then content that can be read any number of times.

    The file has no name, so that it vanishes with the process; it is closed by `close`, or when
    nobody refers to the content any more.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._prefix = b""
        self._pieces: list[bytes] = []
        self._length = 0
        self._hash = hashlib.sha256()
        self._file: int | None = None
        self._close: Callable[[], object] = _do_nothing

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self._prefix) + self._length

    @property
    def sha256(self) -> str:
        """The digest of what was appended, in hexadecimal; what was put before it does not count.

        So it is the digest of the message as its sender has it.
        """
        return self._hash.hexdigest()

    def append(self, piece: bytes) -> None:
        """Add octets at the end. Raises OSError when the disk does not take them."""
        self._length += len(piece)
        self._hash.update(piece)
        if self._file is not None:
            _write_all(self._file, piece)
            return
        self._pieces.append(piece)
        if self._length > MEMORY_LIMIT:
            self._move_to_file()

    def head(self, limit: int) -> bytes:
        """Return the first octets that were appended, `limit` at most."""
        if self._file is not None:
            return os.pread(self._file, limit, 0)
        if len(self._pieces) != 1 and (not self._pieces or len(self._pieces[0]) < limit):
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0][:limit]

    def prepend(self, prefix: bytes) -> None:
        """Put `prefix` before everything else."""
        self._prefix = prefix + self._prefix

    def chunks(self) -> Iterator[bytes]:
        """Yield the octets in order, in pieces of at most 256 KiB."""
        if self._file is not None:
            if self._prefix:
                yield self._prefix
            yield from self._read_file(self._file)
            return
        octets = b"".join([self._prefix, *self._pieces])
        for start in range(0, len(octets), CHUNK):
            yield octets[start : start + CHUNK]

    def close(self) -> None:
        """Let go of the file; there is nothing to read afterwards."""
        self._pieces.clear()
        self._prefix = b""
        self._length = 0
        self._close()

    def _read_file(self, file: int) -> Iterator[bytes]:
        offset = 0
        while offset < self._length:
            # pread has a position of its own: two readers do not disturb each other.
            chunk = os.pread(file, min(CHUNK, self._length - offset), offset)
            if not chunk:
                raise OSError("the spooled message is shorter than what was written")
            yield chunk
            offset += len(chunk)

    def _move_to_file(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        file, name = tempfile.mkstemp(prefix="incoming-", dir=self._directory)
        self._file = file
        self._close = weakref.finalize(self, os.close, file)
        Path(name).unlink()
        for piece in self._pieces:
            _write_all(file, piece)
        self._pieces.clear()


def _write_all(file: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(file, view) :]


def _do_nothing() -> None:
    """Stand in for closing a file as long as there is none."""
