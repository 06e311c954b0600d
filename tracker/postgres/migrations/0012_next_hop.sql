-- Where somebody sends a recipient whatever is configured, with the port; empty: as configured. It
-- lies in the history, where it stays when the recipient is final: of mail that goes as configured
-- nothing is written for it.
ALTER TABLE recipients ADD COLUMN next_hop text COLLATE "C" NOT NULL DEFAULT '';

-- Where an act sends them, and where each was sent before, so that it can be undone.
ALTER TABLE acts ADD COLUMN next_hop text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE act_changes ADD COLUMN was text COLLATE "C" NOT NULL DEFAULT '';
