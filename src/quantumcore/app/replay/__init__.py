"""Replay a recorded exchange into a venue: read records, rebuild the book beside it, drive the engine, compare."""
