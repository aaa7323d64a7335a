"""History of the tables of risk."""
