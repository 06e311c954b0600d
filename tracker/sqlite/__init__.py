"""The ledger in one SQLite file, for one machine with any number of worker processes."""

from tracker.sqlite.ledger import SqliteLedger, open_ledger
from tracker.sqlite.migrate import lacking, migrate

__all__ = ["SqliteLedger", "lacking", "migrate", "open_ledger"]
