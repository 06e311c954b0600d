"""The thread that writes log lines."""

import contextlib
import queue
import sys
import threading
from typing import IO

_CAPACITY = 20_000
"""Lines that may wait to be written."""


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
    """Writes lines in order; never makes its callers wait."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lines: queue.Queue[str | None] = queue.Queue(_CAPACITY)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def msg(self, message: str) -> None:
        """Queue one line."""
        try:
            self._lines.put_nowait(message)
        except queue.Full:
            self._dropped += 1

    # structlog looks a method up for each level; they all mean the same here.
    log = debug = info = warn = warning = error = critical = exception = fatal = msg

    def close(self) -> None:
        """Write what waits, at most for two seconds, and end the thread."""
        try:
            self._lines.put(None, timeout=2)
        except queue.Full:
            return
        self._thread.join(timeout=2)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            batch = [line]
            last = False
            while len(batch) < 500:
                try:
                    more = self._lines.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                    break
                batch.append(more)
            self._put(batch)
            if last:
                return

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
