-- What people do to many recipients at once, with how far it has come.
CREATE TABLE acts (
    id              TEXT NOT NULL PRIMARY KEY,
    "key"           TEXT NOT NULL UNIQUE,
    deed            TEXT NOT NULL,
    tells_sender    INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    account         TEXT,
    account_domain  TEXT,
    scope_account   TEXT,
    scope_domain    TEXT,
    reason          TEXT NOT NULL,
    query           TEXT NOT NULL,
    zone            TEXT NOT NULL,
    chosen          TEXT NOT NULL,
    undoes          TEXT,
    created_at      INTEGER NOT NULL,
    begins_at       INTEGER NOT NULL,
    ended_at        INTEGER,
    state           TEXT NOT NULL,
    place           TEXT NOT NULL,
    expected        INTEGER NOT NULL,
    done            INTEGER NOT NULL,
    changed         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX acts_due ON acts (begins_at) WHERE state IN ('planned', 'running');
CREATE INDEX acts_by_account ON acts (account, id) WHERE account IS NOT NULL;
CREATE INDEX acts_by_account_domain ON acts (account_domain, id) WHERE account_domain IS NOT NULL;
CREATE INDEX acts_ended ON acts (ended_at) WHERE ended_at IS NOT NULL;

-- Whom an act has held or released, so that the opposite act finds exactly these.
CREATE TABLE act_changes (
    act_id        TEXT NOT NULL,
    recipient_id  TEXT NOT NULL,
    PRIMARY KEY (act_id, recipient_id)
) STRICT, WITHOUT ROWID;

-- Addresses to which nothing is sent: for the mail of one account, of a domain's accounts, or, with
-- both empty, of the whole relay.
CREATE TABLE suppressions (
    address         TEXT NOT NULL,
    account_domain  TEXT NOT NULL,
    account         TEXT NOT NULL,
    origin          TEXT NOT NULL,
    reason          TEXT NOT NULL,
    actor           TEXT NOT NULL,
    since           INTEGER NOT NULL,
    until           INTEGER,
    PRIMARY KEY (address, account_domain, account)
) STRICT, WITHOUT ROWID;

-- Numbers that grow whenever what they are named for has changed.
CREATE TABLE revisions (
    name    TEXT NOT NULL PRIMARY KEY,
    number  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people have asked of the workers: to send a message again to another address, and to try
-- whether a server would take mail for one.
CREATE TABLE errands (
    id              TEXT NOT NULL PRIMARY KEY,
    "key"           TEXT NOT NULL UNIQUE,
    kind            TEXT NOT NULL,
    actor           TEXT NOT NULL,
    account         TEXT,
    account_domain  TEXT,
    message_id      TEXT,
    recipient_id    TEXT,
    address         TEXT NOT NULL,
    asked_at        INTEGER NOT NULL,
    -- Of whoever is at it; when it is over, somebody else may do it.
    taken_until     INTEGER,
    ended_at        INTEGER,
    result          TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX errands_to_do ON errands (asked_at) WHERE ended_at IS NULL;
CREATE INDEX errands_by_message ON errands (message_id, id) WHERE message_id IS NOT NULL;
CREATE INDEX errands_by_actor ON errands (actor, asked_at);
CREATE INDEX errands_by_time ON errands (asked_at);

-- Messages with a recipient that was refused, whose content is kept for a while: it may be sent
-- again to another address. Mail that is delivered never comes here.
CREATE TABLE refused (
    message_id  TEXT NOT NULL PRIMARY KEY,
    at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX refused_by_time ON refused (at);

DROP TRIGGER recipient_is_final;
DROP TRIGGER message_is_final;

-- As before, but that it first notes who was refused: what follows may drop the content.
CREATE TRIGGER recipient_is_final AFTER UPDATE OF status ON recipients
WHEN old.status IN ('queued', 'deferred', 'held')
 AND new.status NOT IN ('queued', 'deferred', 'held')
BEGIN
    INSERT INTO refused (message_id, at)
    SELECT id, new.status_since FROM messages
    WHERE new.status IN ('bounced', 'expired') AND id = new.message_id AND kind = 'mail'
      AND EXISTS (SELECT 1 FROM revisions WHERE name = 'refused-content' AND number > 0)
    ON CONFLICT (message_id) DO UPDATE SET at = excluded.at;
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
    DELETE FROM content WHERE message_id = new.id
        AND NOT EXISTS (SELECT 1 FROM refused WHERE message_id = new.id);
END;
