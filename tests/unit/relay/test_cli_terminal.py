"""Lists in a terminal: what is there to be copied stands in one piece, and nothing is cut."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.mail import make_submission
from tests.support.service import COMMAND
from tracker.sqlite import migrate, open_ledger
from tracker.sqlite.turn import TurnLock

LONG = "somebody.with.quite.a.long.name@department.company.example.org"


def in_terminal(columns: int, directory: Path, *arguments: str) -> str:
    """Return what a command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: os.environ[name] for name in os.environ if name != "COLUMNS"}
    environment |= {"NO_COLOR": "1", "TERM": "dumb"}
    with subprocess.Popen(
        [COMMAND, *arguments], cwd=directory, env=environment, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        said = b""
        try:
            while octets := os.read(ours, 65536):
                said += octets
        except OSError:  # the terminal is gone with its last user
            pass
        os.close(ours)
        assert process.wait(timeout=90) == 0, said.decode()
    return said.decode()


@pytest.mark.parametrize("columns", [40, 80, 200])
async def test_the_queue_in_a_narrow_terminal(tmp_path: Path, columns: int) -> None:
    ledger = await open_ledger(tmp_path / "var" / "ledger.db")
    submission = make_submission(LONG)
    await ledger.accept(submission, datetime.now(UTC), None)
    await ledger.close()
    said = in_terminal(columns, tmp_path, "queue", "list")
    assert submission.id in said
    assert "…" not in said
    lines = [line.rstrip() for line in said.splitlines()]
    assert max(len(line) for line in lines) <= max(columns, 80)
    if columns == 200:
        assert LONG in said
        assert "its turn" in said


def test_whoever_waits_for_the_turn_is_told_and_can_stop(tmp_path: Path) -> None:
    migrate(tmp_path / "var" / "ledger.db")
    turn = TurnLock(tmp_path / "var" / "ledger.db")
    with (
        turn.held(),
        subprocess.Popen(
            [COMMAND, "account", "list"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr is not None
        assert "still waiting for the ledger var/ledger.db" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=90) == 130
    turn.close()
