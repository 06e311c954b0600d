-- Recipients whose text has been changed or removed: the index of text beside the ledger still has
-- it until it comes across them here.
CREATE TABLE text_to_forget (
    recipient_id  TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
