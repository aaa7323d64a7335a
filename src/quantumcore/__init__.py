"""QuantumCore: an exchange in a box."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quantumcore.app.venue import Venue

__all__ = ["Venue"]


def __getattr__(name: str) -> Any:
    """Import `Venue` when it is asked for: a process that only wants the contracts does not load the engine."""
    if name == "Venue":
        from quantumcore.app.venue import Venue  # see above

        return Venue
    raise AttributeError(f"module 'quantumcore' has no attribute {name!r}")
