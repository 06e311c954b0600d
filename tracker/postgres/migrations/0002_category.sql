-- Why the last attempt at a recipient ended as it did; empty when it was never tried.
ALTER TABLE queue ADD COLUMN category text NOT NULL DEFAULT '';
ALTER TABLE results ADD COLUMN category text NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN category text NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN rule text NOT NULL DEFAULT '';
