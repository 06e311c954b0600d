"""The state directory: one relay holds it, and what its processes share lies in it."""

import contextlib
import fcntl
import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tracker.draining import end_draining

_LOCK: Final = "serve.lock"


class CannotStart(Exception):
    """The relay cannot start; the message says why and what to do."""


@contextlib.contextmanager
def hold_state_directory(path: Path) -> Iterator[Path]:
    """Make the directory and hold its lock, so that one relay at a time uses it.

    A relay that begins is not draining, whatever the one before was. Raises CannotStart when
    another relay has it, or when it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise CannotStart(
            f"state_directory {path}: {error.strerror}; the account that runs Sendtrace has to own "
            "it and what is in it"
        ) from None
    except OSError as error:
        raise CannotStart(f"state_directory {path}: {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        if not isinstance(error, BlockingIOError):
            raise CannotStart(f"state_directory {path}: {error.strerror}") from None
        raise CannotStart(
            f"another relay is running with its state in {path}; stop it, or set state_directory"
        ) from None
    try:
        _forget_draining(path)
        yield path
    finally:
        os.close(file)


def other_owner(path: Path) -> str | None:
    """Return whose the directory is, when we are root and it is not ours.

    What root leaves there that account may not be able to open.
    """
    owner = path.stat().st_uid
    return _name_of(owner) if os.geteuid() == 0 and owner != 0 else None


def _name_of(account: int) -> str:
    try:
        return pwd.getpwuid(account).pw_name
    except KeyError:
        return f"account {account}"


def _forget_draining(path: Path) -> None:
    try:
        end_draining(path)
    except OSError as error:
        raise CannotStart(f"state_directory {path}: {error.strerror}") from None


def is_held(path: Path) -> bool:
    """Say whether a relay has its state in `path`. Raises OSError when that cannot be found out."""
    try:
        file = os.open(path / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def begin_counting(state: Path) -> None:
    """Give the counters of all processes an empty directory.

    It has to be called before anything that counts is imported: prometheus_client decides at
    import whether it keeps counters for one process or for many. Raises CannotStart.
    """
    directory = (state / "metrics").absolute()
    shutil.rmtree(directory, ignore_errors=True)
    try:
        directory.mkdir(mode=0o700)
    except OSError as error:
        raise CannotStart(f"state_directory {directory}: {error.strerror}") from None
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
