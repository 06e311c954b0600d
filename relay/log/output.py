"""The thread that writes log lines."""

import contextlib
import sys
import threading
from collections import deque
from typing import IO

_CAPACITY = 20_000
"""Lines that may wait to be written."""

_PERIOD = 0.1
"""Seconds between two looks at what waits: waking the thread for each line would make it and the
event loop take turns at the interpreter's lock."""


class DirectWriter:
    """Writes each line at once: for processes that must not have a second thread."""

    def msg(self, message: str) -> None:
        """Write one line."""
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(message + "\n")
            sys.stdout.flush()

    log = debug = info = warn = warning = error = critical = exception = fatal = msg

    def close(self) -> None:
        """Nothing waits."""


class LineWriter:
    """Writes lines in order; never makes its callers wait, nor wakes a thread for each line."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def msg(self, message: str) -> None:
        """Leave one line to be written within a tenth of a second."""
        if len(self._lines) < _CAPACITY:
            self._lines.append(message)
        else:
            self._dropped += 1

    # structlog looks a method up for each level; they all mean the same here.
    log = debug = info = warn = warning = error = critical = exception = fatal = msg

    def close(self) -> None:
        """Write what waits, at most for two seconds, and end the thread."""
        self._closing.set()
        self._thread.join(timeout=2)

    def _write(self) -> None:
        last = False
        while not last:
            last = self._closing.wait(_PERIOD)
            if self._lines:
                self._put([self._lines.popleft() for _ in range(len(self._lines))])

    def _put(self, batch: list[str]) -> None:
        if self._dropped:
            batch.append(f'level=warning event="log lines dropped" count={self._dropped}')
            self._dropped = 0
        try:
            self._stream.write("\n".join(batch) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # Whoever read our output is gone; mail goes on without a log.
            self._dropped += len(batch)
