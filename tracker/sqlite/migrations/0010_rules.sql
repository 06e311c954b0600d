-- The rules of an operator, which explain replies before those that come with Sendtrace; empty is
-- "whatever". The newest goes first.
CREATE TABLE rules (
    id          TEXT NOT NULL PRIMARY KEY,
    category    TEXT NOT NULL,
    words       TEXT NOT NULL,
    expression  TEXT NOT NULL,
    code        TEXT NOT NULL,
    host        TEXT NOT NULL,
    phase       TEXT NOT NULL,
    note        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    off_since   INTEGER
) STRICT, WITHOUT ROWID;

-- Who changed them. Rows stay, so that their number tells whether anything has changed.
CREATE TABLE rule_acts (
    id      TEXT NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    act     TEXT NOT NULL,
    rule    TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far judging the record by the present rules has come; its id is "present".
CREATE TABLE reclassifying (
    id        TEXT NOT NULL PRIMARY KEY,
    actor     TEXT NOT NULL,
    began_at  INTEGER NOT NULL,
    version   TEXT NOT NULL,
    first_id  TEXT NOT NULL,
    last_id   TEXT NOT NULL,
    end_id    TEXT NOT NULL,
    looked    INTEGER NOT NULL,
    changed   INTEGER NOT NULL,
    ended_at  INTEGER
) STRICT, WITHOUT ROWID;
