"""The ledger on PostgreSQL, which many nodes may share."""

from tracker.postgres.ledger import PostgresLedger, open_ledger
from tracker.postgres.migrate import exists, migrate

__all__ = ["PostgresLedger", "exists", "migrate", "open_ledger"]
