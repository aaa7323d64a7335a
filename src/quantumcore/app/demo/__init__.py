"""A venue with simulated participants, from nothing: something to look at, and something to trade against."""
