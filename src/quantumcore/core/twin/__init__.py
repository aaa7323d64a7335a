"""The engine in readable Python: what each rule means is said here first."""

from quantumcore.core.twin.engine import Engine

__all__ = ["Engine"]
