"""What the SQL of both ledgers shares: how values lie in columns, and what a search selects."""
