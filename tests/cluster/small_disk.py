"""A file system of few megabytes, which a test can fill."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.system import as_root, go_without
from tests.support.postgres import make_directory

_LEFT = 16 * 1024
"""Bytes that stay free on a disk that counts as full."""


class SmallDisk:
    """A file system at `directory`, which belongs to whoever runs the servers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def fill(self) -> None:
        """Leave no room on it."""
        self._ballast.touch()
        free = shutil.disk_usage(self.directory).free
        with self._ballast.open("r+b") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, max(1, free - _LEFT))

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
