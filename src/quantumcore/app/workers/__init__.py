"""Processes that compute: each is asked one thing at a time over a bus of its own, and ends with whoever started it."""
