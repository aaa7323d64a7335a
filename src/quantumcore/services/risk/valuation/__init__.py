"""Valuation: what an account is worth, what it needs and how much of its limits it uses, read at one sequence."""
