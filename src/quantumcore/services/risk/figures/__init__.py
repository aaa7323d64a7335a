"""Figures: what a portfolio could lose, computed from values that are given. Pure; no room, no clock, no account is known here."""
