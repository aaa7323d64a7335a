"""Portfolio: what an account is worth, in one currency, at one cursor and one snapshot of rates."""
