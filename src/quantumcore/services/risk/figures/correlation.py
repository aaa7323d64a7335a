"""Correlations of returns: completed, checked, and repaired only when that is asked for. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures.basis import Floats, finite

MISSING = 0.5
"""Of two symbols for which none is set."""
TOLERANCE = 1e-9
"""A smallest eigenvalue not below its negative is rounding."""
MAX_SYMBOLS = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Correlations:
    """A correlation matrix that is known to be positive semidefinite: only `checked`, `completed` and `perfect` make one.

    Attributes:
        symbols: Of its rows. matrix: Read-only.
        repaired: Whether it is another one than was given; `moved` is the largest change of an entry then.
    """

    symbols: tuple[str, ...]
    matrix: Floats
    repaired: bool = False
    moved: float = 0.0


def completed(symbols: Sequence[str], pairs: Mapping[tuple[str, str], float], *, repair: bool = False) -> Correlations:
    """Return the matrix of `symbols` from correlations of pairs: 1 on the diagonal, 0.5 where none is given.

    Pairs of other symbols are passed over.

    Raises:
        InvalidCommand: As `checked`; `risk.correlation.bad` also for a pair that is given twice with two values, or a
            symbol that stands twice.
    """
    _limited(len(symbols))
    at = {symbol: n for n, symbol in enumerate(symbols)}
    if len(at) != len(symbols):
        raise _bad("a symbol stands twice", "symbols", str(len(symbols) - len(at)))
    matrix = np.full((len(symbols), len(symbols)), MISSING)
    np.fill_diagonal(matrix, 1.0)
    finite(list(pairs.values()), "correlation")
    for (first, second), rho in pairs.items():
        if pairs.get((second, first), rho) != rho:
            raise _bad("a pair has two correlations", f"{first},{second}", f"{rho} and {pairs[second, first]}")
        if first in at and second in at:
            matrix[at[first], at[second]] = matrix[at[second], at[first]] = rho
    return checked(symbols, matrix, repair=repair)


def checked(symbols: Sequence[str], matrix: Floats, *, repair: bool = False) -> Correlations:
    """Return `matrix` as correlations of `symbols`.

    Args:
        repair: Replace a matrix that cannot be by one near it (eigenvalues below 0 set to 0, the diagonal back to 1).

    Raises:
        InvalidCommand: `risk.not_finite`; `risk.correlation.bad`: not square, not symmetric, a diagonal that is not 1, an
            entry beyond -1 to 1, more than 2,000 symbols; `risk.correlation.not_psd`: not positive semidefinite, `actual` is
            the smallest eigenvalue.
    """
    _limited(len(symbols))
    array = finite(matrix, "correlation").copy()
    if array.shape != (len(symbols), len(symbols)):
        raise _bad("the matrix has not a row and a column for each symbol", "correlation", str(array.shape))
    for what, wrong in (
        ("an entry is beyond -1 to 1", np.abs(array) > 1),
        ("the diagonal is not 1", np.eye(len(symbols), dtype=bool) & (array != 1)),
        ("the matrix is not symmetric", array != array.T),
    ):
        if wrong.any():
            row, column = (int(n) for n in np.argwhere(wrong)[0])
            raise _bad(what, f"{symbols[row]},{symbols[column]}", str(array[row, column]))
    least = smallest_eigenvalue(array)
    if least >= -TOLERANCE:
        return _made(symbols, array)
    if not repair:
        raise InvalidCommand(
            "risk.correlation.not_psd",
            f"the correlations cannot be: their matrix has the eigenvalue {least:.6g}",
            field="correlation",
            limit="0",
            actual=repr(least),
        )
    near = _repaired(array)
    return _made(symbols, near, repaired=True, moved=float(np.abs(near - array).max()))


def perfect(symbols: Sequence[str]) -> Correlations:
    """Return correlations of 1: of a day on which everything falls together."""
    _limited(len(symbols))
    return _made(symbols, np.ones((len(symbols), len(symbols))))


def smallest_eigenvalue(matrix: Floats) -> float:
    """Return the smallest eigenvalue of a symmetric matrix; of one that Cholesky takes, 0 as a bound, which is faster."""
    if not len(matrix):
        return 0.0
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return float(np.linalg.eigvalsh(matrix)[0])
    return 0.0


def root(correlations: Correlations) -> Floats:
    """Return L with L L' = the matrix: by Cholesky, of a singular matrix by its eigenvectors."""
    try:
        return np.asarray(np.linalg.cholesky(correlations.matrix), dtype=np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlations.matrix)
        rooted: Floats = vectors * np.sqrt(np.clip(values, 0, None))
        return rooted


def _repaired(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    near: Floats = (vectors * np.clip(values, 0, None)) @ vectors.T
    scale = 1 / np.sqrt(np.diagonal(near))
    near = np.clip(near * np.outer(scale, scale), -1, 1)
    near = (near + near.T) / 2
    np.fill_diagonal(near, 1.0)
    return near


def _made(symbols: Sequence[str], matrix: Floats, *, repaired: bool = False, moved: float = 0.0) -> Correlations:
    matrix.flags.writeable = False
    return Correlations(tuple(symbols), matrix, repaired, moved)


def _limited(count: int) -> None:
    if count > MAX_SYMBOLS:
        raise InvalidCommand(
            "risk.correlation.bad",
            f"more than {MAX_SYMBOLS} symbols",
            field="symbols",
            limit=str(MAX_SYMBOLS),
            actual=str(count),
        )


def _bad(detail: str, field: str, actual: str) -> InvalidCommand:
    return InvalidCommand("risk.correlation.bad", detail, field=field, limit="-1 .. 1", actual=actual)
