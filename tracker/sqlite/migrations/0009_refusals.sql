-- Submissions that were refused to somebody who may send; mail that is taken never comes here.
CREATE TABLE refusals (
    id              TEXT NOT NULL PRIMARY KEY,
    at              INTEGER NOT NULL,
    account         TEXT,
    account_domain  TEXT,
    client_address  TEXT NOT NULL,
    reverse_path    TEXT NOT NULL,
    forward_path    TEXT NOT NULL,
    recipients      INTEGER NOT NULL,
    command         TEXT NOT NULL,
    reply           TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX refusals_by_account ON refusals (account, id) WHERE account IS NOT NULL;
CREATE INDEX refusals_by_account_domain ON refusals (account_domain, id)
    WHERE account_domain IS NOT NULL;
