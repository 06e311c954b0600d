-- Why the last attempt at a recipient ended as it did; empty when it was never tried.
ALTER TABLE recipients ADD COLUMN category TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN category TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN rule TEXT NOT NULL DEFAULT '';

-- What is in hand has an index of its own: mail that is delivered at once enters none of these.
-- lease is in them only so that counting needs no look at the table.
DROP INDEX recipients_by_status;
DROP INDEX recipients_by_account_status;
DROP INDEX recipients_by_account_domain_status;

CREATE INDEX recipients_by_status ON recipients (status, id, lease)
    WHERE status <> 'delivered' AND lease IS NULL;
CREATE INDEX recipients_by_account_status ON recipients (account, status, id, lease)
    WHERE status <> 'delivered' AND lease IS NULL AND account IS NOT NULL;
CREATE INDEX recipients_by_account_domain_status ON recipients (account_domain, status, id, lease)
    WHERE status <> 'delivered' AND lease IS NULL AND account_domain IS NOT NULL;
