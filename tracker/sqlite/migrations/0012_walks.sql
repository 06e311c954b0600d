-- How far each walk over the messages has got on which parts of them are forgotten.
CREATE TABLE walks (
    name     TEXT NOT NULL PRIMARY KEY,
    last_id  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
