-- What a lease tells of its worker. The defaults let an older version go on with this ledger until
-- it is stopped; of leases that are on record by now nothing is known but their end.
ALTER TABLE leases ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE leases ADD COLUMN opened_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN renewed_at INTEGER NOT NULL DEFAULT 0;
-- Microseconds by which the node's clock was ahead. This ledger has no clock but the machine's.
ALTER TABLE leases ADD COLUMN skew INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN jobs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN clients INTEGER NOT NULL DEFAULT 0;

UPDATE leases SET opened_at = until, renewed_at = until;

-- Wrong passwords, by whom they are counted: a client's address, an account.
CREATE TABLE log_in_failures (
    key  TEXT NOT NULL,
    at   INTEGER NOT NULL
) STRICT;

CREATE INDEX log_in_failures_by_key ON log_in_failures (key, at);
CREATE INDEX log_in_failures_by_time ON log_in_failures (at);
