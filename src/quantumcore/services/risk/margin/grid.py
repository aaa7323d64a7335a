"""Scenario grids of profile C: settings, not code. Pure; exact numbers."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

from quantumcore.contracts.errors import InvalidCommand

MAX_SCENARIOS = 64
_THIRD = Fraction(1, 3)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One move.

    Attributes:
        price: Multiple of the price range, signed. volatility: +1 up, -1 down, 0 unchanged, of the volatility shift.
        counted: Part of the loss that counts, 0 < counted <= 1.
    """

    price: Fraction
    volatility: int
    counted: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Grid:
    """The moves under which a portfolio is valued, in the order of its risk arrays.

    Attributes:
        of_price: Whether multiples are of the underlying's price; otherwise they are of its price range.
    """

    scenarios: tuple[Scenario, ...]
    of_price: bool = False

    def __post_init__(self) -> None:
        count = len(self.scenarios)
        if not 1 <= count <= MAX_SCENARIOS or any(not 0 < one.counted <= 1 for one in self.scenarios):
            detail = f"a grid has 1 to {MAX_SCENARIOS} scenarios, each counted in part or whole"
            raise InvalidCommand(
                "risk.scenario.bad", detail, field="scenarios", limit=str(MAX_SCENARIOS), actual=str(count)
            )


def sixteen(extreme: Fraction = Fraction(3), counted: Fraction = _THIRD) -> Grid:
    """Return the standard grid: 0, 1/3, 2/3 and 1 price range, up and down, each with volatility up, then down; two extremes."""
    moves = (Fraction(0), *chain.from_iterable((step * _THIRD, -step * _THIRD) for step in (1, 2, 3)))
    usual = [Scenario(move, shift) for move in moves for shift in (1, -1)]
    return Grid((*usual, Scenario(extreme, 0, counted), Scenario(-extreme, 0, counted)))


def equal_steps(up: Fraction, down: Fraction, steps: int = 10) -> Grid:
    """Return `steps` points, half of them above the price and half below, evenly up to +up and down to -down of it."""
    half = steps // 2
    rises = [Scenario(up * n / half, 0) for n in range(1, half + 1)]
    return Grid((*rises, *(Scenario(-down * n / half, 0) for n in range(1, half + 1))), of_price=True)


def buckets(
    width: Fraction = Fraction(16, 100),
    count: int = 9,
    extended: Fraction = Fraction(48, 100),
    counted: Fraction = _THIRD,
) -> Grid:
    """Return `count` prices evenly from -width to +width, each with volatility up, unchanged and down, and an extended range."""
    half = count // 2
    usual = [Scenario(width * n / half, shift) for n in range(-half, half + 1) for shift in (1, 0, -1)]
    return Grid((*usual, Scenario(extended, 0, counted), Scenario(-extended, 0, counted)), of_price=True)


SIXTEEN = sixteen()
SINGLE_NAMES = equal_steps(Fraction(15, 100), Fraction(15, 100))
BROAD_INDICES = equal_steps(Fraction(6, 100), Fraction(8, 100))
BUCKETS = buckets()
