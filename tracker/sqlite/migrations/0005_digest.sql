-- SHA-256 of the content as its sender has it, in hexadecimal, for handover certificates; empty where
-- it is not known.
ALTER TABLE messages ADD COLUMN content_sha256 TEXT NOT NULL DEFAULT '';
