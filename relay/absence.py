"""Says that the ledger cannot be used, and when it can again, without saying so all the time.

Several loops of a worker ask the ledger once a second, and each is told that it is away.
"""

from typing import Final

import structlog

from relay.clock import Clock

_AGAIN: Final = 60.0
"""Seconds after which it is said once more."""


class Absence:
    """What the loops of one worker have seen of the ledger."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._missing: set[str] = set()
        """Who has not met it since."""
        self._since = self._said_at = 0.0
        self._log = structlog.get_logger()

    def missed(self, who: str, problem: Exception) -> None:
        """Note that `who` could not use it."""
        now = self._clock.monotonic()
        if not self._missing:
            self._since = now
        elif now - self._said_at < _AGAIN:
            self._missing.add(who)
            return
        self._missing.add(who)
        self._said_at = now
        self._log.warning(
            "ledger cannot be used",
            problem=str(problem),
            wanted_for=who,
            since=f"{now - self._since:.0f} s",
        )

    def met(self, who: str) -> None:
        """Note that `who` could use it."""
        if who not in self._missing:
            return
        self._missing.remove(who)
        if not self._missing:
            away = self._clock.monotonic() - self._since
            self._log.info("ledger can be used again", away=f"{away:.0f} s")
