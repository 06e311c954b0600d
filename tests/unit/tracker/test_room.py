"""What is said of disks that are full."""

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from config.settings import Settings, StoreSettings
from tracker.room import Shortage, find_shortages, is_full

_MORE_THAN_THERE_IS = 1 << 60


def settings_in(directory: Path, url: str = "") -> Settings:
    state = directory / "state"
    state.mkdir()
    url = url or f"sqlite:///{directory}/ledger.db"
    return Settings(hostname="relay.test", state_directory=state, store=StoreSettings(url=url))


def test_a_disk_with_too_little_room_is_named_once(tmp_path: Path) -> None:
    """The ledger and the state are on the same."""
    (shortage,) = find_shortages(settings_in(tmp_path), _MORE_THAN_THERE_IS)
    assert shortage.directory == tmp_path / "state"
    assert 0 <= shortage.free < shortage.needed == _MORE_THAN_THERE_IS


def test_of_a_ledger_on_a_server_only_the_state_is_here(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, "postgresql://db.test/ledger")
    (shortage,) = find_shortages(settings, _MORE_THAN_THERE_IS)
    assert shortage.directory == tmp_path / "state"


def test_a_disk_with_room_is_not_named(tmp_path: Path) -> None:
    assert find_shortages(settings_in(tmp_path), 1) == []


def test_what_is_not_there_lacks_no_room(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, f"sqlite:///{tmp_path}/gone/ledger.db")
    settings.state_directory.rmdir()
    assert find_shortages(settings, _MORE_THAN_THERE_IS) == []


@pytest.mark.parametrize(
    ("shortage", "text"),
    [
        pytest.param(
            Shortage(directory=Path("/var/lib/sendtrace"), free=12288, needed=1048576),
            "the disk of /var/lib/sendtrace has 12288 bytes free where 1048576 are needed; "
            "delete or move something that lies on it, or make it larger",
            id="bytes",
        ),
        pytest.param(
            Shortage(directory=Path("/srv"), free=1 << 40, needed=1, has_inodes=False),
            "the disk of /srv takes no more files (it has no inode left); "
            "delete or move something that lies on it, or make it larger",
            id="inodes",
        ),
    ],
)
def test_it_says_what_is_missing_and_what_to_do(shortage: Shortage, text: str) -> None:
    assert str(shortage) == text


def _caused_by(cause: Exception) -> Exception:
    error = RuntimeError("it did not work")
    error.__cause__ = cause
    return error


class _ServerError(Exception):
    sqlstate = "53100"


def _full_file() -> sqlite3.OperationalError:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        try:
            connection.execute("CREATE TABLE t (x)")
        except sqlite3.OperationalError as error:
            return error
    raise AssertionError("it had room")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), True, id="disk"),
        pytest.param(OSError(errno.EDQUOT, "Disk quota exceeded"), True, id="quota"),
        pytest.param(_caused_by(_full_file()), True, id="SQLite"),
        pytest.param(_caused_by(_ServerError()), True, id="PostgreSQL"),
        pytest.param(OSError(errno.EACCES, "Permission denied"), False, id="not allowed"),
        pytest.param(_caused_by(ValueError()), False, id="something else"),
    ],
)
def test_a_full_disk_is_known_whoever_noticed_it(error: Exception, expected: bool) -> None:
    assert is_full(error) is expected
