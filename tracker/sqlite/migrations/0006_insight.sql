-- What many deliveries together say. Delivered mail leaves nothing here but the time of the last
-- success, in a row that it writes anyway.

ALTER TABLE destinations ADD COLUMN last_accepted_at INTEGER;
-- Whose servers answered last: destinations with the same ones share their luck.
ALTER TABLE destinations ADD COLUMN place TEXT NOT NULL DEFAULT '';

CREATE INDEX destinations_by_place ON destinations (place) WHERE place <> '';

-- Attempts that were not delivered, as they are counted. The ids of attempts carry their time.
CREATE TABLE setbacks (
    attempt_id      TEXT NOT NULL PRIMARY KEY,
    recipient_id    TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    at              INTEGER NOT NULL,
    destination     TEXT NOT NULL,
    place           TEXT NOT NULL,
    cohort          TEXT NOT NULL,
    outcome         TEXT NOT NULL,
    category        TEXT NOT NULL,
    side            TEXT NOT NULL,
    origin          TEXT NOT NULL,
    account         TEXT,
    account_domain  TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX setbacks_by_cohort ON setbacks (cohort, at);
CREATE INDEX setbacks_by_destination ON setbacks (destination, at);
CREATE INDEX setbacks_of_ours ON setbacks (category, place, at) WHERE side = 'operator';

-- Counts without addresses of recipients, by the quarter of an hour since 1970: of recipients when
-- they were accepted, of attempts when they ended. Written by a chore, a little at a time.
CREATE TABLE statistics (
    what            TEXT NOT NULL,
    slot            INTEGER NOT NULL,
    account         TEXT NOT NULL,
    account_domain  TEXT NOT NULL,
    destination     TEXT NOT NULL,
    result          TEXT NOT NULL,
    category        TEXT NOT NULL,
    origin          TEXT NOT NULL,
    speed           INTEGER NOT NULL,
    number          INTEGER NOT NULL,
    PRIMARY KEY (what, slot, account, account_domain, destination, result, category, origin, speed)
) STRICT, WITHOUT ROWID;

CREATE INDEX statistics_by_account ON statistics (account, what, slot);
CREATE INDEX statistics_by_account_domain ON statistics (account_domain, what, slot);
CREATE INDEX statistics_by_destination ON statistics (destination, what, slot);

-- Recipients that were open when the chore came by: they are counted when they are final.
CREATE TABLE statistics_open (
    recipient_id  TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE statistics_marks (
    name     TEXT NOT NULL PRIMARY KEY,
    last_id  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Up to when somebody has read about failures that are ours to mend.
CREATE TABLE trouble_marks (
    category  TEXT NOT NULL,
    place     TEXT NOT NULL,
    read_by   TEXT NOT NULL,
    read_at   INTEGER NOT NULL,
    PRIMARY KEY (category, place)
) STRICT, WITHOUT ROWID;
