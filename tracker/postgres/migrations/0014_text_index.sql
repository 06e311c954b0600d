-- An index of the record's text for searches of everything. It is derived, and made by a chore:
-- nobody who accepts or delivers mail writes here, and whatever is in it may be deleted.

-- Whoever writes to the index moves the step on, so that two of them notice each other.
CREATE TABLE text_state (
    id    integer NOT NULL PRIMARY KEY CHECK (id = 1),
    step  bigint NOT NULL
);

-- Recipients behind the id `after`, up to `last`. Parts that are used lie one behind the other; one
-- that is not is being made to take the place of another one. It was made at `made`, in
-- milliseconds since 1970, when each walk along the record had got to what is `walked`; `stale`
-- says that it has text which must not be there.
CREATE TABLE text_parts (
    part        integer NOT NULL PRIMARY KEY,
    after       text COLLATE "C" NOT NULL,
    last        text COLLATE "C" NOT NULL,
    blocks      integer NOT NULL,
    recipients  integer NOT NULL,
    segments    integer NOT NULL,
    is_used     boolean NOT NULL,
    made        bigint NOT NULL,
    walked      text NOT NULL,
    stale       boolean NOT NULL DEFAULT false
);

-- A block is a few recipients in a row, from `first` to `last`.
CREATE TABLE text_blocks (
    part   integer NOT NULL,
    block  integer NOT NULL,
    first  text COLLATE "C" NOT NULL,
    last   text COLLATE "C" NOT NULL,
    PRIMARY KEY (part, block)
);

-- In which blocks of a part a sequence of three characters is. Lists are written a segment at a
-- time, and the segments of a part made one when there are many, which leaves as many dead rows:
-- so they have a table of their own. What both tables and all segments say together is so.
CREATE TABLE text_words (
    part     integer NOT NULL,
    trigram  text COLLATE "C" NOT NULL,
    blocks   bytea NOT NULL,
    PRIMARY KEY (part, trigram)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE text_segments (
    part     integer NOT NULL,
    trigram  text COLLATE "C" NOT NULL,
    segment  bigint NOT NULL,
    blocks   bytea NOT NULL,
    PRIMARY KEY (part, trigram, segment)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000,
        autovacuum_vacuum_cost_delay = 0);

-- Recipients that were open when they were indexed, and the last attempt of which the index knows:
-- what was attempted later is looked at besides, until the index has it.
CREATE TABLE text_open (
    recipient_id     text COLLATE "C" NOT NULL,
    part             integer NOT NULL,
    block            integer NOT NULL,
    last_attempt_id  text COLLATE "C",
    PRIMARY KEY (recipient_id, part)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- Recipients whose text has been changed or removed, until the index knows that.
CREATE TABLE text_to_forget (
    recipient_id  text COLLATE "C" NOT NULL PRIMARY KEY
);
