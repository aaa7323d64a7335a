"""The ledger room: double entry for everything that the engine moves."""
