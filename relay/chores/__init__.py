"""What is done for the ledger as a whole, in the background, by one process at a time."""
