"""Says when another machine goes by the name of this node."""

from pathlib import Path

import structlog

from relay.inflight import path_of
from tracker.model import Census, LeaseToken


class NamesakeWatch:
    """Told of each census; warns once when somebody elsewhere renews leases under our name.

    Then the record does not tell the two apart, and each is ready when the other one's workers are.
    """

    def __init__(self, directory: Path) -> None:
        """`directory` has the in-flight files of this machine's workers."""
        self._directory = directory
        self._has_warned = False
        self._log = structlog.get_logger()

    def see(self, census: Census, token: LeaseToken) -> None:
        """Look for whoever is alive, has our name, and has no file here."""
        ours = next((lease for lease in census.leases if lease.token == token), None)
        if ours is None or self._has_warned:
            return
        # One that has not been renewed since we are here may be what a dead worker left behind; one
        # that has not been renewed at all has perhaps not made its file yet.
        namesakes = (
            lease
            for lease in census.alive
            if lease.node == ours.node
            and lease.token != token
            and lease.renewed_at > max(lease.opened_at, ours.opened_at)
            and not path_of(self._directory, lease.token).exists()
        )
        if any(namesakes):
            self._has_warned = True
            self._log.warning(
                "another machine has the name of this node; set node to another one on either",
                node=ours.node,
            )
