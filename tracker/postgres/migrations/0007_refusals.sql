-- Submissions that were refused to somebody who may send; mail that is taken never comes here.
CREATE TABLE refusals (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    at              bigint NOT NULL,
    account         text COLLATE "C",
    account_domain  text COLLATE "C",
    client_address  text NOT NULL,
    reverse_path    text NOT NULL,
    forward_path    text NOT NULL,
    recipients      integer NOT NULL,
    command         text NOT NULL,
    reply           text NOT NULL
);

CREATE INDEX refusals_by_account ON refusals (account, id) WHERE account IS NOT NULL;
CREATE INDEX refusals_by_account_domain ON refusals (account_domain, id)
    WHERE account_domain IS NOT NULL;
