"""Matching (8003): one inbox, one sequence, one engine."""
