"""What the parts of the ledger share."""

from typing import NamedTuple

from tracker.entropy import Entropy
from tracker.explain import RuleBook
from tracker.postgres.chores import Chores
from tracker.postgres.clock import LedgerClock
from tracker.postgres.connections import Connections
from tracker.postgres.find import Effort
from tracker.postgres.listening import Bell
from tracker.postgres.text.pen import Sizes


class Shared(NamedTuple):
    """What a ledger is made of."""

    connections: Connections
    clock: LedgerClock
    bell: Bell
    chores: Chores
    entropy: Entropy
    effort: Effort = Effort()
    sizes: Sizes = Sizes()


class Part:
    """Some of the ledger's verbs, on its connections."""

    _book: RuleBook | None = None
    """The rules with an operator's corrections, once they have been asked for."""

    def __init__(self, shared: Shared) -> None:
        self._connections = shared.connections
        self._clock = shared.clock
        self._bell = shared.bell
        self._chores = shared.chores
        self._entropy = shared.entropy
