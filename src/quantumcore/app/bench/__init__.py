"""Figures: the same work, repeated, medians with spread, on a machine that is named."""
