"""A mount namespace in which an unpacked Debian package finds everything where it expects it.

A mail server has paths and account names compiled in. Here it sees /usr with its own files laid
over it, /var/lib, /var/spool and /run in a directory of ours, and its accounts in /etc/passwd; the
rest of the machine sees nothing of that. Needs root and overlayfs, and the packages that
`scripts/system-packages bench` unpacks.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PACKAGES = Path(__file__).parents[2] / ".bench" / "debian"
"""Where the packages are unpacked, each with what it needs in a directory of its name."""

_ON_STAGE = ["unshare", "--mount", "--pid", "--fork"]
"""A namespace of processes too: when the first one in it ends, the kernel ends all."""

_SETS = ("lib", "spool", "run")
_FILES = ("passwd", "group", "resolv.conf")
_ID = 64_000

_NO_DNS = "lookup file\n"
"""The resolver within OpenSMTPD asks for the name of every client: /etc/hosts is to say it."""


class Stage:
    """A stage for one package with its files in `directory`."""

    def __init__(self, package: str, directory: Path, accounts: Sequence[str]) -> None:
        self._directory = directory
        self._overlay = PACKAGES / package / "usr"
        self.ids = {name: _ID + n for n, name in enumerate(accounts)}
        directory.chmod(0o755)
        for name in _SETS:
            (directory / name).mkdir()
        for file, extra in (("passwd", ":/:/usr/sbin/nologin"), ("group", "")):
            lines = [
                f"{name}:x:{n}:" + (f"{n}:{extra}" if extra else "") for name, n in self.ids.items()
            ]
            text = Path("/etc", file).read_text() + "\n".join(lines) + "\n"
            (directory / file).write_text(text)
        (directory / "resolv.conf").write_text(_NO_DNS)

    def command(self, *command: str) -> list[str]:
        """Return what runs `command` on stage."""
        place = shlex.quote(str(self._directory))
        overlay = shlex.quote(f"lowerdir={self._overlay}:/usr")
        scenery = [
            f"mount -t overlay overlay -o {overlay} /usr",
            *(f"mount --bind {place}/{name} /etc/{name}" for name in _FILES),
            *(f"mount --bind {place}/{name} /var/{name}" for name in ("lib", "spool")),
            f"mount --bind {place}/run /run",
            "mount -t proc proc /proc",
            f"exec {shlex.join(command)}",
        ]
        return [*_ON_STAGE, "sh", "-ec", "; ".join(scenery)]

    @contextmanager
    def run(self, *command: str) -> Iterator[int]:
        """Run a server on stage; the value is the process that all of it descends from."""
        with (self._directory / "output").open("wb") as output:
            process = subprocess.Popen(self.command(*command), stdout=output, stderr=output)
        try:
            yield process.pid
        finally:
            for first in _children(process.pid):
                os.kill(first, signal.SIGKILL)
            process.wait()

    def output(self, *command: str) -> str:
        """Return what a command on a stage of its own says."""
        return subprocess.run(
            self.command(*command), check=True, capture_output=True, text=True
        ).stdout


def call_beside(pid: int, *command: str) -> None:
    """Run a command on the stage of a process of `Stage.run`."""
    (first,) = _children(pid)
    subprocess.run(
        ["nsenter", "--target", str(first), "--mount", "--pid", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _children(pid: int) -> list[int]:
    """Return the children of a process that has one thread."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def why_not(package: str) -> str | None:
    """Say why `package` cannot be brought on stage; None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    if not (PACKAGES / package / "usr").is_dir():
        return f"{package} is not unpacked: run scripts/system-packages bench"
    overlay = f"lowerdir={PACKAGES / package / 'usr'}:/usr"
    tried = subprocess.run(
        [*_ON_STAGE, "mount", "-t", "overlay", "overlay", "-o", overlay, "/usr"],
        check=False,
        capture_output=True,
        text=True,
    )
    return f"no overlay can be mounted here: {tried.stderr.strip()}" if tried.returncode else None
