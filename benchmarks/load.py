"""smtp-source, which sends, and smtp-sink, which takes everything, counts it and keeps nothing."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.waiting import is_listening, wait_until

_PATIENCE = 300.0
"""Seconds after which a round has failed."""

_LOOK = 0.005
"""Seconds between two looks whether all has arrived."""

_TAIL = 200
_BACKLOG = "1000"


class Load(NamedTuple):
    """What smtp-source sends, `sessions` at a time."""

    messages: int
    sessions: int
    size: int
    """Of a message, in octets."""
    recipients: int = 1
    """Of each message."""
    reuse: bool = False
    """False: each message comes on a connection of its own."""

    def __str__(self) -> str:
        size = f"{self.size // 1000} KB" if self.size < 1_000_000 else f"{self.size / 1e6:g} MB"
        return (
            f"{size}, {counted(self.sessions, 'session')}, {counted(self.recipients, 'recipient')}"
        )


class Sink(NamedTuple):
    """smtp-sink, running."""

    port: int
    pid: int
    counters: Path

    def messages(self) -> int:
        """Return how many messages have arrived since it was started."""
        with self.counters.open("rb") as file:
            file.seek(max(self.counters.stat().st_size - _TAIL, 0))
            return parse_counters(file.read())


def counted(number: int, what: str) -> str:
    """Return "1 session", "2 sessions"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def parse_counters(output: bytes) -> int:
    """Return the last number of messages in what `smtp-sink -c` prints; 0 when there is none."""
    found = re.findall(rb"mesg=(\d+)\s", output)
    return int(found[-1]) if found else 0


@contextmanager
def run_sink(port: int, directory: Path) -> Iterator[Sink]:
    """Run smtp-sink, its counters in a file of `directory`."""
    counters = directory / "arrived"
    with counters.open("wb") as file:
        process = subprocess.Popen(
            ["smtp-sink", "-u", "nobody", "-c", "-m", "2000", f"127.0.0.1:{port}", _BACKLOG],
            stdout=file,
            stderr=subprocess.DEVNULL,
        )
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "smtp-sink")
        yield Sink(port, process.pid, counters)
    finally:
        process.kill()
        process.wait()


def send(ports: Sequence[int], load: Load) -> None:
    """Send `load`, an equal part of it to each of `ports`. Raises ChildProcessError."""
    sources = [
        subprocess.Popen(_source(port, load._replace(messages=messages, sessions=sessions)))
        for port, messages, sessions in zip(
            ports,
            _parts(load.messages, len(ports)),
            _parts(load.sessions, len(ports)),
            strict=True,
        )
    ]
    for source in sources:
        if source.wait(_PATIENCE):
            raise ChildProcessError("smtp-source failed")


def _source(port: int, load: Load) -> list[str]:
    return [
        "smtp-source", "-s", str(load.sessions), "-m", str(load.messages), "-l", str(load.size),
        "-r", str(load.recipients), "-f", "a@example.com", "-t", "b@example.org",
        *(["-d"] if load.reuse else []), f"127.0.0.1:{port}",
    ]  # fmt: skip


def _parts(total: int, number: int) -> list[int]:
    """Divide as evenly as can be; everybody gets one at least."""
    return [max((total + n) // number, 1) for n in range(number)]


def wait_for(condition: Callable[[], bool], what: str) -> float:
    """Return when a condition came true, on the clock of perf_counter. Raises TimeoutError."""
    deadline = time.perf_counter() + _PATIENCE
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"waited {_PATIENCE:g} s for {what}")
        time.sleep(_LOOK)
    return time.perf_counter()
