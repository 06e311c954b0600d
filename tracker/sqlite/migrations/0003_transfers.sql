-- Moves of a whole ledger out of, or into, this one. Until a transfer into it is complete, and from
-- the beginning of one out of it on, no relay works with this ledger.
CREATE TABLE transfers (
    id        TEXT NOT NULL PRIMARY KEY,
    part      TEXT NOT NULL CHECK (part IN ('source', 'target')),
    other     TEXT NOT NULL,
    began_at  INTEGER NOT NULL,
    ended_at  INTEGER,
    -- How far a target has got.
    last_id   TEXT NOT NULL,
    messages  INTEGER NOT NULL
) STRICT;

-- Whoever had this ledger open when it was moved must neither take mail here nor carry any.
CREATE TRIGGER moved_takes_no_mail BEFORE INSERT ON messages
WHEN EXISTS (SELECT 1 FROM transfers WHERE part = 'source' AND ended_at IS NOT NULL)
BEGIN
    SELECT RAISE(ABORT, 'this ledger has been moved');
END;

CREATE TRIGGER moved_takes_no_workers BEFORE INSERT ON leases
WHEN EXISTS (SELECT 1 FROM transfers WHERE part = 'source' AND ended_at IS NOT NULL)
BEGIN
    SELECT RAISE(ABORT, 'this ledger has been moved');
END;
