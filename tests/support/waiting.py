"""Wait for what other processes do, which sends no event that a test could await."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], what: str, timeout: float = 90.0) -> T:
    """Return the first true value of `condition`.

    Raises TimeoutError, naming `what`, when there is none within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(0.05)
    return value


def is_listening(address: str, port: int) -> bool:
    """Say whether a TCP connection to `address` and `port` succeeds."""
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False
