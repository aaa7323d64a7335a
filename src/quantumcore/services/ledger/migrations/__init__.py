"""History of the ledger's tables."""
