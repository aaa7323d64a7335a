"""The world: one file per system."""
