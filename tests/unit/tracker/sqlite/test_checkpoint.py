"""The WAL is copied back in steps, and whoever loses power between them loses nothing."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs

from tracker.sqlite.checkpoint import AIM, LEAST, MOST, Checkpoints, next_amount
from tracker.sqlite.connection import connect_writer
from tracker.sqlite.migrate import migrate
from tracker.sqlite.turn import TurnLock

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("amount", "took", "following"),
    [
        (1000, AIM, 1000),
        (1000, AIM * 2, 500),
        (1000, 0.0, 1500),
        (1000, 1.0, 250),
        (LEAST, 1.0, LEAST),
        (MOST, 0.0, MOST),
    ],
)
def test_how_much_is_copied_follows_from_the_last_time(
    amount: int, took: float, following: int
) -> None:
    assert next_amount(amount, took) == following


class Machine:
    """A ledger that is written to, and a disk that has not taken anything but what was synced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = connect_writer(path)
        self.turn = TurnLock(path)
        self.checkpoints = Checkpoints(path, self.turn)
        self._synced = path.with_name("synced")
        shutil.copy(path, self._synced)
        self._count = 0

    @property
    def is_copied(self) -> bool:
        """Whether the file has more than at first."""
        return self.path.stat().st_size > self._synced.stat().st_size

    def write(self, rows: int = LEAST) -> None:
        """Commit some rows, one by one."""
        for _ in range(rows):
            self._count += 1
            self.connection.execute(
                "INSERT INTO destinations (destination, detail) VALUES (?, ?)",
                (f"d{self._count}.{id(self)}.example", "x" * 500),
            )

    @property
    def log_size(self) -> int:
        """Bytes of the WAL."""
        return self.path.with_name(f"{self.path.name}-wal").stat().st_size

    def write_large(self, octets: int) -> None:
        """Commit a row of a size."""
        self.connection.execute(
            "INSERT INTO destinations (destination, detail) VALUES (?, ?)",
            (f"large{octets}.example", "x" * octets),
        )

    def take_a_step(self) -> None:
        """Go on with the checkpoint, when it is time."""
        while not self.checkpoints.is_due(self.connection):
            self.write(1)
        self.checkpoints.go_on(self.connection)

    def would_keep(self) -> bool:
        """Say whether everything is there after a loss of power.

        The file is as it was at first, as if the disk had taken nothing of what was copied to it.
        """
        place = self.path.with_name("after")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copy(self._synced, place / "ledger.db")
        shutil.copy(f"{self.path}-wal", place / "ledger.db-wal")
        with closing(sqlite3.connect(place / "ledger.db")) as connection:
            try:
                (found,) = connection.execute("SELECT count(*) FROM destinations").fetchone()
            except sqlite3.DatabaseError:  # pages of different times
                return False
        return bool(found == self._count)

    def close(self) -> None:
        self.checkpoints.close()
        self.connection.close()
        self.turn.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    path = tmp_path / "ledger.db"
    migrate(path)
    with closing(Machine(path)) as machine:
        yield machine


def test_nothing_is_lost_between_copying_and_syncing(machine: Machine) -> None:
    machine.write()
    machine.take_a_step()
    assert machine.is_copied
    assert machine.would_keep()
    machine.write(50)
    assert machine.would_keep()


def test_the_log_is_begun_anew_behind_the_sync(machine: Machine) -> None:
    machine.write()
    machine.take_a_step()
    machine.take_a_step()
    machine.write(1)
    assert not machine.would_keep()
    assert machine.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_log_stays_whole_when_the_disk_does_not_take_what_was_copied(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError("the disk is broken")

    monkeypatch.setattr(os, "fdatasync", fail)
    with capture_logs() as events:
        machine.write()
        machine.take_a_step()
        for _ in range(4):
            machine.take_a_step()
            machine.write(50)
    assert machine.would_keep()
    said = {(event["log_level"], event["problem"], event["ledger"]) for event in events}
    assert said == {("error", "the disk is broken", str(machine.path))}


def test_the_log_keeps_its_length_while_it_is_not_too_long(machine: Machine) -> None:
    """To write over what is there costs the disk less than to allot it anew."""
    machine.write_large(100 * MIB)
    machine.take_a_step()
    machine.take_a_step()
    before = machine.log_size
    machine.write(1)
    assert machine.log_size == before > 100 * MIB


def test_the_log_is_cut_down_when_it_is_too_long(machine: Machine) -> None:
    machine.write_large(130 * MIB)
    machine.take_a_step()
    machine.take_a_step()
    assert machine.log_size < MIB


def test_commits_are_synced_again_after_a_copy(machine: Machine) -> None:
    for _ in range(4):
        machine.write()
        machine.take_a_step()
        assert machine.connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_one_process_copies_for_all(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    may_sync = Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: may_sync.wait(90))
    with closing(Machine(machine.path)) as other:
        machine.write()
        machine.take_a_step()
        copied = machine.path.read_bytes()
        other.take_a_step()
        assert machine.path.read_bytes() == copied
        may_sync.set()
        machine.take_a_step()
        other.take_a_step()
        assert machine.path.read_bytes() != copied


def test_two_that_write_do_not_keep_the_log_from_being_begun_anew(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would hold it whenever the other wants to come to its end."""
    first, may_sync = iter([True]), Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: next(first, False) or may_sync.wait(90))
    with closing(Machine(machine.path)) as other:
        machine.write()
        machine.take_a_step()
        other.take_a_step()
        machine.take_a_step()
        before = machine.log_size
        machine.write(1)
        may_sync.set()
        assert machine.log_size == before


def test_a_long_log_does_not_wait_for_one_who_has_nothing_to_write(machine: Machine) -> None:
    machine.write()
    machine.take_a_step()
    with closing(Machine(machine.path)) as other:
        other.write_large(130 * MIB)
        other.take_a_step()
        assert other.log_size < MIB
        other.write(1)
        machine.take_a_step()
        machine.write_large(MIB)
        assert machine.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
