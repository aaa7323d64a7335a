"""The ladder of a liquidation: on which rung an account stands, and what that rung does. Pure; integers.

NONE ──equity < initial──▶ WARN ──< 1.10 maintenance──▶ CANCEL ──< maintenance──▶ PARTIAL ──< 0.50 maintenance,
or three partials failed──▶ FULL ──< 0──▶ FUND ──the fund would be below its floor──▶ DELEVERAGE

What is to be done is data: others make commands of it, with `Cause` beside them. A rung ends when its goal is met; the next
begins only if its own condition holds. Nothing here makes or loses money: what a taken position is short of is paid by the
fund, or by those whose positions are closed, to the last minor unit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from fractions import Fraction
from typing import TypeAlias

from quantumcore.services.risk.margin.amounts import RATE, ceiling

NOTHING_BEGUN: Mapping[str, int] = {}


class Rung(IntEnum):
    """Each takes in what the ones before it forbid."""

    NONE = 0
    WARN = 1
    CANCEL = 2
    PARTIAL = 3
    FULL = 4
    FUND = 5
    DELEVERAGE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Settings. goal, full: Percent of maintenance. parts: One partial is 1/parts of what there was. collar: In 10^-8."""

    goal: int = 110
    full: int = 50
    failures: int = 3
    parts: int = 4
    collar: int = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """lots: Signed, not 0. mark: In ticks. unit, per: One tick of one lot is unit / per minor units. margin: Its maintenance."""

    symbol: str
    lots: int
    mark: int
    unit: int
    margin: int
    per: int = 1

    @property
    def notional(self) -> Fraction:
        """Its size at the mark, in minor units."""
        return Fraction(abs(self.lots * self.mark) * self.unit, self.per)


@dataclass(frozen=True, slots=True)
class Order:
    """A working order; `margin` is what it adds to the initial requirement."""

    order_id: str
    margin: int
    opening: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account at one sequence; amounts in minor units. initial counts positions and working orders, maintenance positions."""

    account: int
    equity: int
    initial: int
    maintenance: int
    positions: Sequence[Position] = ()
    orders: Sequence[Order] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund:
    """The insurance fund's money, and the floor that taking a position may not bring it below.

    Attributes:
        refused: It has been asked, and has not what is needed at once, whatever it is worth.
    """

    money: int
    floor: int = 0
    refused: bool = False

    def takes(self, lacking: int) -> bool:
        """Tell whether it takes positions of who lacks so much."""
        return not self.refused and self.money - lacking >= self.floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Opposite:
    """Somebody's position on the other side. profit: Unrealised. entry: Size of its cost. equity: Of the account."""

    account: int
    symbol: str
    lots: int
    profit: int
    entry: int
    notional: int
    equity: int

    @property
    def rank(self) -> Fraction:
        """Profit ratio × leverage."""
        return Fraction(self.profit, max(1, self.entry)) * Fraction(self.notional, self.equity)


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell the account; only reducing orders from now."""


@dataclass(frozen=True, slots=True)
class Lift:
    """The account may open again."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel a working order."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Reduce:
    """Send a limit order that reduces; lots signed as the order's: negative sells. price: In ticks, inside the collar."""

    symbol: str
    lots: int
    price: int


@dataclass(frozen=True, slots=True)
class Take:
    """The fund takes a position at the bankruptcy price: lots signed as the account's.

    Attributes:
        price: In ticks, exact. amount: Minor units by which that is better for the account than the mark, and worse for the fund.
    """

    symbol: str
    lots: int
    price: Fraction
    amount: int


@dataclass(frozen=True, slots=True)
class Cover:
    """The fund pays `amount`, which an account without positions owes."""

    amount: int


@dataclass(frozen=True, slots=True)
class Deleverage:
    """`account` closes `lots` (signed as the bankrupt account's) against it at the bankruptcy price; `amount` as in Take."""

    account: int
    symbol: str
    lots: int
    price: Fraction
    amount: int


Action: TypeAlias = Warn | Lift | Cancel | Reduce | Take | Cover | Deleverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an account's liquidation stands, between two steps.

    Attributes:
        failed: Partials of this liquidation that did not fill. begun: Sizes of its positions when the partials began, in lots.
    """

    rung: Rung = Rung.NONE
    failed: int = 0
    begun: Mapping[str, int] = field(default_factory=lambda: NOTHING_BEGUN)

    def after_failure(self) -> "Standing":
        """Return the standing after a partial whose order has ended unfilled."""
        return replace(self, failed=self.failed + 1)


@dataclass(frozen=True, slots=True)
class Cause:
    """The numbers that caused a step; they go with its commands."""

    equity: int
    initial: int
    maintenance: int
    fund: int
    floor: int
    failed: int


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done now, in this order, and where the liquidation stands then; no actions: wait or all is well."""

    standing: Standing
    cause: Cause
    actions: tuple[Action, ...]


def step(
    account: Account,
    standing: Standing,
    fund: Fund,
    opposites: Iterable[Opposite] = (),
    rules: Rules | None = None,
) -> Step:
    """Return the next step of an account.

    Args:
        opposites: Positions of others in the account's symbols; only deleveraging looks at them.
    """
    rules = rules or Rules()
    rung = _rung(account, standing, fund, rules)
    then = _stand(account, standing, rung)
    cause = Cause(account.equity, account.initial, account.maintenance, fund.money, fund.floor, standing.failed)
    return Step(then, cause, tuple(_actions(account, standing, then, opposites, rules)))


def _rung(account: Account, standing: Standing, fund: Fund, rules: Rules) -> Rung:
    equity, needed = account.equity * 100, account.maintenance
    if account.equity < 0:
        return Rung.FUND if fund.takes(-account.equity) else Rung.DELEVERAGE
    if account.positions and standing.rung in (Rung.FULL, Rung.FUND, Rung.DELEVERAGE):
        return Rung.FULL  # its goal is that nothing is left
    partial = equity < needed * 100 or (standing.rung is Rung.PARTIAL and equity < needed * rules.goal)
    if account.positions and (equity < needed * rules.full or (partial and standing.failed >= rules.failures)):
        return Rung.FULL
    if partial:
        return Rung.PARTIAL
    if equity < needed * rules.goal:
        return Rung.CANCEL
    return Rung.WARN if account.equity < account.initial else Rung.NONE


def _stand(account: Account, standing: Standing, rung: Rung) -> Standing:
    if rung < Rung.PARTIAL:
        return Standing(rung=rung)
    if rung is Rung.PARTIAL and standing.rung is not Rung.PARTIAL:
        return Standing(
            rung=rung, failed=standing.failed, begun={one.symbol: abs(one.lots) for one in account.positions}
        )
    return replace(standing, rung=rung)


def _actions(
    account: Account, before: Standing, now: Standing, opposites: Iterable[Opposite], rules: Rules
) -> Iterable[Action]:
    rung = now.rung
    if before.rung is Rung.NONE and rung is not Rung.NONE:
        yield Warn()
    if rung is Rung.NONE and before.rung is not Rung.NONE:
        yield Lift()
    if rung >= Rung.CANCEL:
        doomed = [order for order in account.orders if order.opening or rung >= Rung.FULL]
        yield from (
            Cancel(order.order_id) for order in sorted(doomed, key=lambda order: (-order.margin, order.order_id))
        )
    if rung is Rung.PARTIAL and account.positions:
        largest = min(account.positions, key=lambda one: (-one.margin, one.symbol))
        part = ceiling(now.begun.get(largest.symbol, abs(largest.lots)), rules.parts)
        yield _reduce(largest, min(part, abs(largest.lots)), rules)
    elif rung is Rung.FULL:
        yield from (_reduce(one, abs(one.lots), rules) for one in account.positions)
    elif rung >= Rung.FUND and not account.positions:
        yield Cover(-account.equity)
    elif rung is Rung.FUND:
        yield from _taken(account)
    elif rung is Rung.DELEVERAGE:
        yield from _deleveraged(account, list(opposites))


def _reduce(position: Position, lots: int, rules: Rules) -> Reduce:
    """The price gives way as far as the collar, not further, rounded to the tick inside it."""
    room = abs(position.mark) * rules.collar // RATE
    sells = position.lots > 0
    return Reduce(position.symbol, -lots if sells else lots, position.mark - room if sells else position.mark + room)


def shared(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Return `total` shared out by weights: floor of each share, then one more to the largest remainders, lower index first."""
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    exact = [Fraction(total * Fraction(weight), whole) for weight in weights]
    shares = [one.numerator // one.denominator for one in exact]
    order = sorted(range(len(exact)), key=lambda at: (shares[at] - exact[at], at))
    for at in order[: total - sum(shares)]:
        shares[at] += 1
    return shares


def _taken(account: Account) -> Iterable[Action]:
    amounts = shared(-account.equity, [one.notional for one in account.positions])
    for one, amount in zip(account.positions, amounts, strict=True):
        yield Take(one.symbol, one.lots, _bankruptcy(one, amount), amount)


def _bankruptcy(position: Position, amount: int) -> Fraction:
    """The price, in ticks, at which closing leaves the account `amount` better than at the mark."""
    return position.mark + Fraction(amount * position.per, position.lots * position.unit)


def _deleveraged(account: Account, opposites: Sequence[Opposite]) -> Iterable[Action]:
    """Close each position against the other side, best ranked first; what nobody is against, the fund takes all the same."""
    amounts = shared(-account.equity, [one.notional for one in account.positions])
    for one, amount in zip(account.positions, amounts, strict=True):
        price, left = _bankruptcy(one, amount), abs(one.lots)
        against = [each for each in opposites if each.symbol == one.symbol and each.lots * one.lots < 0 < each.equity]
        closing: list[tuple[int, int]] = []
        for each in sorted(against, key=lambda each: (-each.rank, each.account)):
            lots = min(left, abs(each.lots))
            if lots and each.account != account.account:
                closing.append((each.account, lots))
                left -= lots
        sign = 1 if one.lots > 0 else -1
        parts = shared(amount, [*(lots for _, lots in closing), left])
        for (other, lots), part in zip(closing, parts, strict=False):
            yield Deleverage(other, one.symbol, sign * lots, price, part)
        if left:
            yield Take(one.symbol, sign * left, price, parts[-1])
