"""What the parts of the ledger share."""

from tracker.entropy import Entropy
from tracker.postgres.connections import Connections


class Part:
    """Some of the ledger's verbs, on its connections."""

    def __init__(self, connections: Connections, entropy: Entropy) -> None:
        self._connections = connections
        self._entropy = entropy
