"""What an option is and what its market says. Pure, frozen; prices, rates and times are exact."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from msgspec import Struct

from quantumcore.contracts.greeks import Expired, InvalidTerms, MissingMarketData

YEAR_NS = 365 * 86_400 * 10**9
DIVIDENDS_MAX = 100
ZERO = Decimal(0)
_OCC = re.compile(r"([A-Z0-9]{1,6}) {0,5}(\d{2})(\d{2})(\d{2})([CP])(\d{8})\Z", re.ASCII)
_OCC_LENGTH = 21
_NEW_YORK = "America/New_York"


class Dividend(Struct, frozen=True, gc=False):
    """A known payment in money for one unit of the underlying, at the instant it trades without it."""

    time_ns: int
    amount: Decimal


class OptionContract(Struct, frozen=True, kw_only=True, gc=False):
    """One listed option.

    Attributes:
        symbol: As OCC writes it (21 characters: root, date, C or P, strike in thousandths), or the venue's own.
        expiry_ns: The instant of expiry, nanoseconds UTC; not a day.
        multiplier: Units of the underlying that one contract is about.
    """

    symbol: str
    underlying: str
    call: bool
    strike: Decimal
    expiry_ns: int
    american: bool = True
    multiplier: Decimal = Decimal(100)

    @classmethod
    def of_symbol(
        cls,
        symbol: str,
        *,
        american: bool = True,
        closes: time = time(16),
        zone: str = _NEW_YORK,
        multiplier: int = 100,
    ) -> "OptionContract":
        """Read an OCC symbol; it expires on its day when the market closes.

        Raises:
            InvalidTerms: The symbol is not one of OCC's, or its date is no date.
        """
        found = _OCC.match(symbol)
        if found is None or len(symbol) != _OCC_LENGTH:
            raise InvalidTerms("symbol", symbol[:64])
        root, year, month, day, side, thousandths = found.groups()
        try:
            on = date(2000 + int(year), int(month), int(day))
        except ValueError as error:
            raise InvalidTerms("symbol", symbol) from error
        expiry = datetime.combine(on, closes, ZoneInfo(zone)).astimezone(UTC)
        return cls(
            symbol=symbol,
            underlying=root,
            call=side == "C",
            strike=Decimal(int(thousandths)).scaleb(-3),
            expiry_ns=int(expiry.timestamp()) * 10**9,
            american=american,
            multiplier=Decimal(multiplier),
        )


class OptionMarket(Struct, frozen=True, kw_only=True, gc=False):
    """What the market says at one instant; what it does not say is None, and missed only where it is needed.

    Attributes:
        spot: The underlying's price.
        option_price: Of one unit of the underlying, not of a contract.
        rate, dividend_yield: Continuous, a year: 0.05 is 5 %.
        volatility: A year: 0.2 is 20 %. When it is None the option's price implies it.
        dividends: Known payments before expiry; their present value is taken off the spot (escrowed).
        time_ns: The instant of all this, nanoseconds UTC.
    """

    time_ns: int
    spot: Decimal | None = None
    option_price: Decimal | None = None
    rate: Decimal | None = None
    dividend_yield: Decimal | None = ZERO
    volatility: Decimal | None = None
    dividends: tuple[Dividend, ...] = ()


class OptionTerms(Struct, frozen=True, kw_only=True, gc=False):
    """All that the price of one unit depends on but the volatility.

    Attributes:
        years: To expiry; a year is 365 days of 86,400 s. Of an expiry instant a fraction, for it seldom is a decimal.
        escrowed: The spot is the market's less the present value of dividends.
    """

    call: bool
    spot: Decimal
    strike: Decimal
    years: Decimal | Fraction
    rate: Decimal
    dividend_yield: Decimal = ZERO
    american: bool = False
    escrowed: bool = False


def terms_of(contract: OptionContract, market: OptionMarket) -> OptionTerms:
    """Bring a contract and its market together.

    Raises:
        Expired: The expiry instant is not after the market's.
        MissingMarketData: Spot, rate or dividend yield is None.
        InvalidTerms: More than 100 dividends.
    """
    left_ns = contract.expiry_ns - market.time_ns
    if left_ns <= 0:
        raise Expired
    if market.spot is None:
        raise MissingMarketData("spot")
    if market.rate is None:
        raise MissingMarketData("rate")
    if market.dividend_yield is None:
        raise MissingMarketData("dividend_yield")
    spot = market.spot
    if market.dividends:
        spot = _escrowed(spot, market, contract.expiry_ns)
    return OptionTerms(
        call=contract.call,
        spot=spot,
        strike=contract.strike,
        years=Fraction(left_ns, YEAR_NS),
        rate=market.rate,
        dividend_yield=market.dividend_yield,
        american=contract.american,
        escrowed=spot is not market.spot,
    )


def _escrowed(spot: Decimal, market: OptionMarket, expiry_ns: int) -> Decimal:
    """Take off the spot what it pays after now and not after expiry, at its present value."""
    if len(market.dividends) > DIVIDENDS_MAX:
        raise InvalidTerms("dividends", str(len(market.dividends)), str(DIVIDENDS_MAX))
    rate = market.rate or ZERO
    for dividend in market.dividends:
        if market.time_ns < dividend.time_ns <= expiry_ns:
            years = Decimal(dividend.time_ns - market.time_ns) / YEAR_NS
            spot -= dividend.amount * (-rate * years).exp()
    return spot
