-- How far each walk over the messages has got on which parts of them are forgotten.
CREATE TABLE walks (
    name     text COLLATE "C" NOT NULL PRIMARY KEY,
    last_id  text COLLATE "C" NOT NULL
);
