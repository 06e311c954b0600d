"""Says when the clock of this node is not that of the ledger."""

import structlog

from tracker.model import Census, LeaseToken
from tracker.nodes import WORST_SKEW, clock_of


class SkewWatch:
    """Told of each census; warns once when the clock goes wrong, and once when it is right again.

    Leases are not touched by it, but what this node puts on record has wrong times.
    """

    def __init__(self) -> None:
        self._is_off = False
        self._log = structlog.get_logger()

    def see(self, census: Census, token: LeaseToken) -> None:
        """Look how far this node was ahead or behind when it renewed the lease `token`."""
        for lease in census.leases:
            if lease.token == token and self._is_off != (abs(lease.skew) > WORST_SKEW):
                self._is_off = not self._is_off
                self._tell(clock_of(lease.skew))

    def _tell(self, clock: str) -> None:
        if self._is_off:
            self._log.warning("clock is wrong; synchronise it, by NTP for instance", clock=clock)
        else:
            self._log.info("clock is right again", clock=clock)
