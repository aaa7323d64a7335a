"""History of the tables of positions."""
