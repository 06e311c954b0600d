-- What was not delivered is looked for by its category along these, without a look at the table.
DROP INDEX recipients_by_status;
DROP INDEX recipients_by_account_status;
DROP INDEX recipients_by_account_domain_status;

CREATE INDEX recipients_by_status ON recipients (status, id, lease, category)
    WHERE status <> 'delivered' AND lease IS NULL;
CREATE INDEX recipients_by_account_status ON recipients (account, status, id, lease, category)
    WHERE status <> 'delivered' AND lease IS NULL AND account IS NOT NULL;
CREATE INDEX recipients_by_account_domain_status
    ON recipients (account_domain, status, id, lease, category)
    WHERE status <> 'delivered' AND lease IS NULL AND account_domain IS NOT NULL;
