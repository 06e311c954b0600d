-- The ledger in PostgreSQL. Times are microseconds since 1970 UTC, enumerations their text, ids 26
-- characters that sort by time (so that a range of ids is a range of time).
--
-- What is over is only ever inserted, in partitions by the UTC day of acceptance, and goes with
-- its day. What changes lies in a few narrow tables without partitions, whose rows are deleted
-- when the recipient is final.

-- --- history: one partition for each day ---------------------------------------------------------

CREATE TABLE messages (
    id                       text COLLATE "C" NOT NULL PRIMARY KEY,
    kind                     text NOT NULL,
    accepted_at              bigint NOT NULL,
    account                  text COLLATE "C",
    reverse_path             text NOT NULL,
    client_address           text NOT NULL,
    client_port              integer NOT NULL,
    client_helo              text NOT NULL,
    client_protocol          text NOT NULL,
    client_tls               text,
    client_authenticated_as  text,
    size                     bigint NOT NULL,
    subject                  text NOT NULL,
    header_message_id        text NOT NULL,
    header_from              text NOT NULL,
    header_date              text NOT NULL,
    ret                      text,
    envid                    text,
    body                     text NOT NULL,
    smtputf8                 boolean NOT NULL,
    reports_on               text COLLATE "C",
    recipients               integer NOT NULL
) PARTITION BY RANGE (id);

-- What is known of a recipient when it is accepted. account, account_domain and accepted_at repeat
-- the message's, so that a page of one account or of one domain is one walk along an index.
CREATE TABLE recipients (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    message_id      text COLLATE "C" NOT NULL,
    accepted_at     bigint NOT NULL,
    account         text COLLATE "C",
    account_domain  text COLLATE "C",
    forward_path    text NOT NULL,
    domain          text COLLATE "C" NOT NULL,
    destination     text COLLATE "C" NOT NULL,
    notify          text,
    orcpt           text,
    expires_at      bigint NOT NULL
) PARTITION BY RANGE (id);

CREATE INDEX recipients_by_message ON recipients (message_id);
CREATE INDEX recipients_by_account ON recipients (account, id) WHERE account IS NOT NULL;
CREATE INDEX recipients_by_account_domain ON recipients (account_domain, id)
    WHERE account_domain IS NOT NULL;

-- How a recipient ended: it is either in here or in the queue.
CREATE TABLE results (
    recipient_id     text COLLATE "C" NOT NULL PRIMARY KEY,
    accepted_at      bigint NOT NULL,
    account          text COLLATE "C",
    account_domain   text COLLATE "C",
    status           text NOT NULL CHECK (status IN ('delivered', 'bounced', 'expired', 'cancelled')),
    status_since     bigint NOT NULL,
    attempts         integer NOT NULL,
    delay_dsn_at     bigint,
    "trigger"        text NOT NULL,
    last_attempt_id  text COLLATE "C"
) PARTITION BY RANGE (recipient_id);

-- Delivered is the rule: looking for it is a walk along the recipients.
CREATE INDEX results_by_status ON results (status, recipient_id) WHERE status <> 'delivered';
CREATE INDEX results_by_account_status ON results (account, status, recipient_id)
    WHERE status <> 'delivered' AND account IS NOT NULL;
CREATE INDEX results_by_account_domain_status ON results (account_domain, status, recipient_id)
    WHERE status <> 'delivered' AND account_domain IS NOT NULL;

-- The evidence in full is JSON; what is searched for has columns.
CREATE TABLE attempts (
    id                    text COLLATE "C" NOT NULL,
    message_id            text COLLATE "C" NOT NULL,
    recipient_id          text COLLATE "C" NOT NULL,
    number                integer NOT NULL,
    "trigger"             text NOT NULL,
    started_at            bigint NOT NULL,
    ended_at              bigint NOT NULL,
    outcome               text NOT NULL,
    origin                text NOT NULL,
    phase                 text NOT NULL,
    reply_code            integer,
    enhanced_status_code  text,
    reply_text            text,
    reply                 text,
    detail                text NOT NULL,
    destination           text COLLATE "C" NOT NULL,
    target_host           text,
    target_address        text,
    target_port           integer,
    target_preference     integer,
    tries                 text NOT NULL,
    remote_queue_id       text,
    dsn_handed_on         boolean NOT NULL,
    node                  text NOT NULL,
    config_revision       text NOT NULL,
    PRIMARY KEY (recipient_id, id)
) PARTITION BY RANGE (recipient_id);

CREATE TABLE events (
    message_id          text COLLATE "C" NOT NULL,
    id                  text COLLATE "C" NOT NULL,
    recipient_id        text COLLATE "C",
    at                  bigint NOT NULL,
    kind                text NOT NULL,
    actor               text NOT NULL,
    detail              text NOT NULL,
    related_message_id  text COLLATE "C",
    PRIMARY KEY (message_id, id)
) PARTITION BY RANGE (message_id);

-- --- the queue: what is open ---------------------------------------------------------------------

-- One row for each open recipient, with all of it that changes. Mail that is delivered at once
-- only enters the first index and that of the leases.
CREATE TABLE queue (
    id               text COLLATE "C" NOT NULL PRIMARY KEY,
    message_id       text COLLATE "C" NOT NULL,
    accepted_at      bigint NOT NULL,
    account          text COLLATE "C",
    account_domain   text COLLATE "C",
    destination      text COLLATE "C" NOT NULL,
    status           text NOT NULL CHECK (status IN ('queued', 'deferred', 'held')),
    status_since     bigint NOT NULL,
    attempts         integer NOT NULL,
    next_attempt_at  bigint,
    expires_at       bigint NOT NULL,
    -- When it has to be looked at although its destination is unreachable: for the notice of the
    -- delay, then at the deadline.
    look_at          bigint NOT NULL,
    gate             text NOT NULL,
    gate_detail      text NOT NULL,
    delay_dsn_at     bigint,
    lease            text COLLATE "C",
    -- The call of `claim` that leased it, so that an answer that got lost can be given again.
    claim            text COLLATE "C",
    "trigger"        text NOT NULL,
    last_attempt_id  text COLLATE "C",
    -- Whatever is queued or deferred has a next attempt: nothing can be forgotten.
    CHECK ((status = 'held') = (next_attempt_at IS NULL)),
    CHECK (lease IS NULL OR next_attempt_at IS NOT NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX queue_waiting ON queue (destination, next_attempt_at, id)
    WHERE lease IS NULL AND next_attempt_at IS NOT NULL;
CREATE INDEX queue_to_look_at ON queue (destination, look_at)
    WHERE lease IS NULL AND next_attempt_at IS NOT NULL;
CREATE INDEX queue_waiting_by_message ON queue (message_id)
    WHERE lease IS NULL AND next_attempt_at IS NOT NULL;
CREATE INDEX queue_held ON queue (expires_at) WHERE status = 'held';
CREATE INDEX queue_leased ON queue (lease) WHERE lease IS NOT NULL;
CREATE INDEX queue_by_status ON queue (status, id) WHERE status <> 'queued';
CREATE INDEX queue_by_account_status ON queue (account, status, id)
    WHERE status <> 'queued' AND account IS NOT NULL;
CREATE INDEX queue_by_account_domain_status ON queue (account_domain, status, id)
    WHERE status <> 'queued' AND account_domain IS NOT NULL;

-- Deleted when no recipient of the message is open any more. A piece fits into one page, which
-- saves the detour by a table of its own for long values.
CREATE TABLE content (
    message_id  text COLLATE "C" NOT NULL,
    n           integer NOT NULL,
    data        bytea NOT NULL,
    PRIMARY KEY (message_id, n)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);

ALTER TABLE content ALTER COLUMN data SET STORAGE PLAIN;

-- Open recipients of messages that have more than one in all.
CREATE TABLE open_counts (
    message_id       text COLLATE "C" NOT NULL PRIMARY KEY,
    open_recipients  integer NOT NULL CHECK (open_recipients >= 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_threshold = 1000);

-- The unit of scheduling. next_due_at is a lower bound of when a recipient of this destination
-- may be claimed; null when none waits. turns breaks ties, so that all get theirs.
--
-- Whoever finds next_due_at low enough leaves it, and takes no lock. So when it is raised, somebody
-- may have relied on the old one who has not committed yet: it is computed again at recheck_at,
-- until all transactions before recheck_past are over.
CREATE TABLE destinations (
    destination      text COLLATE "C" NOT NULL PRIMARY KEY,
    reachable        boolean NOT NULL DEFAULT true,
    failures         integer NOT NULL DEFAULT 0,
    since            bigint,
    next_probe_at    bigint,
    detail           text NOT NULL DEFAULT '',
    last_success_at  bigint,
    last_failure_at  bigint,
    next_due_at      bigint,
    turns            bigint NOT NULL DEFAULT 0,
    recheck_at       bigint,
    recheck_past     xid8
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_threshold = 1000);

CREATE INDEX destinations_due ON destinations (next_due_at, turns) WHERE next_due_at IS NOT NULL;
CREATE INDEX destinations_to_recheck ON destinations (recheck_at) WHERE recheck_at IS NOT NULL;

-- A worker's presence and its claim on what it carries. Its times are those of this server.
CREATE TABLE leases (
    token       text COLLATE "C" NOT NULL PRIMARY KEY,
    node        text NOT NULL,
    worker      integer NOT NULL,
    version     text NOT NULL,
    opened_at   bigint NOT NULL,
    renewed_at  bigint NOT NULL,
    until       bigint NOT NULL,
    -- Microseconds by which the node's clock was ahead at the last renewal.
    skew        bigint NOT NULL,
    jobs        integer NOT NULL,
    clients     integer NOT NULL
) WITH (fillfactor = 50);

-- --- the balance -----------------------------------------------------------------------------------

-- Recipients by the UTC day of their acceptance, counted in days since 1970. Each server process
-- counts in a row of its own, so that no transaction waits for another one's commit.
CREATE TABLE tallies (
    day        integer NOT NULL,
    backend    integer NOT NULL,
    accepted   bigint NOT NULL DEFAULT 0,
    delivered  bigint NOT NULL DEFAULT 0,
    bounced    bigint NOT NULL DEFAULT 0,
    expired    bigint NOT NULL DEFAULT 0,
    cancelled  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, backend)
) WITH (fillfactor = 50);

-- What must hold on every path is kept by the tables themselves: the balance of a day closes, and
-- content goes with the last open recipient.
CREATE FUNCTION count_accepted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tallies AS t (day, backend, accepted)
    SELECT accepted_at / 86400000000, pg_backend_pid(), count(*) FROM new_rows GROUP BY 1
    ON CONFLICT (day, backend) DO UPDATE SET accepted = t.accepted + excluded.accepted;
    RETURN NULL;
END $$;

CREATE TRIGGER recipients_are_accepted AFTER INSERT ON recipients
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_accepted();

CREATE FUNCTION count_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tallies AS t (day, backend, delivered, bounced, expired, cancelled)
    SELECT accepted_at / 86400000000, pg_backend_pid(),
           count(*) FILTER (WHERE status = 'delivered'), count(*) FILTER (WHERE status = 'bounced'),
           count(*) FILTER (WHERE status = 'expired'), count(*) FILTER (WHERE status = 'cancelled')
    FROM new_rows GROUP BY 1
    ON CONFLICT (day, backend) DO UPDATE SET
        delivered = t.delivered + excluded.delivered, bounced = t.bounced + excluded.bounced,
        expired = t.expired + excluded.expired, cancelled = t.cancelled + excluded.cancelled;
    RETURN NULL;
END $$;

CREATE TRIGGER recipients_are_final AFTER INSERT ON results
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_final();

-- Everything is looked up with an array of keys, which leaves one plan. With a join the planner may
-- walk all that waits: it takes these tables for small, for the last it saw of them was empty.
CREATE FUNCTION drop_content() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text[];
    gone bigint[];
    still_open text[] := '{}';
BEGIN
    SELECT array_agg(message_id), array_agg(n) INTO changed, gone
    FROM (SELECT message_id, count(*) AS n FROM old_rows GROUP BY message_id) AS o;
    -- In order, so that two transactions that end recipients of the same messages cannot block
    -- each other; and counted down by an update, which sees what the other one has committed.
    PERFORM 1 FROM open_counts WHERE message_id = ANY (changed) ORDER BY message_id FOR UPDATE;
    IF FOUND THEN
        UPDATE open_counts SET
            open_recipients = open_recipients - gone[array_position(changed, message_id)]
        WHERE message_id = ANY (changed);
        DELETE FROM open_counts WHERE message_id = ANY (changed) AND open_recipients = 0;
        still_open := ARRAY(SELECT message_id FROM open_counts WHERE message_id = ANY (changed));
    END IF;
    DELETE FROM content WHERE message_id = ANY (changed) AND message_id <> ALL (still_open);
    RETURN NULL;
END $$;

CREATE TRIGGER recipients_have_left AFTER DELETE ON queue
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION drop_content();

-- --- people ------------------------------------------------------------------------------------------

CREATE TABLE accounts (
    address        text COLLATE "C" NOT NULL PRIMARY KEY,
    role           text NOT NULL,
    password_hash  text NOT NULL,
    created_at     bigint NOT NULL
);

CREATE TABLE sessions (
    token_hash  text COLLATE "C" NOT NULL PRIMARY KEY,
    address     text COLLATE "C" NOT NULL,
    csrf_token  text NOT NULL,
    created_at  bigint NOT NULL,
    expires_at  bigint NOT NULL
);

CREATE INDEX sessions_by_address ON sessions (address);

-- Wrong passwords, by whom they are counted: a client's address, an account.
CREATE TABLE log_in_failures (
    key  text COLLATE "C" NOT NULL,
    at   bigint NOT NULL
);

CREATE INDEX log_in_failures_by_key ON log_in_failures (key, at);
CREATE INDEX log_in_failures_by_time ON log_in_failures (at);

-- --- moving to another ledger ---------------------------------------------------------------------

-- Until a transfer into this ledger is complete, and from the beginning of one out of it on, no
-- relay works with it.
CREATE TABLE transfers (
    id        text COLLATE "C" NOT NULL PRIMARY KEY,
    part      text NOT NULL CHECK (part IN ('source', 'target')),
    other     text NOT NULL,
    began_at  bigint NOT NULL,
    ended_at  bigint,
    -- How far a target has got.
    last_id   text COLLATE "C" NOT NULL,
    messages  bigint NOT NULL
);

-- Whoever had this ledger open when it was moved must neither take mail here nor carry any.
CREATE FUNCTION refuse_when_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM transfers WHERE part = 'source' AND ended_at IS NOT NULL) THEN
        RAISE EXCEPTION 'this ledger has been moved' USING ERRCODE = 'operator_intervention';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER moved_takes_no_mail BEFORE INSERT ON messages
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_when_moved();
CREATE TRIGGER moved_takes_no_workers BEFORE INSERT ON leases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_when_moved();

-- What `ping` writes to.
CREATE TABLE pings (
    id     integer PRIMARY KEY CHECK (id = 1),
    count  bigint NOT NULL
) WITH (fillfactor = 50);

INSERT INTO pings (id, count) VALUES (1, 0);
