"""Why an option has no price, greeks or volatility. Each reason has a code of its own; none is answered by a zero.

GreeksRefused
├── Expired, NegativeTimeToExpiry      no time is left
├── InvalidStrike, InvalidUnderlyingPrice, InvalidVolatility, InvalidTerms   not finite, or outside its bounds
├── MissingMarketData                  a value that is needed is not there
└── PriceOutOfBounds, NotRecoverable, IVConvergenceFailed   of implied volatilities
"""

from quantumcore.contracts.errors import Refused


class GreeksRefused(Refused):
    """An option that has no answer; nothing was computed."""

    default_code = "greeks.refused"


class Expired(GreeksRefused):
    """The expiry instant is now or before now."""

    default_code = "greeks.expired"

    def __init__(self) -> None:
        super().__init__(detail="the option has expired", field="expiry")


class NegativeTimeToExpiry(GreeksRefused):
    """A time to expiry below zero was given; `days` is that."""

    default_code = "greeks.time_to_expiry.negative"

    def __init__(self, days: str, field: str = "years") -> None:
        self.days = days
        super().__init__(detail=f"{days} days to expiry are below zero", field=field, limit="0", actual=days)


class InvalidStrike(GreeksRefused):
    """The strike is not finite, or not from 1e-15 to 1e15."""

    default_code = "greeks.strike.invalid"

    def __init__(self, actual: str, field: str = "strike") -> None:
        super().__init__(detail="a strike is a number from 1e-15 to 1e15", field=field, limit="1e15", actual=actual)


class InvalidUnderlyingPrice(GreeksRefused):
    """The underlying's price is not finite, or not from 1e-15 to 1e15; after escrowed dividends too."""

    default_code = "greeks.underlying_price.invalid"

    def __init__(self, actual: str, field: str = "underlying_price") -> None:
        super().__init__(
            detail="the underlying's price is a number from 1e-15 to 1e15", field=field, limit="1e15", actual=actual
        )


class InvalidVolatility(GreeksRefused):
    """A volatility is not from 0 to 10 (1,000 %), given as 20 for 20 %, say; or over 15 times the root of the years; or that is
    what the price implies.
    """

    default_code = "greeks.volatility.invalid"

    def __init__(self, actual: str, field: str = "volatility") -> None:
        super().__init__(
            detail="a volatility is from 0 to 10, which is 1,000 %, and times the root of the years at most 15",
            field=field,
            limit="10",
            actual=actual,
        )


class InvalidTerms(GreeksRefused):
    """Any other value that is not finite or outside its bounds; `field` says which."""

    default_code = "greeks.terms.invalid"

    def __init__(self, field: str, actual: str, limit: str = "") -> None:
        super().__init__(detail=f"{field} is outside its bounds", field=field, limit=limit, actual=actual)


class MissingMarketData(GreeksRefused):
    """A value of the market that is needed is not there; `field` says which."""

    default_code = "greeks.market_data.missing"

    def __init__(self, field: str) -> None:
        super().__init__(detail=f"{field} is missing", field=field)


class PriceOutOfBounds(GreeksRefused):
    """No volatility has this price: it is zero, below the intrinsic, or at the most an option can be worth, or above."""

    default_code = "greeks.option_price.out_of_bounds"

    def __init__(self, lower: str, upper: str, price: str) -> None:
        self.lower, self.upper, self.price = lower, upper, price
        detail = f"a price of {price} is not between {lower} and {upper}"
        super().__init__(detail=detail, field="option_price", limit=f"{lower} to {upper}", actual=price)


class NotRecoverable(GreeksRefused):
    """The price hardly depends on the volatility: its last bit moves that by `bound`, more than 1e-5."""

    default_code = "greeks.volatility.not_recoverable"

    def __init__(self, bound: str) -> None:
        self.bound = bound
        detail = f"the price holds too little time value: its last bit moves the volatility by {bound}"
        super().__init__(detail=detail, field="option_price", limit="0.00001", actual=bound)


class IVConvergenceFailed(GreeksRefused):
    """The method that was chosen did not end within its limit of `iterations`."""

    default_code = "greeks.volatility.not_converged"

    def __init__(self, iterations: int) -> None:
        self.iterations = iterations
        detail = f"no volatility after {iterations} iterations: choose the rational method"
        super().__init__(detail=detail, field="method", limit=str(iterations), actual=str(iterations))
