"""A file system of few megabytes, which a test can fill."""

import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.acceptance.system import as_root, go_without
from tests.support.postgres import make_directory

_PIECE = 64 * 1024


class SmallDisk:
    """A file system at `directory`, which belongs to whoever runs the servers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def fill(self) -> None:
        """Leave no room on it."""
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(_PIECE))

    def make_room(self) -> None:
        """Undo that."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self.directory / "ballast"


@contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """Mount one while the context lasts; without root there is none."""
    directory = make_directory()
    owner = pwd.getpwuid(directory.stat().st_uid).pw_name
    options = f"size={megabytes}m,uid={owner},mode=0700"
    prefix = as_root()
    mount = [*prefix, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    if subprocess.run(mount, check=False).returncode:
        go_without("a small disk cannot be mounted here")
    try:
        yield SmallDisk(directory)
    finally:
        subprocess.run([*prefix, "umount", "--lazy", str(directory)], check=True)
