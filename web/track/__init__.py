"""*Track deliveries*: from what somebody asks for, through the ledger, to rows that can be read."""
