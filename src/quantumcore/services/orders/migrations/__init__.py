"""How the tables of the orders room came to be."""
