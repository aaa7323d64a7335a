"""Orders (8002): what became of each order."""
