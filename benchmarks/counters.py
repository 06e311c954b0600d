"""What a stretch of work costs, as the operating system and PostgreSQL count it."""

import asyncio
import contextlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from tests.cluster.background import Background

_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY = 0.05
"""Seconds between two looks at what the server's processes wait for."""

_WRITTEN = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"

_WAL = """
SELECT wal_fpi AS "full pages", wal_sync AS fsyncs, wal_sync_time AS "fsync ms" FROM pg_stat_wal
"""

_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"

_ROWS = """
SELECT relname, n_tup_ins, n_tup_upd - n_tup_hot_upd, n_tup_hot_upd, n_tup_del
FROM pg_stat_user_tables
"""

_BUSY = """
SELECT coalesce(wait_event_type || ' ' || wait_event, 'CPU') FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
"""

ROW_KINDS = ("inserted", "updated", "updated in place", "deleted")


class Cpu(NamedTuple):
    """Seconds of CPU."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.user + self.system

    def since(self, before: "Cpu") -> "Cpu":
        """Return what has been used since `before`."""
        return Cpu(self.user - before.user, self.system - before.system)


class _Process(NamedTuple):
    parent: int
    user: int
    system: int


def cpu_of(pids: Sequence[int]) -> Cpu:
    """Return the CPU that processes and all their descendants have used, ended ones too."""
    processes = _processes()
    ours = _descendants(pids, processes)
    return Cpu(
        sum(processes[pid].user for pid in ours) / _TICKS,
        sum(processes[pid].system for pid in ours) / _TICKS,
    )


def descendants(pids: Sequence[int]) -> list[int]:
    """Return processes and all that descend from them."""
    return _descendants(pids, _processes())


def resident(pid: int) -> int:
    """Return the octets of memory that a process has in use."""
    (line,) = re.findall(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(line) * 1024


def _processes() -> dict[int, _Process]:
    processes: dict[int, _Process] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                user, system, user_ended, system_ended = map(int, fields[11:15])
                processes[int(entry.name)] = _Process(
                    int(fields[1]), user + user_ended, system + system_ended
                )
    return processes


def _descendants(pids: Sequence[int], processes: dict[int, _Process]) -> list[int]:
    return [pid for pid in processes if not _ancestors(pid, processes).isdisjoint(pids)]


def _ancestors(pid: int, processes: dict[int, _Process]) -> set[int]:
    found = set()
    while pid in processes and pid not in found:
        found.add(pid)
        pid = processes[pid].parent
    return found


class Watch:
    """Two connections of our own to the database at `url`: one asks, one looks meanwhile."""

    def __init__(self, url: str) -> None:
        self._background = Background()
        self._connection = self._background.call(asyncpg.connect(url))
        self._second = self._background.call(asyncpg.connect(url))
        self._busy: Counter[str] = Counter()
        self._looks = 0

    def close(self) -> None:
        """Let go of it."""
        self._background.call(self._connection.close())
        self._background.call(self._second.close())
        self._background.close()

    def query(self, sql: str) -> list[Any]:
        """Return the rows of a statement."""
        rows: list[Any] = self._background.call(self._connection.fetch(sql))
        return rows

    def wal_octets(self) -> float:
        """Return the position in the WAL, in bytes."""
        return float(self.query(_WRITTEN)[0][0])

    def counters(self) -> Counter[str]:
        """Return what the server has counted of WAL and commits since it was created.

        A process of the server reports what it did within a second, or when it ends.
        """
        counted: Counter[str] = Counter({"commits": self.query(_COMMITS)[0][0]})
        counted.update(dict(self.query(_WAL)[0]))
        return counted

    def rows(self) -> dict[str, list[int]]:
        """Return by table how many rows were inserted, updated and so on (`ROW_KINDS`)."""
        tables: dict[str, list[int]] = {}
        for name, *numbers in self.query(_ROWS):
            table = tables.setdefault(re.sub(r"_\d{8}$", "", name), [0] * len(ROW_KINDS))
            table[:] = map(sum, zip(table, numbers, strict=True))
        return tables

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look every now and then what the server's processes wait for (`busy`)."""
        self._busy.clear()
        self._looks = 0
        looking = self._background.start(self._look())
        yield
        looking.cancel()

    def busy(self) -> dict[str, float]:
        """Return how many processes on average were on a processor, or waited for what."""
        return {each: times / max(self._looks, 1) for each, times in self._busy.most_common()}

    async def _look(self) -> None:
        while True:
            self._busy.update(row[0] for row in await self._second.fetch(_BUSY))
            self._looks += 1
            await asyncio.sleep(_EVERY)
