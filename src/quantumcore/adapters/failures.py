"""How an error crosses a process boundary: whole, with its chain of causes, and back into the same class."""

from itertools import pairwise

import msgspec

from quantumcore.contracts import errors
from quantumcore.contracts.errors import Internal, QuantumCoreError

CHAIN_LIMIT = 16  # causes beyond it are dropped: a chain that long is a loop

_CLASSES: dict[str, type[QuantumCoreError]] = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, QuantumCoreError)
}


class Failure(msgspec.Struct, frozen=True):
    """One error as it stands on the wire.

    Attributes:
        kind: Name of its class in contracts.errors; whatever is not from there travels as Internal.
    """

    kind: str
    code: str
    detail: str
    field: str = ""
    limit: str = ""
    actual: str = ""
    retry_after: float | None = None
    context: dict[str, str] = {}


class Failed(msgspec.Struct, frozen=True):
    """An error and its causes, the outermost first."""

    chain: list[Failure]


def causes(error: BaseException) -> list[BaseException]:
    """Return `error` and what caused it, outermost first, at most CHAIN_LIMIT."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(chain) < CHAIN_LIMIT:
        chain.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


def pack(error: BaseException) -> Failed:
    """Return what crosses the boundary for `error`.

    An outermost error of a foreign class is a defect: it is wrapped in Internal, whose text gives nothing away.
    """
    chain = [_failure(each) for each in causes(error)]
    if not isinstance(error, QuantumCoreError):
        chain.insert(0, Failure("Internal", "internal", "an unexpected error; the log has it under the request id"))
    return Failed(chain)


def unpack(failed: Failed) -> QuantumCoreError:
    """Return the outermost error of `failed`, with its causes as `__cause__`, one behind the other."""
    rebuilt = [_error(failure) for failure in failed.chain] or [Internal()]
    for outer, inner in pairwise(rebuilt):
        outer.__cause__ = inner
    return rebuilt[0]


def _failure(error: BaseException) -> Failure:
    if not isinstance(error, QuantumCoreError):
        return Failure("Internal", "internal", f"{type(error).__name__}: {error}")
    kind = type(error).__name__ if type(error).__name__ in _CLASSES else "Internal"
    return Failure(
        kind, error.code, error.detail, error.field, error.limit, error.actual, error.retry_after, dict(error.context)
    )


def _error(failure: Failure) -> QuantumCoreError:
    return _CLASSES.get(failure.kind, Internal)(
        failure.code,
        failure.detail,
        field=failure.field,
        limit=failure.limit,
        actual=failure.actual,
        retry_after=failure.retry_after,
        context=failure.context,
    )
