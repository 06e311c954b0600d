-- The rules of an operator, which explain replies before those that come with Sendtrace; empty is
-- "whatever". The newest goes first.
CREATE TABLE rules (
    id          text COLLATE "C" NOT NULL PRIMARY KEY,
    category    text NOT NULL,
    words       text NOT NULL,
    expression  text NOT NULL,
    code        text NOT NULL,
    host        text NOT NULL,
    phase       text NOT NULL,
    note        text NOT NULL,
    created_at  bigint NOT NULL,
    created_by  text NOT NULL,
    off_since   bigint
);

-- Who changed them. Rows stay, so that their number tells whether anything has changed.
CREATE TABLE rule_acts (
    id      text COLLATE "C" NOT NULL PRIMARY KEY,
    at      bigint NOT NULL,
    actor   text NOT NULL,
    act     text NOT NULL,
    rule    text NOT NULL,
    detail  text NOT NULL
);

-- How far judging the record by the present rules has come; its id is "present".
CREATE TABLE reclassifying (
    id        text COLLATE "C" NOT NULL PRIMARY KEY,
    actor     text NOT NULL,
    began_at  bigint NOT NULL,
    version   text NOT NULL,
    first_id  text COLLATE "C" NOT NULL,
    last_id   text COLLATE "C" NOT NULL,
    end_id    text COLLATE "C" NOT NULL,
    looked    bigint NOT NULL,
    changed   bigint NOT NULL,
    ended_at  bigint
);
