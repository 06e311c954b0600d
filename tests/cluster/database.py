"""A primary and the replica that every commit waits for, as they are run for real mail."""

import shutil
from itertools import count
from typing import Protocol

from tests.support.postgres import Installation, Server, make_directory

DATABASE = "sendtrace"

# The replica asks again soon after its primary has been restarted.
_SETTINGS = {"wal_retrieve_retry_interval": "500ms"}


class Database(Protocol):
    """What the ledger is in."""

    primary: Server
    """Which takes writes."""
    servers: list[Server]
    """All, each in the place where the nodes look for it."""


class Alone:
    """One server."""

    def __init__(self, server: Server) -> None:
        self.primary = server
        self.servers = [server]


class Pair:
    """Two servers: `primary` takes writes, and a commit returns when `replica` has it too."""

    def __init__(self, installed: Installation) -> None:
        self.primary = Server(installed, make_directory(), durable=True, tcp=True)
        self._first = self.primary
        self._names = count(1)
        self.primary.create()
        self.primary.configure(**_SETTINGS)
        self.primary.create_database(DATABASE)
        self.replica = self._replicate()
        self.servers = [self.primary, self.replica]

    def fail_over(self) -> None:
        """Kill the primary as its machine would die, and make the replica the primary."""
        self._lost, self.primary = self.primary, self.replica
        self._lost.kill()
        self.primary.promote()

    def replace_lost(self) -> None:
        """Give the new primary a replica in the place of the one that was lost."""
        shutil.rmtree(self._lost.data)
        self.replica = self._replicate()
        self.servers[self.servers.index(self._lost)] = self.replica

    def remove(self) -> None:
        """End both, and leave nothing of them."""
        self._first.remove()

    def _replicate(self) -> Server:
        name = f"replica{next(self._names)}"
        replica = self.primary.replicate(name, tcp=True)
        self.primary.configure(synchronous_standby_names=name)
        return replica
