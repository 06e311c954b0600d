-- Looks at other people's mail. account and account_domain say whose it is; empty when it is
-- nobody's. The id carries the time, so that what is old is a range of it.
CREATE TABLE accesses (
    id              TEXT NOT NULL PRIMARY KEY,
    at              INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    client          TEXT NOT NULL,
    kind            TEXT NOT NULL,
    page            TEXT NOT NULL,
    account         TEXT NOT NULL,
    account_domain  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX accesses_by_account ON accesses (account, id);
CREATE INDEX accesses_by_account_domain ON accesses (account_domain, id);
