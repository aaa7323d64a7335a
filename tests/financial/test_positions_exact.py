"""A position is exact: cost, realised and unrealised result, by every method, linear and inverse.

Goal: money.md 5: the golden cases as they stand; the master identity after every event; nothing lost from flat to flat, and
no difference at 8 places in between; extreme sizes are exact or a typed error.
Method: the room's pure functions beside tests/support/rationals.py, which counts in fractions and shares no code with them.
"""

import os
import random
from fractions import Fraction

import pytest
from msgspec.structs import replace

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Corrupted, InvalidCommand
from quantumcore.services.positions.corrections import Bust, after_bust
from quantumcore.services.positions.domain import (
    FLAT,
    Change,
    Fill,
    Kind,
    Position,
    Terms,
    after_fill,
)
from quantumcore.services.positions.lots import MAX_LOTS, METHODS, Method
from quantumcore.services.positions.pnl import (
    I128_MAX,
    ONE,
    Contract,
    Form,
    average,
    contract,
    half_even,
    show_amount,
)
from quantumcore.services.positions.replay import after_change
from tests.support.rationals import ExactPosition
from tests.support.rationals import half_even as exact_half_even

LINEAR = contract(Form.LINEAR)
INVERSE = contract(Form.INVERSE)
Step = tuple[int, int]


def play(
    steps: list[Step], terms: Terms | None = None, of: Contract = LINEAR, fees: dict[int, int] | None = None
) -> tuple[Position, list[Change]]:
    """Return the position after fills of (quantity, price), and everything that happened."""
    position, told = FLAT, []
    for at, (quantity, price) in enumerate(steps, 1):
        fill = Fill(quantity=quantity, price=price, sequence=at, fill=1, fee=(fees or {}).get(at, 0), time_ns=at)
        position, changes = after_fill(position, fill, of, terms or Terms())
        told += changes
    return position, told


def shown(position: Position, mark: int, of: Contract = LINEAR) -> tuple[int, str | None, str, str]:
    return (
        position.quantity,
        average(of, position.quantity, position.cost),
        show_amount(position.realised),
        show_amount(position.unrealised(of, mark)),
    )


GOLDEN = {
    "P01": ([(100, 150), (50, 160)], 165, (150, Fraction(460, 3), Fraction(0), Fraction(1750))),
    "P02": ([(100, 150), (-50, 160)], 155, (50, Fraction(150), Fraction(500), Fraction(250))),
    "P03": ([(300, 10), (-100, 12), (-50, 9), (-150, 11)], 99, (0, None, Fraction(300), Fraction(0))),
    "P04": ([(-100, 50), (-100, 54), (50, 49)], 53, (-150, Fraction(52), Fraction(150), Fraction(-150))),
    "P05": ([(100, 150), (-150, 160)], 158, (-50, Fraction(160), Fraction(1000), Fraction(100))),
    "P08": (
        [(12, 100), (17, 99), (-9, 101), (-4, 105), (3, 103)],
        104,
        (19, Fraction(55089, 551), Fraction(1062, 29), Fraction(2215, 29)),
    ),
    "P15": ([(100, 10), (100, 12), (100, 17), (-150, 15)], 16, (150, Fraction(13), Fraction(300), Fraction(450))),
}


def text(amount: Fraction | None) -> str | None:
    if amount is None:
        return None
    scaled = int(exact_half_even(amount, 8) * 10**8)
    return f"{'-' if scaled < 0 else ''}{abs(scaled) // 10**8}.{abs(scaled) % 10**8:08d}"


@pytest.mark.hazard("F6")
@pytest.mark.parametrize("name", GOLDEN)
def test_the_worked_cases(name: str) -> None:
    steps, mark, (quantity, price, realised, unrealised) = GOLDEN[name]
    position, _ = play(steps)
    assert shown(position, mark) == (quantity, text(price), text(realised), text(unrealised))


@pytest.mark.hazard("F6")
def test_p12_the_average_of_an_inverse_contract_is_harmonic() -> None:
    position, _ = play([(1_000, 5_000), (2_000, 6_000)], of=INVERSE)
    assert shown(position, 5_500, INVERSE) == (3_000, "5625.00000000", "0.00000000", "-0.01212121")


@pytest.mark.hazard("F6")
@pytest.mark.parametrize(
    ("method", "realised", "unrealised"),
    [("average", 300, 450), ("fifo", 650, 100), ("lifo", -50, 800), ("hifo", -50, 800)],
)
def test_p15_by_method(method: str, realised: int, unrealised: int) -> None:
    """The method moves the result between realised and unrealised; the total is always 750."""
    position, _ = play(GOLDEN["P15"][0], Terms(METHODS[method]))
    assert (position.realised, position.unrealised(LINEAR, 16)) == (realised * ONE, unrealised * ONE)


def test_p15_by_lots_that_were_chosen() -> None:
    """The lots named go first, in their order; then first in, first out."""
    terms = Terms(Method.SPECIFIC, chosen=((3, 1), (2, 1)))
    position, _ = play(GOLDEN["P15"][0], terms)
    assert position.realised == (100 * (15 - 17) + 50 * (15 - 12)) * ONE
    assert [(lot.sequence, lot.quantity) for lot in position.lots] == [(1, 100), (2, 50)]


# ------------------------------------------------------------------------------------------- conventions


@pytest.mark.hazard("F6")
def test_crossing_zero_is_two_events_of_one_version() -> None:
    position, told = play([(100, 150), (-150, 160)], fees={2: 100})
    closed, opened = told[1:]
    assert [change.kind for change in told] == [Kind.OPENED, Kind.CLOSED, Kind.OPENED]
    assert (closed.version, opened.version, position.version, position.cycles) == (2, 2, 2, 1)
    assert (closed.realised, closed.stands_quantity, closed.stands_cost) == (1_000 * ONE, 0, 0)
    assert (opened.quantity, opened.price, opened.stands_cost) == (-50, 160, -8_000 * ONE)
    assert (closed.fee, opened.fee, position.fees) == (66, 34, 100)


def test_the_fee_of_a_flip_is_split_by_quantity_and_a_rebate_too() -> None:
    for fee in (1, 2, 3, 100, -1, -2, -100):
        position, (_, closed, opened) = play([(2, 10), (-3, 10)], fees={2: fee})
        assert closed.fee + opened.fee == position.fees == fee
        assert abs(closed.fee) == abs(fee) * 2 // 3


def test_flat_keeps_the_record() -> None:
    position, _ = play([(2, 10), (-2, 15)])
    assert (position.quantity, position.cost, position.realised, position.cycles) == (0, 0, 10 * ONE, 1)
    assert average(LINEAR, 0, 0) is None
    again, _ = after_fill(position, Fill(quantity=-1, price=20, sequence=3), LINEAR)
    assert (again.realised, again.cycles, again.version) == (10 * ONE, 1, 3)


def test_a_partial_close_leaves_the_average_alone_and_loses_no_residue() -> None:
    """Three units for a hundred: a third has no end in decimals, and nothing of it is lost."""
    position, _ = play([(1, 33), (1, 33), (1, 34)])
    assert position.cost == 100 * ONE
    one, _ = after_fill(position, Fill(quantity=-1, price=33, sequence=4), LINEAR)
    assert average(LINEAR, one.quantity, one.cost) == "33.33333333"
    flat = one
    for at in (5, 6):
        flat, _ = after_fill(flat, Fill(quantity=-1, price=33, sequence=at), LINEAR)
    assert (flat.cost, flat.realised) == (0, -ONE)


def test_multiplier_tick_and_lot_make_the_value() -> None:
    """ES: 2 contracts at 4,500.25 are worth 450,025; the average is a price again."""
    es = contract(Form.LINEAR, tick=25, tick_scale=2, multiplier=50)
    position, _ = play([(2, 18_001), (-1, 18_005)], of=es)
    assert shown(position, 18_001, es) == (1, "4500.25000000", "50.00000000", "0.00000000")
    option = contract(Form.OPTION, tick_scale=2, multiplier=100)
    paid, _ = play([(10, 120)], of=option)
    assert (paid.cost, show_amount(paid.unrealised(option, 0))) == (1_200 * ONE, "-1200.00000000")


def test_prices_below_zero() -> None:
    """A long that was paid to take what it holds, and was paid again to be rid of it."""
    position, _ = play([(10, -37), (-4, -40)])
    assert shown(position, -10) == (6, "-37.00000000", "-12.00000000", "162.00000000")


def test_a_flip_of_an_inverse_contract() -> None:
    position, told = play([(3_000, 5_000), (-5_000, 6_000)], of=INVERSE)
    assert show_amount(told[1].realised) == "0.10000000"
    assert shown(position, 5_000, INVERSE) == (-2_000, "6000.00000000", "0.10000000", "0.06666667")


@pytest.mark.parametrize("price", [0, -1])
def test_an_inverse_contract_has_no_value_at_such_a_price(price: int) -> None:
    with pytest.raises(InvalidCommand) as error:
        after_fill(FLAT, Fill(quantity=1, price=price), INVERSE)
    assert error.value.code == "position.price"


@pytest.mark.hazard("F6")
def test_extreme_sizes_are_exact_or_a_typed_error() -> None:
    """2^62 lots at the edge of 128 bits: one more tick is refused, and the position stays as it was."""
    big = 2**62
    most = I128_MAX // (big * ONE)
    position, _ = play([(big, most)])
    assert position.cost == big * most * ONE
    small = contract(Form.LINEAR, tick_scale=9, lot_scale=9)
    tiny, _ = play([(big, 10**9 + 1), (-(big - 1), 10**9)], of=small)
    exact = ExactPosition("average", lambda price: Fraction(price, 10**18))
    exact.fill(big, 10**9 + 1)
    exact.fill(-(big - 1), 10**9)
    assert abs(Fraction(tiny.realised, ONE) - exact.realised) <= Fraction(1, ONE)
    for steps in ([(big, most + 1)], [(big, most), (big, most)], [(-big, most), (-big, most)]):
        with pytest.raises(InvalidCommand) as error:
            play(steps)
        assert (error.value.code, error.value.limit) == ("position.overflow", str(I128_MAX))


@pytest.mark.hazard("F3")
def test_half_even_on_ties_of_both_signs() -> None:
    """1.235 -> 1.24, 2.245 -> 2.24, 3.255 -> 3.26; 0.5 to 9.5 sum to 50; all of it below zero too."""
    assert [half_even(n, 10) for n in (1235, 2245, 3255)] == [124, 224, 326]
    assert [half_even(-n, 10) for n in (1235, 2245, 3255)] == [-124, -224, -326]
    assert sum(half_even(2 * n + 1, 2) for n in range(10)) == 50
    assert show_amount(5 * 10**9) == "0.00000000"
    assert show_amount(15 * 10**9) == "0.00000002"
    assert show_amount(-25 * 10**9) == "-0.00000002"


# ------------------------------------------------------------------------------------------ random fills


def identity_holds(position: Position, cash: int, of: Contract, mark: int) -> bool:
    """realised + unrealised = cash + quantity × value at mark; both right-hand signs turned when inverse."""
    left = position.realised + position.unrealised(of, mark)
    return left == of.gain * (cash + of.value(position.quantity, mark))


def compare(method: str, of: Contract, fills: int, rng: random.Random) -> None:
    """Play `fills` random fills and compare after each; fail at the first difference."""
    form, scale = of.form, of.tick_scale + of.lot_scale
    price_of = of.lot * of.multiplier

    def value(price: int) -> Fraction:
        if form is Form.INVERSE:
            return Fraction(price_of * 10**of.tick_scale, price * of.tick * 10**of.lot_scale)
        return Fraction(price_of * price * of.tick, 10**scale)

    terms = Terms(METHODS[method])
    position, exact = FLAT, ExactPosition(method, value, of.gain)
    cash = flats = 0
    price = 10_000
    for at in range(1, fills + 1):
        price = max(1, price + rng.randrange(-60, 61))
        shape = rng.random()
        if position.quantity and shape < 0.15:
            quantity = -position.quantity  # flat
        elif position.quantity and shape < 0.25:
            quantity = -position.quantity * 2 + rng.choice((-1, 1))  # across zero, or nearly
        else:
            quantity = rng.choice((-1, 1)) * rng.randrange(1, 50)
        quantity = quantity or 1
        ticks = -price if form is Form.LINEAR and rng.random() < 0.02 else price
        fill = Fill(quantity=quantity, price=ticks, sequence=at, time_ns=at)
        position, changes = after_fill(position, fill, of, terms)
        exact.fill(quantity, ticks)
        cash -= sum(change.value for change in changes)
        assert cash == exact.cash * ONE
        assert position.quantity == exact.quantity
        assert identity_holds(position, cash, of, price)
        assert show_amount(position.realised) == text(exact.realised)
        assert show_amount(position.unrealised(of, price)) == text(exact.unrealised(price))
        lots = position.open_lots
        assert sum(lot.quantity for lot in lots) == position.quantity
        assert sum(lot.cost for lot in lots) == position.cost
        if not position.quantity:
            flats += 1
            assert (position.cost, position.realised) == (0, of.gain * cash)
            if method == "average" or of.form is not Form.INVERSE:
                assert position.realised == exact.realised * ONE
            exact.realised = Fraction(position.realised, ONE)
    assert flats > fills // 20


FORMS = {
    "linear": contract(Form.LINEAR, tick=25, tick_scale=2, lot=1, lot_scale=5, multiplier=50),
    "inverse": contract(Form.INVERSE, tick=5, tick_scale=1, multiplier=100),
}


@pytest.mark.hazard("F6")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["average", "fifo", "lifo", "hifo"])
def test_random_fills_against_rationals(method: str, form: str, rng: random.Random) -> None:
    """20,000 fills over the eight: no difference at 8 places, none at all when flat; the identity after each."""
    compare(method, FORMS[form], 2_500, rng)


@pytest.mark.fuzz
@pytest.mark.timeout(0)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["average", "fifo", "lifo", "hifo"])
def test_a_million_random_fills_against_rationals(
    method: str, form: str, rng: random.Random, request: pytest.FixtureRequest
) -> None:
    """1,000,000 fills over the eight when fuzzing, 8,000 otherwise."""
    compare(method, FORMS[form], 125_000 if _fuzzing() else 1_000, rng)


def _fuzzing() -> bool:
    return os.environ.get("QC_TEST_PROFILE") == "fuzz"


@pytest.mark.parametrize("method", Method)
def test_what_was_recorded_leads_to_the_same_position(method: Method, rng: random.Random) -> None:
    """Each change again, some of them twice: the position as it was, bit for bit; one left out is a gap."""
    position, told = FLAT, []
    terms = Terms(method, wash_sales=method is Method.FIFO, chosen=((7, 1), (3, 1)))
    for at in range(1, 500):
        if at % 50 == 0 and position.quantity:
            bust = Bust(
                quantity=-1 if at % 100 else 0,
                price=99,
                value=-99 * ONE if at % 100 else -12,
                fee=1,
                trade=(at - rng.randrange(1, 5), 1),
                bought=True,
                sequence=at,
                time_ns=at * DAY_NS,
            )
            position, change = after_bust(position, bust, LINEAR)
            told.append(change)
            continue
        quantity = rng.randrange(-20, 21) or 1
        fill = Fill(
            quantity=quantity,
            price=rng.randrange(80, 120),
            fee=rng.randrange(-3, 9),
            sequence=at,
            leg=at & 1,
            fill=1,
            time_ns=at * DAY_NS,
        )
        position, changes = after_fill(position, fill, LINEAR, terms)
        told += changes
    again = FLAT
    for change in told:
        again = after_change(again, change, LINEAR)
        if rng.random() < 0.3:
            again = after_change(again, change, LINEAR)
    assert again == position
    with pytest.raises(Corrupted, match=r"position\.(gap|mismatch)"):
        short = FLAT
        for change in (*told[:30], *told[31:]):
            short = after_change(short, change, LINEAR)


# ------------------------------------------------------------------------------------------------- busts


def bust(trade: int, quantity: int, price: int, *, bought: bool, cash: int = 0, at: int = 100) -> Bust:
    value = quantity * price * ONE if quantity else -cash
    return Bust(quantity=quantity, price=price, value=value, fee=3, trade=(trade, 1), bought=bought, sequence=at)


@pytest.mark.parametrize("method", ["average", "fifo", "lifo", "hifo"])
def test_a_busted_trade_of_an_open_position_was_never_there(method: str) -> None:
    terms = Terms(METHODS[method])
    without, _ = play([(100, 150), (25, 170)], terms)
    position, _ = play([(100, 150), (50, 160), (25, 170)], terms)
    after, change = after_bust(position, bust(2, -50, 160, bought=True), LINEAR)
    assert (after.quantity, after.cost, after.realised) == (without.quantity, without.cost, 0)
    assert (change.kind, change.trade, after.version, after.fees) == (Kind.ADJUSTED, 2, 4, -3)


@pytest.mark.parametrize("method", ["average", "fifo", "lifo", "hifo"])
def test_a_bust_after_a_close_goes_back_at_the_trades_own_price(method: str, rng: random.Random) -> None:
    """Whatever happened since, total result and cash agree; flat has no cost."""
    for _ in range(200):
        steps = [(rng.randrange(-9, 10) or 1, rng.randrange(50, 150)) for _ in range(6)]
        position, told = play(steps, Terms(METHODS[method]))
        at = rng.randrange(6)
        quantity, price = steps[at]
        after, change = after_bust(position, bust(at + 1, -quantity, price, bought=quantity > 0), LINEAR)
        cash = -sum(each.value for each in (*told, change))
        assert identity_holds(after, cash, LINEAR, 77)
        assert after.quantity == position.quantity - quantity
        assert after.quantity or not after.cost
        assert sum(lot.cost for lot in after.open_lots) == after.cost
        assert sum(lot.quantity for lot in after.open_lots) == after.quantity


@pytest.mark.parametrize("method", ["average", "fifo"])
def test_a_corrected_price_moves_the_cost_or_what_was_realised(method: str) -> None:
    terms = Terms(METHODS[method])
    position, _ = play([(100, 150)], terms)
    after, _ = after_bust(position, bust(1, 0, 148, bought=True, cash=200 * ONE), LINEAR)
    assert (after.cost, after.realised) == (14_800 * ONE, 0)
    assert sum(lot.cost for lot in after.open_lots) == after.cost
    closed, _ = play([(100, 150), (-100, 160)], terms)
    flat, _ = after_bust(closed, bust(1, 0, 148, bought=True, cash=200 * ONE), LINEAR)
    assert (flat.cost, flat.realised) == (0, 1_200 * ONE)


# -------------------------------------------------------------------------------------------- wash sales


def washing(*steps: tuple[int, int, int], method: Method = Method.FIFO) -> tuple[Position, list[Change]]:
    """Play (day, quantity, price) with wash sales."""
    position, told = FLAT, []
    for at, (day, quantity, price) in enumerate(steps, 1):
        fill = Fill(quantity=quantity, price=price, sequence=at, fill=1, time_ns=day * DAY_NS)
        position, changes = after_fill(position, fill, LINEAR, Terms(method, wash_sales=True))
        told += changes
        cash = -sum(change.value for change in told)
        assert identity_holds(position, cash, LINEAR, 50)
        assert sum(lot.cost for lot in position.lots) == position.cost
        assert sum(lot.quantity for lot in position.lots) == position.quantity
    return position, told


def test_a_loss_is_washed_by_a_purchase_within_30_days_after() -> None:
    """100 bought at 50, sold at 40: 1,000 lost; 60 bought again on the 30th day carry 600 of it, and the days it was held."""
    position, _ = washing((0, 100, 50), (10, -100, 40), (40, 60, 41))
    assert position.realised == -400 * ONE
    (lot,) = position.lots
    assert (lot.washed, lot.cost, lot.held_ns) == (True, (60 * 41 + 600) * ONE, 30 * DAY_NS)
    later, _ = washing((0, 100, 50), (10, -100, 40), (41, 60, 41))
    assert later.realised == -1_000 * ONE


def test_a_loss_is_washed_by_a_purchase_within_30_days_before() -> None:
    """The lot bought 30 days before the sale takes the loss of the first; it is split where it is more than was sold."""
    position, _ = washing((0, 10, 50), (5, 25, 45), (35, -10, 40))
    assert position.realised == 0
    assert [(lot.quantity, lot.cost, lot.washed) for lot in position.lots] == [
        (10, (450 + 100) * ONE, True),
        (15, 675 * ONE, False),
    ]
    early, _ = washing((0, 10, 50), (4, 25, 45), (35, -10, 40))
    assert early.realised == -100 * ONE


def test_the_rest_of_a_lot_replaces_nothing_and_nothing_replaces_twice() -> None:
    rest, _ = washing((0, 100, 50), (1, -40, 40))
    assert rest.realised == -400 * ONE
    twice, _ = washing((0, 10, 50), (0, 10, 50), (1, 10, 30), (2, -20, 40))
    assert [(lot.quantity, lot.cost, lot.washed) for lot in twice.lots] == [(10, (300 + 100) * ONE, True)]
    assert twice.realised == -100 * ONE


def test_without_the_setting_a_loss_is_a_loss() -> None:
    position, _ = play([(100, 50), (-100, 40), (60, 41)], Terms(Method.FIFO))
    assert position.realised == -1_000 * ONE


def test_a_position_has_a_bounded_number_of_lots() -> None:
    """Past MAX_LOTS a fill joins the youngest lot: quantities and costs still sum."""
    many = tuple(
        after_fill(FLAT, Fill(quantity=1, price=10, sequence=n), LINEAR, Terms(Method.FIFO))[0].lots[0]
        for n in range(1, MAX_LOTS + 1)
    )
    position = replace(
        FLAT,
        quantity=MAX_LOTS,
        cost=MAX_LOTS * 10 * ONE,
        method=Method.FIFO,
        lots=many,
        version=MAX_LOTS,
        numbers=MAX_LOTS,
    )
    after, _ = after_fill(position, Fill(quantity=5, price=20, sequence=MAX_LOTS + 1), LINEAR)
    assert len(after.lots) == MAX_LOTS
    assert (after.lots[-1].quantity, after.lots[-1].cost) == (6, 110 * ONE)
    assert sum(lot.cost for lot in after.lots) == after.cost
