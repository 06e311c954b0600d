"""A password that comes through standard input, and has no end."""

import resource
import subprocess
from pathlib import Path

from tests.support.service import COMMAND

_MEMORY = 2 << 30


def test_a_password_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    with Path("/dev/zero").open("rb") as endless:
        done = subprocess.run(
            [COMMAND, "account", "add", "a@example.org", "--password-stdin"],
            stdin=endless,
            cwd=tmp_path,
            env={"SENDTRACE_HOSTNAME": "relay.example.org"},
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY)),
        )
    assert done.returncode == 2
    assert "1024 characters at most" in done.stderr
