"""The rooms. One shape; no room imports another."""
