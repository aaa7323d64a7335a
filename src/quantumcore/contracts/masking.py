"""What of a sensitive value may be shown to a person who reads logs."""

MASK = "****"
SHOWN = 4


def mask(value: str) -> str:
    """Return `****` for up to 4 characters, else the first 4 and `****`."""
    return MASK if len(value) <= SHOWN else value[:SHOWN] + MASK
