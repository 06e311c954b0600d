-- Where somebody sends a recipient whatever is configured, with the port; empty: as configured.
ALTER TABLE recipients ADD COLUMN next_hop TEXT NOT NULL DEFAULT '';

-- Where an act sends them, and where each was sent before, so that it can be undone.
ALTER TABLE acts ADD COLUMN next_hop TEXT NOT NULL DEFAULT '';
ALTER TABLE act_changes ADD COLUMN was TEXT NOT NULL DEFAULT '';
