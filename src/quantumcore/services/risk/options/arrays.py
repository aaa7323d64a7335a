"""Greeks as floats: of one option, and of many at once. No money is made of these without becoming a Decimal first."""

from typing import TYPE_CHECKING, Any, NamedTuple

from quantumcore.contracts.greeks import InvalidTerms
from quantumcore.core import _greeks
from quantumcore.services.risk.options.refusals import FOUND, implied_refusal, refusal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

METHODS = {"exact": 0, "fine": 1, "baw": 2, "bs93": 3}
"""Of American options. `fine` is what `exact` is checked against: some forty times as slow."""
SEARCHES = {"rational": 0, "newton": 1, "bisection": 2, "brent": 3}
AMERICAN_SEARCHES = ("rational", "brent")
ENGINES = ("exact", "fine", "baw", "bs93", "european", "lattice", "intrinsic", "certain")
"""What has answered, by the kernel's number."""
EUROPEAN = ENGINES.index("european")
ITERATIONS = 100
TOLERANCE = 1e-12
MIN_DAYS = 0.01
_COLUMNS = ("spot", "strike", "years", "rate", "dividend_yield")


class FloatGreeks(NamedTuple):
    """Of one unit of the underlying; each a float, or of many options an array of one column.

    theta is a day's, vega and rho are per 1 %.
    """

    price: Any
    delta: Any
    gamma: Any
    theta: Any
    vega: Any
    rho: Any


class FloatVolatilities(NamedTuple):
    """Implied volatilities of many options.

    Attributes:
        volatility: NaN where there is none; `outcome` says why.
        outcome: 0 found, 1 price out of bounds, 2 not recoverable, 3 not converged, 4 over 1,000 %.
        bound: What the last bit of the price moves the volatility by.
    """

    volatility: "NDArray[np.float64]"
    outcome: "NDArray[np.uint8]"
    bound: "NDArray[np.float64]"


def number_of(words: dict[str, int], word: str, field: str) -> int:
    """Return the kernel's number for `word`.

    Raises:
        InvalidTerms: It is none of `words`.
    """
    number = words.get(word)
    if number is None:
        raise InvalidTerms(field, str(word)[:64], ", ".join(words))
    return number


def check_american_search(method: str) -> None:
    """See that an American volatility is looked for by the one search there is: Brent's, from the European answer.

    Raises:
        InvalidTerms: Another method was chosen.
    """
    if method not in AMERICAN_SEARCHES:
        raise InvalidTerms("method", str(method)[:64], ", ".join(AMERICAN_SEARCHES))


def float_greeks(
    call: bool,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    *,
    american: bool = False,
    method: str = "exact",
    days_per_year: float = 365.0,
    min_days: float = MIN_DAYS,
) -> FloatGreeks:
    """Return price and greeks of one option.

    Raises:
        GreeksRefused: A value is not finite or outside its bounds; `field` says which.
    """
    try:
        if american:
            chosen = number_of(METHODS, method, "method")
            six, _ = _greeks.american(
                call, spot, strike, years, rate, dividend_yield, volatility, days_per_year, min_days / 365.0, chosen
            )
            return FloatGreeks(*six)
        return FloatGreeks(
            *_greeks.european(
                call, spot, strike, years, rate, dividend_yield, volatility, days_per_year, min_days / 365.0
            )
        )
    except ValueError as error:
        given = _given(spot, strike, years, rate, dividend_yield, volatility=volatility, days_per_year=days_per_year)
        raise refusal(str(error), given) from None


def float_implied_volatility(
    call: bool,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    dividend_yield: float,
    option_price: float,
    *,
    american: bool = False,
    method: str = "rational",
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
) -> float:
    """Return the volatility that a price implies.

    Raises:
        GreeksRefused: There is none, or none that a float holds; or a value is outside its bounds.
    """
    try:
        if american:
            check_american_search(method)
            answer = _greeks.american_implied(
                call, spot, strike, years, rate, dividend_yield, option_price, iterations, tolerance
            )
        else:
            chosen = number_of(SEARCHES, method, "method")
            answer = _greeks.implied(
                call, spot, strike, years, rate, dividend_yield, option_price, chosen, iterations, tolerance
            )
    except ValueError as error:
        raise refusal(
            str(error), _given(spot, strike, years, rate, dividend_yield, option_price=option_price)
        ) from None
    if answer[0] != FOUND:
        raise implied_refusal(answer, option_price)
    return answer[1]


def greeks_of_many(
    call: "ArrayLike",
    spot: "ArrayLike",
    strike: "ArrayLike",
    years: "ArrayLike",
    rate: "ArrayLike",
    dividend_yield: "ArrayLike",
    volatility: "ArrayLike",
    *,
    american: bool = False,
    method: str = "exact",
    days_per_year: float = 365.0,
    min_days: float = MIN_DAYS,
) -> FloatGreeks:
    """Return a column per greek: of arrays of one length, or of single numbers that stand for all rows.

    Nothing is computed when one row is refused. Other threads run meanwhile.

    Raises:
        GreeksRefused: As of `float_greeks`; `field` names the row. Or there are more than 2^20 rows.
    """
    flags, s, k, t, r, q, v = _columns(call, spot, strike, years, rate, dividend_yield, volatility)
    try:
        if american:
            chosen = number_of(METHODS, method, "method")
            table, _ = _greeks.american_rows(flags, s, k, t, r, q, v, days_per_year, min_days / 365.0, chosen)
        else:
            table = _greeks.european_rows(flags, s, k, t, r, q, v, days_per_year, min_days / 365.0)
    except ValueError as error:
        given = _given(s, k, t, r, q, volatility=v, days_per_year=days_per_year)
        raise refusal(str(error), given) from None
    return FloatGreeks(*table)


def implied_volatilities_of_many(
    call: "ArrayLike",
    spot: "ArrayLike",
    strike: "ArrayLike",
    years: "ArrayLike",
    rate: "ArrayLike",
    dividend_yield: "ArrayLike",
    option_price: "ArrayLike",
    *,
    method: str = "rational",
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
) -> FloatVolatilities:
    """Return the volatilities that European prices imply; a row without one says why, and the others stand.

    Raises:
        GreeksRefused: A value is not finite or outside its bounds; `field` names the row. Nothing was computed.
    """
    flags, s, k, t, r, q, p = _columns(call, spot, strike, years, rate, dividend_yield, option_price)
    try:
        chosen = number_of(SEARCHES, method, "method")
        found = _greeks.implied_rows(flags, s, k, t, r, q, p, chosen, iterations, tolerance)
    except ValueError as error:
        raise refusal(str(error), _given(s, k, t, r, q, option_price=p)) from None
    return FloatVolatilities(*found)


def _given(*values: Any, **more: Any) -> dict[str, Any]:
    return {**dict(zip(_COLUMNS, values, strict=True)), **more}


def _columns(*given: Any) -> Any:
    """Return columns of one length as the kernel takes them; those that already are so are not copied."""
    import numpy as np

    call, *numbers = given
    if _ready(np, call, "bool") and all(_ready(np, each, "float64") and each.shape == call.shape for each in numbers):
        return given
    try:
        columns = np.broadcast_arrays(
            np.asarray(call, dtype=np.bool_), *(np.asarray(each, dtype=np.float64) for each in numbers)
        )
    except (ValueError, TypeError) as error:
        raise InvalidTerms("rows", str(error)[:64], "numbers of one length") from None
    return [np.ascontiguousarray(column).reshape(-1) for column in columns]


def _ready(np: Any, column: Any, kind: str) -> bool:
    return isinstance(column, np.ndarray) and column.dtype == kind and column.ndim == 1 and column.flags.c_contiguous
