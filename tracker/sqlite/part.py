"""What the parts of the ledger share."""

from tracker.entropy import Entropy
from tracker.explain import RuleBook
from tracker.sqlite.portions import Portions
from tracker.sqlite.readers import Readers
from tracker.sqlite.writer import Writer


class Part:
    """Some of the ledger's verbs, on its writer and its readers."""

    _book: RuleBook | None = None
    """The rules with an operator's corrections, once they have been asked for."""

    def __init__(self, writer: Writer, readers: Readers, entropy: Entropy) -> None:
        self._writer = writer
        self._portions = Portions(writer)
        self._readers = readers
        self._entropy = entropy
