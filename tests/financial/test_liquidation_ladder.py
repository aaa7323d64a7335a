"""The ladder of a liquidation.

Goal: each rung begins and ends where it should, does what it should, and says why; whatever happens, all accounts, the fees and the
fund together have what they had.
Method: boundaries one unit to either side; worked steps; a market of random accounts that is shaken until people fall off.
"""

import random
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import pytest

from quantumcore.services.risk.margin.ladder import (
    Account,
    Cancel,
    Cause,
    Cover,
    Deleverage,
    Fund,
    Lift,
    Opposite,
    Order,
    Position,
    Reduce,
    Rules,
    Rung,
    Standing,
    Step,
    Take,
    Warn,
    shared,
    step,
)

RICH = Fund(money=10**9)
LONG = Position(symbol="AAA", lots=100, mark=1_000, unit=1, margin=600)
SHORT = Position(symbol="BBB", lots=-30, mark=2_000, unit=1, margin=400)
BOTH = Account(account=1, equity=2_000, initial=1_500, maintenance=1_000, positions=(LONG, SHORT))


def at(equity: int, standing: Standing | None = None, fund: Fund = RICH, **changed: object) -> Step:
    return step(replace(BOTH, equity=equity, **changed), standing or Standing(), fund)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("equity", "rung"),
    [
        (1_501, Rung.NONE),
        (1_500, Rung.NONE),
        (1_499, Rung.WARN),
        (1_100, Rung.WARN),
        (1_099, Rung.CANCEL),
        (1_000, Rung.CANCEL),
        (999, Rung.PARTIAL),
        (500, Rung.PARTIAL),
        (499, Rung.FULL),
        (0, Rung.FULL),
        (-1, Rung.FUND),
    ],
)
def test_each_rung_begins_at_its_own_condition(equity: int, rung: Rung) -> None:
    assert at(equity).standing.rung is rung


@pytest.mark.parametrize(("money", "rung"), [(301, Rung.FUND), (300, Rung.FUND), (299, Rung.DELEVERAGE)])
def test_the_fund_takes_as_long_as_it_stays_at_its_floor(money: int, rung: Rung) -> None:
    assert at(-100, fund=Fund(money=money, floor=200)).standing.rung is rung


def test_a_warning_is_told_once_and_lifted_when_it_is_over() -> None:
    first = at(1_499)
    assert first.actions == (Warn(),)
    assert first.cause == Cause(1_499, 1_500, 1_000, RICH.money, 0, 0)
    assert at(1_498, first.standing).actions == ()
    assert at(1_500, first.standing) == Step(Standing(), Cause(1_500, 1_500, 1_000, RICH.money, 0, 0), (Lift(),))
    assert at(1_500).actions == ()


def test_opening_orders_are_cancelled_the_largest_margin_first() -> None:
    orders = (Order("a", 5, True), Order("b", 9, True), Order("c", 7, False), Order("d", 9, True))
    assert at(1_050, orders=orders).actions == (Warn(), Cancel("b"), Cancel("d"), Cancel("a"))
    assert at(1_150, orders=orders).actions == (Warn(),)
    assert Cancel("c") in at(10, orders=orders).actions  # on FULL, all of them
    assert Cancel("c") not in at(700, orders=orders).actions


def test_a_partial_reduces_the_largest_contributor_by_a_quarter_of_what_there_was() -> None:
    first = at(900)
    assert first.actions == (Warn(), Reduce("AAA", -25, 950))  # inside a collar of 5 %
    assert dict(first.standing.begun) == {"AAA": 100, "BBB": 30}
    second = at(900, first.standing, positions=(replace(LONG, lots=75, margin=450), SHORT))
    assert second.actions == (Reduce("AAA", -25, 950),)
    third = at(900, second.standing, positions=(replace(LONG, lots=50, margin=300), SHORT))
    assert third.actions == (Reduce("BBB", 8, 2_100),)  # ceil(30 / 4), bought
    last = at(900, third.standing, positions=(replace(LONG, lots=10, margin=500),))
    assert last.actions == (Reduce("AAA", -10, 950),)


def test_of_equal_contributors_the_first_symbol_is_reduced() -> None:
    assert at(900, positions=(replace(SHORT, margin=600), LONG)).actions[1:] == (Reduce("AAA", -25, 950),)


def test_a_limit_is_rounded_to_the_tick_inside_the_collar() -> None:
    odd = replace(LONG, mark=1_001)  # 5 % are 50.05
    assert at(900, positions=(odd,)).actions[1:] == (Reduce("AAA", -25, 951),)
    below_zero = replace(LONG, mark=-1_001)
    assert at(900, positions=(below_zero,)).actions[1:] == (Reduce("AAA", -25, -1_051),)


def test_a_partial_goes_on_to_its_goal_and_not_to_its_condition() -> None:
    begun = at(999).standing
    assert at(1_099, begun).standing.rung is Rung.PARTIAL
    assert at(1_100, begun).standing == Standing(rung=Rung.WARN)
    assert at(1_099).standing.rung is Rung.CANCEL


def test_three_failed_partials_close_everything() -> None:
    standing = at(900).standing
    for _ in range(3):
        assert at(900, standing).standing.rung is Rung.PARTIAL
        standing = standing.after_failure()
    full = at(900, standing)
    assert full.standing.rung is Rung.FULL
    assert full.actions == (Reduce("AAA", -100, 950), Reduce("BBB", 30, 2_100))
    assert full.cause.failed == 3


def test_failed_partials_are_forgotten_when_the_goal_was_met() -> None:
    standing = replace(at(900).standing, failed=3)
    assert at(1_100, standing).standing == Standing(rung=Rung.WARN)


def test_what_was_begun_to_close_is_closed_though_equity_comes_back() -> None:
    standing = at(400).standing
    assert at(5_000, standing).standing.rung is Rung.FULL
    assert at(5_000, standing, positions=(), maintenance=0, initial=0).actions == (Lift(),)


def test_the_fund_takes_positions_so_that_the_account_ends_at_nothing() -> None:
    taken = at(-101)
    assert taken.standing.rung is Rung.FUND
    assert taken.actions == (  # 100,000 and 60,000 of notional: 63.125 and 37.875, one more to the larger remainder
        Warn(),
        Take("AAA", 100, 1_000 + Fraction(63, 100), 63),
        Take("BBB", -30, 2_000 - Fraction(38, 30), 38),
    )


def test_a_debt_without_positions_is_covered() -> None:
    assert at(-7, positions=(), maintenance=0, initial=0).actions == (Warn(), Cover(7))
    assert at(-7, positions=(), maintenance=0, initial=0, fund=Fund(money=0)).actions == (Warn(), Cover(7))


def opposite(account: int, lots: int, profit: int, **changed: int) -> Opposite:
    given = {"entry": 1_000, "notional": 2_000, "equity": 500, **changed}
    return Opposite(account=account, symbol="AAA", lots=lots, profit=profit, **given)


def test_deleveraging_goes_by_profit_ratio_times_leverage_and_then_by_account() -> None:
    against = [
        opposite(5, -40, 100),  # 0.1 × 4
        opposite(4, -40, 100),
        opposite(6, -40, 100, equity=400),  # 0.1 × 5
        opposite(7, 40, 900),  # the same side
        opposite(8, -40, 900, equity=0),  # falls itself
        opposite(1, -40, 900),  # the account
        replace(opposite(9, -40, 900), symbol="BBB"),
    ]
    found = step(replace(BOTH, equity=-100, positions=(LONG,)), Standing(), Fund(money=0), against)
    price = Fraction(1_001)
    assert found.actions == (
        Warn(),
        Deleverage(6, "AAA", 40, price, 40),
        Deleverage(4, "AAA", 40, price, 40),
        Deleverage(5, "AAA", 20, price, 20),
    )


def test_what_nobody_is_against_the_fund_takes_all_the_same() -> None:
    found = step(
        replace(BOTH, equity=-100, positions=(replace(LONG, lots=-100),)),
        Standing(),
        Fund(money=0),
        [opposite(5, 30, 1)],
    )
    assert found.actions[1:] == (
        Deleverage(5, "AAA", -30, Fraction(999), 30),
        Take("AAA", -70, Fraction(999), 70),
    )


def test_rules_are_settings() -> None:
    rules = Rules(goal=120, full=60, failures=1, parts=2, collar=10_000_000)
    account = replace(BOTH, equity=1_199)
    assert step(account, Standing(), RICH, rules=rules).standing.rung is Rung.CANCEL
    assert step(replace(account, equity=599), Standing(), RICH, rules=rules).standing.rung is Rung.FULL
    found = step(replace(account, equity=900), Standing(), RICH, rules=rules)
    assert found.actions[1:] == (Reduce("AAA", -50, 900),)
    assert (
        step(replace(account, equity=900), found.standing.after_failure(), RICH, rules=rules).standing.rung is Rung.FULL
    )


def test_shares_are_whole_and_sum_to_the_total() -> None:
    assert shared(10, [1, 1, 1]) == [4, 3, 3]
    assert shared(10, [1, 2, 4]) == [1, 3, 6]
    assert shared(5, [0, 0]) == [3, 2]
    assert shared(0, [3, 4]) == [0, 0]
    assert shared(7, [Fraction(1, 3), Fraction(2, 3)]) == [2, 5]


# ------------------------------------------------------------------------------------------------------ the simulation


class Market:
    """Accounts with money and positions; each fill has two sides and pays a fee; every liquidation goes by the ladder.

    Cash moves at once with each fill, so that equity = cash + lots × mark; positions sum to nothing in each symbol.
    """

    FUND, FEES = -1, -2

    def __init__(self, rng: random.Random, accounts: int) -> None:
        self.rng = rng
        self.mark = {"AAA": 10_000, "BBB": 3_000, "CCC": 700}
        self.lots: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(self.mark, 0))
        self.cash = {account: rng.randrange(50_000, 400_000) for account in range(accounts)}
        self.cash |= {self.FUND: rng.randrange(0, 60_000), self.FEES: 0}
        self.floor = 10_000
        self.standings: dict[int, Standing] = defaultdict(Standing)
        self.seen: set[Rung] = set()
        for _ in range(accounts * 6):
            buyer, seller = rng.sample(range(accounts), 2)
            self.trade(buyer, seller, rng.choice(list(self.mark)), rng.randrange(1, 60), None)

    def trade(self, buyer: int, seller: int, symbol: str, lots: int, price: int | None) -> None:
        paid = lots * (self.mark[symbol] if price is None else price)
        self.lots[buyer][symbol] += lots
        self.lots[seller][symbol] -= lots
        self.cash[buyer] -= paid
        self.cash[seller] += paid
        for side in (buyer, seller):
            fee = 0 if side < 0 else abs(paid) // 2_000
            self.cash[side] -= fee
            self.cash[self.FEES] += fee

    def equity(self, account: int) -> int:
        return self.cash[account] + sum(lots * self.mark[symbol] for symbol, lots in self.lots[account].items())

    def total(self) -> int:
        return sum(self.equity(account) for account in self.cash)

    def view(self, account: int) -> Account:
        positions = [
            Position(
                symbol=symbol, lots=lots, mark=self.mark[symbol], unit=1, margin=abs(lots * self.mark[symbol]) // 10
            )
            for symbol, lots in self.lots[account].items()
            if lots
        ]
        needed = sum(one.margin for one in positions)
        return Account(
            account=account, equity=self.equity(account), initial=needed * 2, maintenance=needed, positions=positions
        )

    def opposites(self) -> list[Opposite]:
        return [
            Opposite(
                account=account,
                symbol=symbol,
                lots=lots,
                profit=self.rng.randrange(-1_000, 1_000),
                entry=1_000,
                notional=abs(lots) * self.mark[symbol],
                equity=self.equity(account),
            )
            for account, held in self.lots.items()
            if account >= 0
            for symbol, lots in held.items()
            if lots
        ]

    def liquidate(self, account: int) -> None:
        fund = Fund(money=self.equity(self.FUND), floor=self.floor)
        found = step(self.view(account), self.standings[account], fund, self.opposites())
        standing = found.standing
        self.seen.add(standing.rung)
        for action in found.actions:
            match action:
                case Reduce(symbol=symbol, lots=lots, price=price):
                    standing = standing if self.fill(account, symbol, lots, price) else standing.after_failure()
                case Take(symbol=symbol, lots=lots, amount=amount):
                    self.hand_over(account, self.FUND, symbol, lots, amount)
                case Deleverage(account=other, symbol=symbol, lots=lots, amount=amount):
                    self.hand_over(account, other, symbol, lots, amount)
                case Cover(amount=amount):
                    self.cash[account] += amount
                    self.cash[self.FUND] -= amount
        self.standings[account] = standing
        if standing.rung >= Rung.FUND:
            assert self.view(account) == Account(account=account, equity=0, initial=0, maintenance=0, positions=[])

    def fill(self, account: int, symbol: str, lots: int, price: int) -> bool:
        """Somebody takes the other side at the limit or better, or nobody does."""
        others = [other for other in self.cash if other >= 0 and other != account]
        if self.rng.random() < 0.4:
            return False
        other = self.rng.choice(others)
        better = price + self.rng.randrange(0, 20) * (1 if lots < 0 else -1)
        buyer, seller = (account, other) if lots > 0 else (other, account)
        self.trade(buyer, seller, symbol, abs(lots), better)
        return True

    def hand_over(self, giver: int, taker: int, symbol: str, lots: int, amount: int) -> None:
        worth = lots * self.mark[symbol] + amount
        self.lots[giver][symbol] -= lots
        self.lots[taker][symbol] += lots
        self.cash[giver] += worth
        self.cash[taker] -= worth

    def shake(self) -> None:
        for symbol, mark in self.mark.items():
            self.mark[symbol] = max(1, mark + round(mark * self.rng.gauss(0, 0.06)))


def test_accounts_fees_and_fund_together_keep_what_they_had(seed: int) -> None:
    """Hundreds of liquidations on every rung; after each step not one minor unit has come or gone, and whom the fund took over has nothing and owes nothing."""
    seen: set[Rung] = set()
    for run in range(8):
        market = Market(random.Random(seed + run), accounts=12)
        before = market.total()
        for _ in range(40):
            market.shake()
            assert market.total() == before
            for account in range(12):
                for _ in range(6):
                    market.liquidate(account)
                    assert market.total() == before
                    assert all(sum(held[symbol] for held in market.lots.values()) == 0 for symbol in market.mark)
        seen |= market.seen
    assert seen == set(Rung)
