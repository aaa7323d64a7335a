"""How the tables of the market room came to be."""
