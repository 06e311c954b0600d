"""TCP ports for servers that a test starts later, again, or never.

A port that the system has just picked may be gone again before its server listens: the system picks
it for the next connection of anybody, and for the next server of the tests beside this one. So
these ports are none of those that the system picks, and each belongs to one process of tests until
that ends.
"""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

_LOWEST = 10_000
_PICKED = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""The ports that the system picks."""


class _Register:
    """Which ports belong to whom: a byte of a file for each, locked by the process that has it."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._ours: set[int] = set()

    def take(self, port: int) -> bool:
        """Say whether the port is ours from now on; false when it is ours already."""
        if port in self._ours:
            return False
        try:
            fcntl.lockf(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        self._ours.add(port)
        return True

    def _open(self) -> IO[bytes]:
        # Open until the process ends: to close it would give back every port.
        if self._file is None:
            path = Path(tempfile.gettempdir()) / f"sendtrace-test-ports-{os.getuid()}"
            self._file = path.open("ab")
        return self._file


_register = _Register()
_chance = random.Random()  # of its own: that of the tests begins alike in every process


def free_port(*addresses: str) -> int:
    """Return a TCP port that is free on every one of `addresses` (127.0.0.1 by default).

    It is nobody else's among the tests as long as this process lives, also while nobody listens.
    """
    first_picked = int(_PICKED.read_text().split()[0])
    ports = range(_LOWEST, first_picked if first_picked > 2 * _LOWEST else 65_536)
    for _ in range(1000):
        port = _chance.choice(ports)
        if _is_free(port, addresses or ("127.0.0.1",)) and _register.take(port):
            return port
    raise OSError(f"no port is free on all of {addresses}")


def _is_free(port: int, addresses: tuple[str, ...]) -> bool:
    with contextlib.ExitStack() as stack:
        try:
            for address in addresses:
                stack.enter_context(socket.socket()).bind((address, port))
        except OSError:
            return False
    return True
