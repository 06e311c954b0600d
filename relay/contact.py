"""Since when a worker is in touch with the ledger, and which leases have run out for good. Pure.

All times are those of the ledger's clock. That a lease has run out does not say that its worker is
dead: what kept us from the ledger has kept others from it too, a full disk for one, a database
that is restarted, or its clock that has been set. So a lease counts as given up only when its
worker could have renewed it: for as long as it lasts we have been in touch ourselves, and it has
not been renewed.
"""

from datetime import datetime, timedelta

from tracker.model import Lease


class Contact:
    """Remembers when the ledger answered. `longest_gap`: between answers without a break."""

    def __init__(self, longest_gap: timedelta) -> None:
        self._longest_gap = longest_gap
        self._since: datetime | None = None
        self._last: datetime | None = None

    def made(self, now: datetime) -> None:
        """Note that the ledger took a renewal at `now`."""
        if not self._follows(now):
            self._since = now
        self._last = now

    def lost(self) -> None:
        """Note that the ledger did not take a renewal."""
        self._since = self._last = None

    def has_run_out(self, lease: Lease, now: datetime, *, patience: int = 0) -> bool:
        """Say whether `lease` has been given up at `now`, `patience` times its length ago."""
        # A clock that was set since the last renewal, or that of another server, shows nothing.
        if self._since is None or not self._follows(now):
            return False
        length = lease.until - lease.renewed_at
        return now >= max(lease.until + patience * length, self._since + length)

    def _follows(self, now: datetime) -> bool:
        """Say whether `now` comes after the last renewal, without a break."""
        last = self._last
        return last is not None and timedelta() <= now - last <= self._longest_gap
