-- What many deliveries together say. Delivered mail leaves nothing here but the time of the last
-- success, in a row that it writes anyway.

ALTER TABLE destinations ADD COLUMN last_accepted_at bigint;
-- Whose servers answered last: destinations with the same ones share their luck.
ALTER TABLE destinations ADD COLUMN place text COLLATE "C" NOT NULL DEFAULT '';

CREATE INDEX destinations_by_place ON destinations (place) WHERE place <> '';

-- Attempts that were not delivered, as they are counted. The ids of attempts carry their time.
CREATE TABLE setbacks (
    attempt_id      text COLLATE "C" NOT NULL PRIMARY KEY,
    recipient_id    text COLLATE "C" NOT NULL,
    message_id      text COLLATE "C" NOT NULL,
    at              bigint NOT NULL,
    destination     text COLLATE "C" NOT NULL,
    place           text COLLATE "C" NOT NULL,
    cohort          text COLLATE "C" NOT NULL,
    outcome         text NOT NULL,
    category        text COLLATE "C" NOT NULL,
    side            text NOT NULL,
    origin          text NOT NULL,
    account         text COLLATE "C",
    account_domain  text COLLATE "C"
);

CREATE INDEX setbacks_by_cohort ON setbacks (cohort, at);
CREATE INDEX setbacks_by_destination ON setbacks (destination, at);
CREATE INDEX setbacks_of_ours ON setbacks (category, place, at) WHERE side = 'operator';

-- Counts without addresses of recipients, by the quarter of an hour since 1970: of recipients when
-- they were accepted, of attempts when they ended. Written by a chore, a little at a time.
CREATE TABLE statistics (
    what            text COLLATE "C" NOT NULL,
    slot            integer NOT NULL,
    account         text COLLATE "C" NOT NULL,
    account_domain  text COLLATE "C" NOT NULL,
    destination     text COLLATE "C" NOT NULL,
    result          text COLLATE "C" NOT NULL,
    category        text COLLATE "C" NOT NULL,
    origin          text COLLATE "C" NOT NULL,
    speed           integer NOT NULL,
    number          bigint NOT NULL,
    PRIMARY KEY (what, slot, account, account_domain, destination, result, category, origin, speed)
);

CREATE INDEX statistics_by_account ON statistics (account, what, slot);
CREATE INDEX statistics_by_account_domain ON statistics (account_domain, what, slot);
CREATE INDEX statistics_by_destination ON statistics (destination, what, slot);

-- Recipients that were open when the chore came by: they are counted when they are final.
CREATE TABLE statistics_open (
    recipient_id  text COLLATE "C" NOT NULL PRIMARY KEY
);

CREATE TABLE statistics_marks (
    name     text COLLATE "C" NOT NULL PRIMARY KEY,
    last_id  text COLLATE "C" NOT NULL
);

-- Up to when somebody has read about failures that are ours to mend.
CREATE TABLE trouble_marks (
    category  text COLLATE "C" NOT NULL,
    place     text COLLATE "C" NOT NULL,
    read_by   text NOT NULL,
    read_at   bigint NOT NULL,
    PRIMARY KEY (category, place)
);
