-- What the panel keeps for each person: searches under a name, the last ones that were run, and
-- what was chosen last. It goes with the account.
CREATE TABLE saved_searches (
    id          TEXT NOT NULL PRIMARY KEY,
    owner       TEXT NOT NULL,
    -- Of the owner: whom audience 'domain' means.
    domain      TEXT NOT NULL,
    audience    TEXT NOT NULL,
    name        TEXT NOT NULL,
    text        TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (owner, name)
);

CREATE TABLE recent_searches (
    owner  TEXT NOT NULL,
    text   TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (owner, text)
);

CREATE TABLE habits (
    owner    TEXT NOT NULL PRIMARY KEY,
    outcome  TEXT NOT NULL,
    zone     TEXT NOT NULL,
    keys     TEXT NOT NULL
);
