"""Programs of the system that the acceptance tests need, and what happens without them."""

import os
import shutil
import subprocess
from typing import NoReturn

import pytest

SBIN = "/usr/sbin:/sbin"


def require(*programs: str) -> None:
    """Go without this test unless every program is installed."""
    missing = [program for program in programs if find(program) is None]
    if missing:
        go_without(f"not installed: {', '.join(missing)} (scripts/system-packages tests)")


def go_without(reason: str) -> NoReturn:
    """Skip the test that asks; under CI, fail it, for a skipped test proves nothing."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def find(program: str) -> str | None:
    """Return the path of `program`, the administrator's directories included."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SBIN}")


def as_root() -> list[str]:
    """Return what to put before a command that only root may run."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    may = shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True, check=False)
    if not may or may.returncode:
        go_without("Postfix needs root: neither root nor sudo without a password here")
    return sudo
