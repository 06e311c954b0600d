"""The ledger on PostgreSQL, which many nodes may share."""
