"""Progress of something long: a line that changes on a terminal, now and then one elsewhere."""

from collections.abc import Callable
from typing import TextIO

from tracker.transfer import Progress

_EVERY_ON_TERMINAL = 0.1
_EVERY = 5.0
"""Seconds between two lines."""


class Meter:
    """Writes lines of progress to `stream`; `monotonic` gives the time in seconds."""

    def __init__(self, stream: TextIO, monotonic: Callable[[], float]) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._is_terminal = stream.isatty()
        self._first: Progress | None = None
        self._began = 0.0
        self._shown_at = 0.0
        self._is_line_open = False

    def show(self, progress: Progress) -> None:
        """Write how far it is, unless that was written a moment ago."""
        now = self._monotonic()
        if self._first is None or self._first.stage != progress.stage:
            self.finish()
            self._first, self._began, self._shown_at = progress, now, now
            if not self._is_terminal:
                return
        every = _EVERY_ON_TERMINAL if self._is_terminal else _EVERY
        if progress.done < progress.total and now - self._shown_at < every:
            return
        self._shown_at = now
        self._write(line_of(progress, progress.done - self._first.done, now - self._began))

    def finish(self) -> None:
        """Leave the line that changes, so that what follows has one of its own."""
        if self._is_line_open:
            self._stream.write("\n")
            self._stream.flush()
            self._is_line_open = False

    def _write(self, line: str) -> None:
        if self._is_terminal:
            self._stream.write(f"\r{line}\x1b[K")
            self._is_line_open = True
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()


def line_of(progress: Progress, advanced: int, seconds: float) -> str:
    """Return a line of progress: `advanced` messages took `seconds`."""
    line = f"{progress.stage}: {progress.done:,} of {progress.total:,} messages"
    if advanced <= 0 or seconds <= 0:
        return line
    rate = advanced / seconds
    left = max(progress.total - progress.done, 0) / rate
    return f"{line}, {rate:,.0f}/s, {duration_of(left)} left"


def duration_of(seconds: float) -> str:
    """Return a duration in one or two units: "45 s", "12 min", "3 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
