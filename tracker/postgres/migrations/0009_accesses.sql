-- Looks at other people's mail. account and account_domain say whose it is; empty when it is
-- nobody's. The id carries the time, so that what is old is a range of it.
CREATE TABLE accesses (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    at              bigint NOT NULL,
    actor           text NOT NULL,
    client          text NOT NULL,
    kind            text NOT NULL,
    page            text NOT NULL,
    account         text COLLATE "C" NOT NULL,
    account_domain  text COLLATE "C" NOT NULL
);

CREATE INDEX accesses_by_account ON accesses (account, id);
CREATE INDEX accesses_by_account_domain ON accesses (account_domain, id);
