"""The ledger on PostgreSQL, which many nodes may share."""

from tracker.postgres.ledger import PostgresLedger, open_ledger
from tracker.postgres.migrate import exists, lacking, migrate

__all__ = ["PostgresLedger", "exists", "lacking", "migrate", "open_ledger"]
