"""The cyclic collector of a server that runs for months."""

import gc

YOUNG, MIDDLE, OLD = 20_000, 20, 50
"""Python's own 700, 10, 10 look at the young objects every few orders; nearly all have died of their reference count by then."""


def spare_the_collector() -> None:
    """Take what a started process keeps for ever out of the collector's sight, and let it come more rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
