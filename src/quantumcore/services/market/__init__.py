"""Market (8006): books, trades and tickers."""
