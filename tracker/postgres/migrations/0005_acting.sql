-- What people do to many recipients at once, with how far it has come.
CREATE TABLE acts (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    "key"           text COLLATE "C" NOT NULL UNIQUE,
    deed            text COLLATE "C" NOT NULL,
    tells_sender    bigint NOT NULL,
    actor           text COLLATE "C" NOT NULL,
    account         text COLLATE "C",
    account_domain  text COLLATE "C",
    scope_account   text COLLATE "C",
    scope_domain    text COLLATE "C",
    reason          text COLLATE "C" NOT NULL,
    query           text COLLATE "C" NOT NULL,
    zone            text COLLATE "C" NOT NULL,
    chosen          text COLLATE "C" NOT NULL,
    undoes          text COLLATE "C",
    created_at      bigint NOT NULL,
    begins_at       bigint NOT NULL,
    ended_at        bigint,
    state           text COLLATE "C" NOT NULL,
    place           text COLLATE "C" NOT NULL,
    expected        bigint NOT NULL,
    done            bigint NOT NULL,
    changed         bigint NOT NULL
);

CREATE INDEX acts_due ON acts (begins_at) WHERE state IN ('planned', 'running');
CREATE INDEX acts_by_account ON acts (account, id) WHERE account IS NOT NULL;
CREATE INDEX acts_by_account_domain ON acts (account_domain, id) WHERE account_domain IS NOT NULL;
CREATE INDEX acts_ended ON acts (ended_at) WHERE ended_at IS NOT NULL;

-- Whom an act has held or released, so that the opposite act finds exactly these.
CREATE TABLE act_changes (
    act_id          text COLLATE "C" NOT NULL,
    recipient_id    text COLLATE "C" NOT NULL,
    PRIMARY KEY (act_id, recipient_id)
);

-- Addresses to which nothing is sent: for the mail of one account, of a domain's accounts, or, with
-- both empty, of the whole relay.
CREATE TABLE suppressions (
    address         text COLLATE "C" NOT NULL,
    account_domain  text COLLATE "C" NOT NULL,
    account         text COLLATE "C" NOT NULL,
    origin          text COLLATE "C" NOT NULL,
    reason          text COLLATE "C" NOT NULL,
    actor           text COLLATE "C" NOT NULL,
    since           bigint NOT NULL,
    until           bigint,
    PRIMARY KEY (address, account_domain, account)
);

-- Numbers that grow whenever what they are named for has changed.
CREATE TABLE revisions (
    name            text COLLATE "C" NOT NULL PRIMARY KEY,
    number          bigint NOT NULL
);

-- What people have asked of the workers: to send a message again to another address, and to try
-- whether a server would take mail for one.
CREATE TABLE errands (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    "key"           text COLLATE "C" NOT NULL UNIQUE,
    kind            text COLLATE "C" NOT NULL,
    actor           text COLLATE "C" NOT NULL,
    account         text COLLATE "C",
    account_domain  text COLLATE "C",
    message_id      text COLLATE "C",
    recipient_id    text COLLATE "C",
    address         text COLLATE "C" NOT NULL,
    asked_at        bigint NOT NULL,
    -- Of whoever is at it; when it is over, somebody else may do it.
    taken_until     bigint,
    ended_at        bigint,
    result          text NOT NULL
);

CREATE INDEX errands_to_do ON errands (asked_at) WHERE ended_at IS NULL;
CREATE INDEX errands_by_message ON errands (message_id, id) WHERE message_id IS NOT NULL;
CREATE INDEX errands_by_actor ON errands (actor, asked_at);
CREATE INDEX errands_by_time ON errands (asked_at);

-- Messages with a recipient that was refused, whose content is kept for a while: it may be sent
-- again to another address. Mail that is delivered never comes here.
CREATE TABLE refused (
    message_id  text COLLATE "C" NOT NULL PRIMARY KEY,
    at          bigint NOT NULL
);

CREATE INDEX refused_by_time ON refused (at);

-- Before the row is there, so before `drop_content` runs at the end of the statement.
CREATE FUNCTION note_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM revisions WHERE name = 'refused-content' AND number > 0) THEN
        INSERT INTO refused (message_id, at)
        SELECT m.id, NEW.status_since FROM messages AS m
        WHERE m.id = (SELECT r.message_id FROM recipients AS r WHERE r.id = NEW.recipient_id)
          AND m.kind = 'mail'
        ON CONFLICT (message_id) DO UPDATE SET at = excluded.at;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER result_is_refused BEFORE INSERT ON results
    FOR EACH ROW WHEN (NEW.status IN ('bounced', 'expired')) EXECUTE FUNCTION note_refused();

-- As before, but for what is kept.
CREATE OR REPLACE FUNCTION drop_content() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text[];
    gone bigint[];
    still_open text[] := '{}';
BEGIN
    SELECT array_agg(message_id), array_agg(n) INTO changed, gone
    FROM (SELECT message_id, count(*) AS n FROM old_rows GROUP BY message_id) AS o;
    PERFORM 1 FROM open_counts WHERE message_id = ANY (changed) ORDER BY message_id FOR UPDATE;
    IF FOUND THEN
        UPDATE open_counts SET
            open_recipients = open_recipients - gone[array_position(changed, message_id)]
        WHERE message_id = ANY (changed);
        DELETE FROM open_counts WHERE message_id = ANY (changed) AND open_recipients = 0;
        still_open := ARRAY(SELECT message_id FROM open_counts WHERE message_id = ANY (changed));
    END IF;
    DELETE FROM content AS c WHERE message_id = ANY (changed) AND message_id <> ALL (still_open)
        AND NOT EXISTS (SELECT FROM refused AS f WHERE f.message_id = c.message_id OFFSET 0);
    RETURN NULL;
END $$;
