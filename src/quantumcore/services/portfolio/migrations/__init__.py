"""History of the portfolio's tables."""
