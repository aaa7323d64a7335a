"""The ledger's audit: a hash chain over every entry, a signed Merkle root of every day, and what can be proven from them."""
