"""The in-flight file: what a dead worker's file tells, and that a living one's cannot be taken."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from relay.inflight import InFlight, Remains
from tests.support.mail import mint
from tracker.model import RecipientId


def recipients(count: int) -> list[RecipientId]:
    return [RecipientId(mint()) for _ in range(count)]


def test_what_entered_and_did_not_leave_is_read_after_the_worker_died(tmp_path: Path) -> None:
    path = tmp_path / "inflight-X"
    first, second, third = recipients(3)
    file = InFlight(path)
    file.enter([first, second, third])
    file.leave([second])
    file.close(remove=False)
    remains = Remains.take(path)
    assert not remains.alive
    assert remains.recipients == frozenset({first, third})
    remains.close(recorded=True)
    assert not path.exists()


def test_the_file_of_a_living_worker_is_read_but_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "inflight-X"
    (recipient,) = recipients(1)
    file = InFlight(path)
    file.enter([recipient])
    remains = Remains.take(path)
    assert remains.alive
    assert remains.recipients == frozenset({recipient})
    remains.close(recorded=True)
    assert path.exists()
    file.close(remove=True)
    assert not path.exists()


def test_a_second_worker_cannot_open_the_file(tmp_path: Path) -> None:
    file = InFlight(tmp_path / "inflight-X")
    with pytest.raises(BlockingIOError):
        InFlight(tmp_path / "inflight-X")
    file.close(remove=True)


def test_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "inflight-X"
    many = recipients(2500)
    file = InFlight(path)
    file.enter(many)
    assert file.recipients == frozenset(many)
    file.leave(many[:2000])
    file.close(remove=False)
    remains = Remains.take(path)
    assert remains.recipients == frozenset(many[2000:])
    remains.close(recorded=False)
    assert path.exists()


def test_it_has_no_holes_that_a_full_disk_could_not_fill(tmp_path: Path) -> None:
    path = tmp_path / "inflight-X"
    file = InFlight(path)
    file.enter(recipients(2000))
    found = path.stat()
    assert found.st_blocks * 512 >= found.st_size
    file.close(remove=True)


def test_entering_twice_is_entering_once(tmp_path: Path) -> None:
    (recipient,) = recipients(1)
    file = InFlight(tmp_path / "inflight-X")
    file.enter([recipient])
    file.enter([recipient])
    file.leave([recipient])
    assert file.recipients == frozenset()
    file.close(remove=True)


def test_what_a_missing_or_damaged_file_held_nobody_knows(tmp_path: Path) -> None:
    remains = Remains.take(tmp_path / "missing")
    assert (remains.alive, remains.recipients) == (False, None)
    remains.close(recorded=True)
    (tmp_path / "damaged").write_bytes(os.urandom(1000))
    remains = Remains.take(tmp_path / "damaged")
    assert remains.recipients is None
    remains.close(recorded=True)


def test_after_another_boot_of_the_machine_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "inflight-X"
    file = InFlight(path)
    file.enter(recipients(1))
    file.close(remove=False)
    octets = bytearray(path.read_bytes())
    octets[:32] = b"0123456789abcdef" * 2
    path.write_bytes(octets)
    remains = Remains.take(path)
    assert (remains.alive, remains.recipients) == (False, None)
    remains.close(recorded=True)


def test_sigkill_leaves_what_was_in_flight(tmp_path: Path) -> None:
    path = tmp_path / "inflight-X"
    (recipient,) = recipients(1)
    program = (
        "import os, signal, sys; from pathlib import Path; from relay.inflight import InFlight;"
        "f = InFlight(Path(sys.argv[1])); f.enter([sys.argv[2]]);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path), recipient], check=False)
    assert ended.returncode == -signal.SIGKILL
    remains = Remains.take(path)
    assert not remains.alive
    assert remains.recipients == frozenset({recipient})
    remains.close(recorded=True)
