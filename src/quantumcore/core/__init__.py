"""The hot path's Python face: the native engine, its journal, its feed, and the readable twin."""
