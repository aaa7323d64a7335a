"""What an account is worth in a currency and what its positions need (engine.md section 17).

Nothing here is kept: every sum is taken over the rows of the account and its working orders.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import exposure, positions
from quantumcore.core.twin.accounts import Balance
from quantumcore.core.twin.book import BUY, SELL
from quantumcore.core.twin.fees import ceil_of
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.margin_records import RiskArray
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

VOLATILITY, SCENARIOS = 1, 3  # profiles
RATE_PLACES = 12  # of a rate with its slope
MOST_RATE = 10**13  # ten times what it is worth
MODEL_PLACES = 6  # of what a model says, in the currency's unit


@dataclass(frozen=True, slots=True)
class Row:
    """A position as it counts, in lots.

    Attributes:
        lots: What was bought less what was sold.
        buys, sells: What works on each side.
        price: The mark in ticks; 0: there is none.
    """

    number: int
    instrument: Instrument
    lots: int
    buys: int
    sells: int
    price: int

    @property
    def ends(self) -> tuple[int, int, int]:
        """What the position is, and what it is when all that works to buy, or to sell, has traded."""
        return self.lots, self.lots + self.buys, self.lots - self.sells

    @property
    def worst(self) -> int:
        """The larger of what it could come to, either way."""
        return max(abs(self.lots + self.buys), abs(self.lots - self.sells))

    @property
    def exposure(self) -> int:
        """What the worst of it is worth, in minor units, rounded up."""
        return self.instrument.unit.ceil(self.worst * self.price)

    def worth(self, lots: int) -> int:
        """Return what `lots` are worth, in minor units, rounded down."""
        return self.instrument.unit.floor(lots * self.price)


@dataclass(frozen=True, slots=True)
class Look:
    """An account in a currency as one look finds it.

    Attributes:
        account, currency: Whose it is.
        decimals: Of the currency.
        rows: The positions that count, by instrument.
        stale: A mark or a risk array that counts is missing or too old: the rest says nothing.
        equity, initial, maintenance: Minor units.
        result: Of its day; 0 without one.
    """

    account: int
    currency: int
    decimals: int
    rows: list[Row]
    stale: bool
    equity: int = 0
    initial: int = 0
    maintenance: int = 0
    result: int = 0
    deposits: int = 0

    @property
    def gross(self) -> int:
        """What all positions at their worst are worth."""
        return sum(row.exposure for row in self.rows)

    @property
    def net(self) -> int:
        """What they are worth together, either way, if all that works to buy trades, or all that works to sell."""
        up = sum(row.worth(row.lots + row.buys) for row in self.rows)
        down = sum(row.worth(row.lots - row.sells) for row in self.rows)
        return max(abs(up), abs(down))

    @property
    def too_large(self) -> bool:
        """A number that is not kept is among those that were looked at."""
        sums = (self.equity, self.initial, self.maintenance, self.gross, self.result, self.deposits)
        return any(not _is_kept(row) for row in self.rows) or max(map(abs, sums)) > I64_MAX


def _is_kept(row: Row) -> bool:
    return row.worst <= I64_MAX and row.worst * row.price < 2**96 and row.exposure <= I64_MAX


def look(
    venue: Venue, account: int, currency: int, wanted: exposure.Wanted | None = None, *, counted: bool = True
) -> Look:
    """Look at an account in a currency; with an order that is judged as if it worked, or (not `counted`) did not."""
    rows = _rows(venue, account, currency, wanted, counted=counted)
    decimals = venue.currencies[currency].scale
    if any(_is_stale(venue, account, currency, row) for row in rows):
        return Look(account, currency, decimals, rows, stale=True)
    balance = venue.accounts[account].balances.get(currency, Balance())
    equity = balance.total + sum(row.worth(row.lots) for row in rows)
    day = venue.margin.of(account, currency).day
    return Look(
        account,
        currency,
        decimals,
        rows,
        stale=False,
        equity=equity,
        initial=_needed(venue, account, currency, rows),
        maintenance=_needed(venue, account, currency, rows, held_only=True),
        result=0 if day is None else equity - day.opening - day.deposits,
        deposits=0 if day is None else day.deposits,
    )


def check_known(found: Look) -> None:
    """STALE_REF, AMOUNT_OVERFLOW: what is looked at is missing or too old, or too large."""
    if found.stale:
        raise Refusal(Reason.STALE_REF, Scope.ACCOUNT)
    if found.too_large:
        numbers = {"limit": I64_MAX, "actual": exposure.MAX_SHOWN, "decimals": found.decimals}
        raise Refusal(Reason.AMOUNT_OVERFLOW, Scope.ACCOUNT, **numbers)


# --------------------------------------------------------------------------------------- what there is


def _rows(venue: Venue, account: int, currency: int, wanted: exposure.Wanted | None, *, counted: bool) -> list[Row]:
    numbers = {number for owner, number in venue.positions if owner == account}
    numbers |= {order.instrument for order in venue.working[account].values()}
    if wanted is not None:
        numbers |= {order.instrument for order in (*wanted.seat.earlier, wanted.order)}
    quoted = [number for number in sorted(numbers) if venue.instruments[number].terms.quote == currency]
    rows = (_row(venue, account, number, wanted, counted=counted) for number in quoted)
    return [row for row in rows if any((row.lots, row.buys, row.sells))]


def _row(venue: Venue, account: int, number: int, wanted: exposure.Wanted | None, *, counted: bool) -> Row:
    def works(side: int) -> int:
        if wanted is None:
            return exposure.lots_at_work(venue, account, number, side)
        return wanted.at_work(venue, number, side, counted=counted)

    mark = venue.books[number].watch.mark
    lots = positions.held_in(venue, account, number)
    return Row(number, venue.instruments[number], lots, works(BUY), works(SELL), mark or 0)


def _is_stale(venue: Venue, account: int, currency: int, row: Row) -> bool:
    terms = venue.margin.terms_of(row.number)
    if row.price == 0 or _is_older(venue, venue.books[row.number].outside.marked_at, terms.mark_ns):
        return True
    if not by_scenarios(venue, account, currency, row.number):
        return False
    array = venue.margin.arrays.get(row.number)
    return array is None or _is_older(venue, array.set_at, terms.array_ns)


def _is_older(venue: Venue, set_at: int, oldest_ns: int) -> bool:
    return oldest_ns > 0 and venue.now_ns - set_at > oldest_ns


# ---------------------------------------------------------------------------------------- what it needs


def by_scenarios(venue: Venue, account: int, currency: int, number: int) -> bool:
    """Tell whether a position in an instrument needs what scenarios say."""
    profile = venue.margin.of(account, currency).profile
    return profile == SCENARIOS and venue.margin.terms_of(number).profile == 0


def _needed(venue: Venue, account: int, currency: int, rows: list[Row], *, held_only: bool = False) -> int:
    """Return what the positions need to be opened, or (`held_only`) to be held, in minor units."""
    total = 0
    families: dict[tuple[bool, int], list[Row]] = defaultdict(list)
    for row in rows:
        if by_scenarios(venue, account, currency, row.number):
            underlying = venue.guards.class_of(row.number).underlying
            families[underlying > 0, underlying or row.number].append(row)
        else:
            total += _by_volatility(venue.margin.terms_of(row.number), row, held_only=held_only)
    decimals = venue.currencies[currency].scale
    for family in families.values():
        total += to_minor(_scanned(venue.margin.arrays, family, held_only=held_only), decimals)
    return total


def _by_volatility(terms: wire.SetMarginTerms, row: Row, *, held_only: bool) -> int:
    lots, rate = (abs(row.lots), terms.maintenance) if held_only else (row.worst, terms.initial)
    rate = min(MOST_RATE, rate * 10 ** (RATE_PLACES - MODEL_PLACES) + terms.slope * lots)
    return ceil_of(row.instrument.unit.ceil(lots * row.price) * rate, 10**RATE_PLACES)


def _scanned(arrays: dict[int, RiskArray], rows: list[Row], *, held_only: bool) -> int:
    """Return the worst scenario of positions in one underlying, at least what their shorts need, in 10^-6 of the unit."""
    losses, least = [0] * wire.SCENARIOS, 0
    for row in rows:
        array = arrays[row.number]
        ends = (row.lots,) if held_only else row.ends
        losses = [loss + max(lots * each for lots in ends) for loss, each in zip(losses, array.losses, strict=True)]
        least += max(0, *(-lots for lots in ends)) * array.short_minimum
    return max(least, 0, *losses)


def to_minor(amount: int, decimals: int) -> int:
    """Return what a model says in minor units of a currency, rounded up."""
    return ceil_of(amount * 10**decimals, 10**MODEL_PLACES)


def greek(rows: list[Row], of_a_lot: Callable[[int], int]) -> int:
    """Return the larger of the sums of a greek, either way, at the worst of each position, in 10^-6 of the unit."""
    each = [[lots * of_a_lot(row.number) for lots in row.ends] for row in rows]
    return max(abs(sum(map(max, each))), abs(sum(map(min, each))))
