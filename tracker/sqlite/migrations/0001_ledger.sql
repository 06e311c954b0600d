-- The ledger. Times are microseconds since 1970 UTC, enumerations their text, ids 26 characters
-- that sort by time. A recipient's row is its queue entry while it is open and its history after.

CREATE TABLE messages (
    id                       TEXT NOT NULL PRIMARY KEY,
    kind                     TEXT NOT NULL,
    accepted_at              INTEGER NOT NULL,
    account                  TEXT,
    reverse_path             TEXT NOT NULL,
    client_address           TEXT NOT NULL,
    client_port              INTEGER NOT NULL,
    client_helo              TEXT NOT NULL,
    client_protocol          TEXT NOT NULL,
    client_tls               TEXT,
    client_authenticated_as  TEXT,
    size                     INTEGER NOT NULL,
    subject                  TEXT NOT NULL,
    header_message_id        TEXT NOT NULL,
    header_from              TEXT NOT NULL,
    header_date              TEXT NOT NULL,
    ret                      TEXT,
    envid                    TEXT,
    body                     TEXT NOT NULL,
    smtputf8                 INTEGER NOT NULL,
    reports_on               TEXT,
    recipients               INTEGER NOT NULL,
    open_recipients          INTEGER NOT NULL CHECK (open_recipients BETWEEN 0 AND recipients)
) STRICT, WITHOUT ROWID;

-- Deleted when no recipient of the message is open any more. Rows of up to 256 KiB want a rowid.
CREATE TABLE content (
    message_id  TEXT NOT NULL,
    n           INTEGER NOT NULL,
    data        BLOB NOT NULL,
    PRIMARY KEY (message_id, n)
) STRICT;

-- account, account_domain and accepted_at repeat the message's, so that a page of one account or
-- of one domain is one walk along an index.
CREATE TABLE recipients (
    id               TEXT NOT NULL PRIMARY KEY,
    message_id       TEXT NOT NULL,
    accepted_at      INTEGER NOT NULL,
    account          TEXT,
    account_domain   TEXT,
    forward_path     TEXT NOT NULL,
    domain           TEXT NOT NULL,
    destination      TEXT NOT NULL,
    notify           TEXT,
    orcpt            TEXT,
    status           TEXT NOT NULL,
    status_since     INTEGER NOT NULL,
    attempts         INTEGER NOT NULL,
    next_attempt_at  INTEGER,
    expires_at       INTEGER NOT NULL,
    -- When it has to be looked at although its destination is unreachable: for the notice of the
    -- delay, then at the deadline.
    look_at          INTEGER NOT NULL,
    gate             TEXT NOT NULL,
    gate_detail      TEXT NOT NULL,
    delay_dsn_at     INTEGER,
    lease            TEXT,
    "trigger"        TEXT NOT NULL,
    last_attempt_id  TEXT,
    -- Whatever is queued or deferred has a next attempt: nothing can be forgotten.
    CHECK ((status IN ('queued', 'deferred')) = (next_attempt_at IS NOT NULL)),
    CHECK (lease IS NULL OR next_attempt_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX recipients_by_message ON recipients (message_id);

-- Open is: waiting, leased or held. The first two have indexes of their own; mail that is
-- delivered at once never enters those of the waiting. lease is in the first one only so that
-- counting needs no look at the table.
CREATE INDEX recipients_waiting ON recipients (destination, next_attempt_at, id, lease)
    WHERE lease IS NULL AND next_attempt_at IS NOT NULL;
CREATE INDEX recipients_to_look_at ON recipients (destination, look_at)
    WHERE lease IS NULL AND next_attempt_at IS NOT NULL;
CREATE INDEX recipients_held ON recipients (expires_at) WHERE status = 'held';
CREATE INDEX recipients_leased ON recipients (lease) WHERE lease IS NOT NULL;

-- For the search. Delivered is the rule: looking for it is a walk along the first two.
CREATE INDEX recipients_by_account ON recipients (account, id) WHERE account IS NOT NULL;
CREATE INDEX recipients_by_account_domain ON recipients (account_domain, id)
    WHERE account_domain IS NOT NULL;
CREATE INDEX recipients_by_status ON recipients (status, id) WHERE status <> 'delivered';
CREATE INDEX recipients_by_account_status ON recipients (account, status, id)
    WHERE status <> 'delivered' AND account IS NOT NULL;
CREATE INDEX recipients_by_account_domain_status ON recipients (account_domain, status, id)
    WHERE status <> 'delivered' AND account_domain IS NOT NULL;

-- The evidence in full is JSON; what is searched for has columns.
CREATE TABLE attempts (
    id                    TEXT NOT NULL,
    message_id            TEXT NOT NULL,
    recipient_id          TEXT NOT NULL,
    number                INTEGER NOT NULL,
    "trigger"             TEXT NOT NULL,
    started_at            INTEGER NOT NULL,
    ended_at              INTEGER NOT NULL,
    outcome               TEXT NOT NULL,
    origin                TEXT NOT NULL,
    phase                 TEXT NOT NULL,
    reply_code            INTEGER,
    enhanced_status_code  TEXT,
    reply_text            TEXT,
    reply                 TEXT,
    detail                TEXT NOT NULL,
    destination           TEXT NOT NULL,
    target_host           TEXT,
    target_address        TEXT,
    target_port           INTEGER,
    target_preference     INTEGER,
    tries                 TEXT NOT NULL,
    remote_queue_id       TEXT,
    dsn_handed_on         INTEGER NOT NULL,
    node                  TEXT NOT NULL,
    config_revision       TEXT NOT NULL,
    UNIQUE (recipient_id, id)
) STRICT;

CREATE TABLE events (
    message_id          TEXT NOT NULL,
    id                  TEXT NOT NULL,
    recipient_id        TEXT,
    at                  INTEGER NOT NULL,
    kind                TEXT NOT NULL,
    actor               TEXT NOT NULL,
    detail              TEXT NOT NULL,
    related_message_id  TEXT,
    PRIMARY KEY (message_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    token   TEXT NOT NULL PRIMARY KEY,
    node    TEXT NOT NULL,
    worker  INTEGER NOT NULL,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The unit of scheduling. next_due_at is a lower bound of when a recipient of this destination
-- may be claimed; null when none waits. turns breaks ties, so that all get theirs.
CREATE TABLE destinations (
    destination      TEXT NOT NULL PRIMARY KEY,
    reachable        INTEGER NOT NULL DEFAULT 1,
    failures         INTEGER NOT NULL DEFAULT 0,
    since            INTEGER,
    next_probe_at    INTEGER,
    detail           TEXT NOT NULL DEFAULT '',
    last_success_at  INTEGER,
    last_failure_at  INTEGER,
    next_due_at      INTEGER,
    turns            INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX destinations_due ON destinations (next_due_at, turns) WHERE next_due_at IS NOT NULL;

-- Recipients by the UTC day of their acceptance, counted in days since 1970.
CREATE TABLE days (
    day        INTEGER NOT NULL PRIMARY KEY,
    accepted   INTEGER NOT NULL DEFAULT 0,
    delivered  INTEGER NOT NULL DEFAULT 0,
    bounced    INTEGER NOT NULL DEFAULT 0,
    expired    INTEGER NOT NULL DEFAULT 0,
    cancelled  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What must hold on every path is kept by the tables themselves: the balance of a day closes, and
-- content goes with the last open recipient.
CREATE TRIGGER recipient_is_accepted AFTER INSERT ON recipients
BEGIN
    INSERT INTO days (day, accepted) VALUES (new.accepted_at / 86400000000, 1)
    ON CONFLICT (day) DO UPDATE SET accepted = accepted + 1;
END;

CREATE TRIGGER recipient_is_final AFTER UPDATE OF status ON recipients
WHEN old.status IN ('queued', 'deferred', 'held')
 AND new.status NOT IN ('queued', 'deferred', 'held')
BEGIN
    UPDATE days SET
        delivered = delivered + (new.status = 'delivered'),
        bounced = bounced + (new.status = 'bounced'),
        expired = expired + (new.status = 'expired'),
        cancelled = cancelled + (new.status = 'cancelled')
    WHERE day = new.accepted_at / 86400000000;
    UPDATE messages SET open_recipients = open_recipients - 1 WHERE id = new.message_id;
END;

CREATE TRIGGER message_is_final AFTER UPDATE OF open_recipients ON messages
WHEN new.open_recipients = 0
BEGIN
    DELETE FROM content WHERE message_id = new.id;
END;

CREATE TABLE accounts (
    address        TEXT NOT NULL PRIMARY KEY,
    role           TEXT NOT NULL,
    password_hash  TEXT NOT NULL,
    created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash  TEXT NOT NULL PRIMARY KEY,
    address     TEXT NOT NULL,
    csrf_token  TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_address ON sessions (address);

-- What `ping` writes to.
CREATE TABLE pings (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    count  INTEGER NOT NULL
) STRICT;

INSERT INTO pings (id, count) VALUES (1, 0);
