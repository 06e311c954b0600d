"""What a relay under test is, to whoever measures it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple


class NextHop(NamedTuple):
    """Where a relay hands all mail on to."""

    port: int
    spread: int = 0
    """How many domains (`benchmarks.names`) have an address in 127.0.0.0/8 each; 0: there is one
    address for all mail."""
    nameserver: int | None = None
    """Port on 127.0.0.1 of one that knows these domains, for whom cannot compute the address."""


class Relay(NamedTuple):
    """A relay that runs."""

    ports: Sequence[int]
    """Where it takes mail, on 127.0.0.1; each gets an equal part of the load."""
    pids: Sequence[int]
    """Its processes; what descends from them is its own too."""
    waiting: Callable[[], int]
    """Count the messages in the queue; while they move there, one may be counted twice or not."""
    flush: Callable[[], None]
    """Try at once whatever waits."""
    delivered: Callable[[], int] | None = None
    """Count the recipients that are delivered by its own record; None when it keeps none."""


class Peer(NamedTuple):
    """A kind of relay."""

    name: str
    settings: str
    """What is set for the sake of speed, and what makes accepted mail durable."""
    version: Callable[[], str]
    missing: Callable[[], str | None]
    """Say why it cannot run here and what to do about it; None when it can."""
    run: Callable[[Path, NextHop], AbstractContextManager[Relay]]
    """Run it with all its files in a directory, which has to be empty."""


def count_files(*directories: Path, pattern: str = "*") -> int:
    """Return how many files there are below `directories`, some of which may be going away."""
    return sum(_is_file(path) for directory in directories for path in directory.rglob(pattern))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
