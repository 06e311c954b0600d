"""Says when the clock of this node is not that of the ledger."""

import structlog

from tracker.model import Census, LeaseToken
from tracker.nodes import WORST_SKEW, clock_of


class SkewWatch:
    """Told of each census; warns once when the clock goes wrong, and once when it is right again.

    Two renewals in a row have to say so: one that was on its way for long makes the clock look
    late. Leases do not depend on it, but what this node puts on record has wrong times.
    """

    def __init__(self) -> None:
        self._is_off = False
        self._was_off = False
        self._log = structlog.get_logger()

    def see(self, census: Census, token: LeaseToken) -> None:
        """Look how far this node was ahead or behind when it renewed the lease `token`."""
        for lease in census.leases:
            if lease.token == token:
                is_off = abs(lease.skew) > WORST_SKEW
                if is_off == self._was_off != self._is_off:
                    self._is_off = is_off
                    self._tell(clock_of(lease.skew))
                self._was_off = is_off

    def _tell(self, clock: str) -> None:
        if self._is_off:
            self._log.warning("clock is wrong; synchronise it, by NTP for instance", clock=clock)
        else:
            self._log.info("clock is right again", clock=clock)
