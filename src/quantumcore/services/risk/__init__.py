"""Risk (8004): what a position may lose, and the money that must be there for it."""
