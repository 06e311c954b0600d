"""What the parts of the ledger share."""

from tracker.entropy import Entropy
from tracker.sqlite.readers import Readers
from tracker.sqlite.writer import Writer


class Part:
    """Some of the ledger's verbs, on its writer and its readers."""

    def __init__(self, writer: Writer, readers: Readers, entropy: Entropy) -> None:
        self._writer = writer
        self._readers = readers
        self._entropy = entropy
