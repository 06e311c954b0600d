"""What is set for SQLite as a whole: in processes of their own, for there it stays."""

import subprocess
import sys

import pytest

_ASK = """
import ctypes, sqlite3, _sqlite3
from tracker.sqlite.library import stop_counting_memory
{before}
connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE things (name TEXT)")
connection.executemany("INSERT INTO things VALUES (?)", [("a" * 1000,)] * 100)
(count,) = connection.execute("SELECT count(*) FROM things").fetchone()
used = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
used.restype = ctypes.c_int64
print(count, used() > 0)
"""


@pytest.mark.parametrize(
    ("before", "answer"),
    [("", "100 True"), ("assert stop_counting_memory()", "100 False")],
    ids=["as it is", "told not to"],
)
def test_memory_is_counted_until_sqlite_is_told_not_to(before: str, answer: str) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", _ASK.format(before=before)], capture_output=True, text=True
    )
    assert (asked.stdout.strip(), asked.stderr) == (answer, "")
