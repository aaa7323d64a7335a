"""Margin by strategies and by scenarios of accounts in the risk room.

Goal: an account is counted by the profile that was chosen for it, with the worked amounts; what it stands on (a price, a model, an array, terms,
charges, spreads, the time) shows in the next answer when it moves; what cannot be counted so is counted by volatility, or named, never 0.
Method: a small venue with options on a share; amounts worked out by hand (money.md 4.2 and 4.3).
"""

import math
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from msgspec import structs

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, NotFound
from quantumcore.contracts.risk_margin import LotGreeks, LotModel, MarginTerms, RiskArray
from quantumcore.contracts.risk_parameters import (
    GetParameters,
    SetCharges,
    SetMarginFloor,
    SetSpreads,
    SpreadCredit,
    UnderlyingCharges,
)
from quantumcore.services.risk.margin.partition import MAX_TOGETHER
from quantumcore.services.risk.margin.scenarios import Charges, Spread
from tests.support.margin_room import SIGNED, begins_again, caught_up, put
from tests.support.option_room import (
    FIRST,
    GOLDEN,
    OTHER,
    array,
    listed,
    margins,
    option,
    options_market,
    profile,
    symbol,
)
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, SHARE, define

DAY_S = 86_400
LINEAR = LotModel(underlying="AAPL", price_range="9.00", volatility="0.25")
NONE = ["0"] * 16
Legs = list[tuple[str, str, int, int]]
"""Right, strike, lots and premium in ticks."""


async def holding(room: RiskRoom, spot: int, legs: Legs, *, shares: int = 0, name: str = "strategies") -> None:
    """Let Alice have legs on AAPL, and shares of it, at these prices."""
    room.mark(spot)
    await caught_up(room)
    if shares:
        room.trade(shares, spot)
    for number, (right, strike, lots, premium) in enumerate(legs, FIRST):
        await listed(room, number, right, strike)
        room.trade(lots, premium, instrument=number)
    await profile(room, name)


# ----------------------------------------------------------------------------------------------- strategies


@pytest.mark.parametrize(
    "spot, legs, shares, initial, maintenance",
    [
        (20_900, [("put", "200", -1, 120)], 0, "3400.00", "3400.00"),
        (13_000, [("put", "120", 1, 80), ("put", "125", -1, 124)], 0, "500.00", "500.00"),
        (10_000, [("call", "95", 1, 720), ("call", "100", -2, 410), ("call", "105", 1, 200)], 0, "0.00", "0.00"),
        (10_000, [("call", "105", -1, 200)], 100, "5000.00", "2500.00"),
        (10_000, [("call", "105", -1, 200)], 99, "6650.00", "4175.00"),
        (10_000, [("call", "100", -1, 300), ("put", "100", -1, 250)], 0, "2550.00", "2550.00"),
        (10_000, [("call", "100", 5, 300)], 0, "0.00", "0.00"),
        (10_000, [], -100, "5000.00", "3000.00"),
    ],
    ids=["short put", "put spread", "butterfly", "covered call", "a share short", "straddle", "long", "short stock"],
)
async def test_the_worked_packages(
    tmp_path: Path, spot: int, legs: Legs, shares: int, initial: str, maintenance: str
) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await holding(room, spot, legs, shares=shares)
        found = await room.metrics()
        assert (found.margin_used, found.margin_maintenance) == (initial, maintenance)
        assert (found.margin_profile, found.complete) == ("strategies", True)
        assert found.margin_available == str(Decimal(found.equity) - Decimal(initial))


async def test_options_of_two_underlyings_cover_nothing_of_each_other(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        room.mark(10_000, instrument=OTHER)
        await holding(room, 10_000, [("call", "100", -1, 300), ("call", "100", 1, 300)])
        assert await margins(room) == ("0.00", "0.00")
        await listed(room, FIRST + 1, "call", "100", underlying="MSFT")
        assert await margins(room) == ("2300.00", "2300.00")


async def test_a_mark_of_an_underlying_that_is_not_held_shows_in_the_next_answer(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await holding(room, 20_900, [("put", "200", -1, 120)])
        assert await margins(room) == ("3400.00", "3400.00")
        room.mark(21_000)  # 1.20 + 42.00 - 10.00
        assert await margins(room) == ("3320.00", "3320.00")
        room.mark(220, instrument=FIRST)
        assert await margins(room) == ("3420.00", "3420.00")


async def test_an_answer_is_given_again_while_the_underlying_rests(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await holding(room, 20_900, [("put", "200", -1, 120)])
        await room.metrics()
        hits = room.service._valuer.kept.hits
        room.mark(10_000, instrument=OTHER)
        await room.metrics()
        assert room.service._valuer.kept.hits == hits + 1


async def test_what_works_counts_at_first_as_if_it_stood_alone(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await holding(room, 10_000, [("call", "100", 2, 300)])
        room.work(-2, 300, instrument=FIRST)
        assert await margins(room) == ("0.00", "0.00")
        room.work(-1, 310, instrument=FIRST)  # the mark is 3.00
        assert await margins(room) == ("2300.00", "0.00")
        room.work(5, 100, instrument=FIRST)
        assert await margins(room) == ("2300.00", "0.00")
        room.work(10, 9_000)
        assert await margins(room) == ("2800.00", "0.00")


async def test_a_share_that_covers_is_counted_as_if_it_were_sold_too(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await holding(room, 10_000, [("call", "50", -1, 5_100)], shares=100)
        assert await margins(room) == ("5000.00", "2500.00")
        room.work(-100, 11_000)
        assert await margins(room) == ("7100.00", "2500.00")  # without the shares: 51.00 + 20.00


async def test_without_a_model_an_option_is_a_stock_of_itself(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        room.mark(10_000)
        room.trade(-2, 300, instrument=FIRST)
        await profile(room, "strategies")
        assert await margins(room) == ("300.00", "180.00")  # 600.00 short
        await listed(room, FIRST, "call", "100")
        assert await margins(room) == ("4600.00", "4600.00")
        await put(room, LotGreeks(symbol=symbol(FIRST)))
        assert await margins(room) == ("300.00", "180.00")


async def test_the_model_of_the_array_says_what_a_contract_is_before_that_of_the_greeks(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await holding(room, 10_000, [("call", "100", -1, 300)])
        await put(room, RiskArray(symbol=symbol(FIRST), model=option(room, "call", "105")))
        assert await margins(room) == ("1800.00", "1800.00")  # 3.00 + 20.00 - 5.00
        await array(room, symbol(FIRST), GOLDEN)
        assert await margins(room) == ("2300.00", "2300.00")
        await put(room, RiskArray(symbol=symbol(FIRST), model=option(room, "call", "110")))
        before = room.service.margin.models.contracts
        await begins_again(room)
        assert room.service.margin.models.contracts == before != {}
        assert before[symbol(FIRST)].strike == 110


async def test_an_option_that_expires_is_named_from_that_moment_and_counted_by_no_margin(tmp_path: Path) -> None:
    for name in ("strategies", "scenarios"):
        async with risk_room(tmp_path / name, commands=options_market()) as room:
            await holding(room, 10_000, [("call", "100", -1, 300)], shares=10, name=name)
            await listed(room, FIRST, "call", "100", expires_ns=room.venue.clock.now() + 10 * 10**9)
            await array(room, symbol(FIRST), GOLDEN)
            before = await room.metrics()
            assert before.complete
            room.venue.clock.turn(9.9)
            assert (await room.metrics()).margin_used == before.margin_used
            room.venue.clock.turn(0.2)  # and no event
            found = await room.metrics()
            assert (found.complete, found.unpriced) == (False, [symbol(FIRST)])
            assert found.margin_used == {"strategies": "500.00", "scenarios": "50.00"}[name]
            assert found.equity == before.equity


async def test_an_option_on_what_never_had_a_price_is_in_no_figure_and_its_underlying_is_named(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        room.trade(-1, 300, instrument=FIRST)
        await profile(room, "strategies")
        model = option(room, "call", "100")
        room.service.margin.models.put(LotGreeks(symbol=symbol(FIRST), model=model))  # as after a rebuild
        found = await room.metrics()
        assert (found.complete, "AAPL" in found.unpriced, found.margin_used) == (False, True, "0.00")
        room.mark(10_000)
        found = await room.metrics()
        assert ("AAPL" in found.unpriced, found.margin_used) == (False, "2300.00")


async def test_what_strategies_have_no_rule_for_is_counted_by_volatility(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        room.venue.do(define(OTHER + 1, "AAPL-EUR", 3, lot_scale=0, quote=5))
        room.mark(10_000, instrument=OTHER + 1)
        await holding(room, 10_000, [("call", "100", -1, 300)])
        assert await margins(room) == ("2300.00", "2300.00")
        await listed(room, FIRST, "linear", "100", expires_ns=0)
        assert await margins(room) == ("15.00", "15.00")  # a future: 300.00 × 2 % × 2.5
        await listed(room, FIRST, "call", "100", underlying="AAPL-EUR")
        assert await margins(room) == ("15.00", "15.00")  # an underlying in another currency
        await listed(room, FIRST, "call", "100")
        await put(room, MarginTerms(symbol=symbol(FIRST), initial="0.1", maintenance="0.05", always_volatility=True))
        assert await margins(room) == ("15.00", "15.00")
        await put(room, MarginTerms(symbol=symbol(FIRST), initial="0.1", maintenance="0.05"))
        assert await margins(room) == ("2300.00", "2300.00")
        room.venue.do(wire.SetMark(instrument=SHARE, price=1))
        assert await margins(room) == ("300.10", "300.10")  # 3.00 + 10 % of 0.01, × 100


@pytest.mark.parametrize("instrument, price", [(SHARE, 0), (SHARE, -1), (FIRST, -1)])
async def test_a_price_for_which_no_strategy_has_a_rule_is_counted_by_volatility(
    tmp_path: Path, instrument: int, price: int
) -> None:
    """No order and no mark makes one, but a cost that a position came with may."""
    async with risk_room(tmp_path, commands=options_market()) as room:
        await holding(room, 10_000, [("call", "100", -1, 300)])
        await room.metrics()
        marks = room.service.projection.marks
        marks[instrument] = structs.replace(marks[instrument], price=price)
        room.service._valuer.kept.all_moved()
        assert await margins(room) == (("15.00",) * 2 if instrument == SHARE else ("0.05",) * 2)


async def test_each_underlying_is_rounded_up_once(tmp_path: Path) -> None:
    """Half of 0.01 and half of 0.03 are a cent and two, not two cents together."""
    async with risk_room(tmp_path, commands=options_market()) as room:
        room.trade(1, 1)
        room.trade(1, 3, instrument=OTHER)
        await profile(room, "strategies")
        assert await margins(room) == ("0.03", "0.02")


async def test_at_the_bound_of_legs_the_best_partition_counts_and_one_more_leg_is_taken_apart(tmp_path: Path) -> None:
    half = MAX_TOGETHER // 2
    legs: Legs = [("call", str(100 + at), -1, 300) for at in range(half)]
    legs += [("call", str(105 + at), 1, 100) for at in range(half)]
    async with risk_room(tmp_path, commands=options_market()) as room:
        await holding(room, 10_000, legs)
        assert await margins(room) == (f"{half * 500}.00",) * 2
        await listed(room, FIRST + MAX_TOGETHER, "put", "80")
        room.trade(1, 1, instrument=FIRST + MAX_TOGETHER)
        used, _ = await margins(room)
        assert half * 500 < Decimal(used) < 8_000  # the dearest long call is in a part of its own


# ------------------------------------------------------------------------------------------------ scenarios


async def golden(room: RiskRoom, lots: int = -10) -> None:
    """Let Alice be short of the call whose array is worked out."""
    room.mark(10_000)
    await caught_up(room)
    await array(room, symbol(FIRST), GOLDEN)
    room.trade(lots, 200, instrument=FIRST)
    await profile(room, "scenarios")


async def test_ten_short_calls_of_the_golden_array(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await golden(room)
        found = await room.metrics()
        assert (found.margin_used, found.margin_maintenance) == ("6975.53", "6975.53")
        assert found.margin_profile == "scenarios"
        room.work(-10, 300, instrument=FIRST)
        assert await margins(room) == ("13951.05", "6975.53")
        room.work(10, 100, instrument=FIRST)
        assert await margins(room) == ("13951.05", "6975.53")


async def test_an_array_that_comes_moves_and_goes_shows_in_the_next_answer(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await golden(room)
        assert await margins(room) == ("6975.53", "6975.53")
        await array(room, symbol(FIRST), [*NONE[:15], "-1.005"])
        assert await margins(room) == ("10.05", "10.05")
        await array(room, symbol(FIRST), [*NONE[:15], "-1.005"], short_minimum="2")
        assert await margins(room) == ("20.00", "20.00")
        await put(room, MarginTerms(symbol=symbol(FIRST), initial="0.1", maintenance="0.05", always_volatility=True))
        assert await margins(room) == ("100.00", "100.00")  # 10 × 200.00 × 2 % × 2.5
        await room.ask(SetMarginFloor(symbol=symbol(FIRST), floor="0.2", **SIGNED))
        assert await margins(room) == ("400.00", "400.00")
        await put(room, MarginTerms(symbol=symbol(FIRST), initial="0.1", maintenance="0.05"))
        assert await margins(room) == ("20.00", "20.00")
        await put(room, RiskArray(symbol=symbol(FIRST)))
        assert await margins(room) == ("400.00", "400.00")


async def spread(room: RiskRoom) -> None:
    """Let Alice have 100 AAPL, which may lose 900.00, and be short of 50 MSFT, which may lose 300.00."""
    room.mark(10_000)
    room.mark(20_000, instrument=OTHER)
    await caught_up(room)
    await put(room, RiskArray(symbol="AAPL", model=LINEAR))
    other = LotModel(underlying="MSFT", price_range="6.00", volatility="0.25")
    await put(room, RiskArray(symbol="MSFT", model=other))
    room.trade(100, 10_000)
    room.trade(-50, 20_000, instrument=OTHER)
    await profile(room, "scenarios")


async def test_a_spread_between_underlyings_is_credited_and_its_order_and_ratio_count(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await spread(room)
        assert await margins(room) == ("1200.00", "1200.00")
        one = SpreadCredit(first="AAPL", second="MSFT", credit="0.8")
        await room.ask(SetSpreads(spreads=[one], **SIGNED))
        assert await margins(room) == ("600.00", "600.00")  # half of 900 and all of 300, at 80 %
        two = SpreadCredit(first="AAPL", second="MSFT", credit="0.8", of_first=2)
        await room.ask(SetSpreads(spreads=[two], **SIGNED))
        assert await margins(room) == ("240.00", "240.00")
        await room.ask(
            SetSpreads(spreads=[SpreadCredit(first="MSFT", second="AAPL", credit="0.00000001"), one], **SIGNED)
        )
        assert await margins(room) == (
            "1200.00",
            "1200.00",
        )  # the first has taken all of MSFT; 0.0000075 is rounded away
        await room.ask(SetSpreads(spreads=[], **SIGNED))
        assert await margins(room) == ("1200.00", "1200.00")


async def test_charges_on_an_underlying_count_and_are_replaced_whole(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await spread(room)
        charges = UnderlyingCharges(concentrated="0.5", concentrated_from="80", contract="10")
        await room.ask(SetCharges(symbol="AAPL", charges=charges, **SIGNED))
        assert await margins(room) == ("1310.00", "1310.00")  # 1,000.00 at least, and 20 × 0.50
        await room.ask(SetCharges(symbol="AAPL", charges=UnderlyingCharges(contract="9"), **SIGNED))
        assert await margins(room) == ("1200.00", "1200.00")
        await room.ask(SetCharges(symbol="MSFT", charges=UnderlyingCharges(short_option="1000"), **SIGNED))
        assert await margins(room) == ("1200.00", "1200.00")  # shares that are short are no options


async def test_each_short_option_needs_at_least_its_charge_or_its_array_s(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await golden(room)
        await listed(room, FIRST, "call", "105")
        await room.ask(SetCharges(symbol="AAPL", charges=UnderlyingCharges(short_option="800"), **SIGNED))
        assert await margins(room) == ("8000.00", "8000.00")
        await array(room, symbol(FIRST), GOLDEN, short_minimum="900")
        assert await margins(room) == ("9000.00", "9000.00")
        room.work(-5, 300, instrument=FIRST)
        assert await margins(room) == ("13500.00", "9000.00")


async def test_months_that_offset_and_a_month_of_delivery_are_charged(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        room.mark(10_000)
        await caught_up(room)
        now = room.venue.clock.now()
        for number, days in ((FIRST, 0), (FIRST + 1, 365)):  # the same month, of the next year
            what = LotModel(
                underlying="AAPL",
                price_range="9.00",
                volatility="0.25",
                multiplier="100",
                expires_ns=now + days * DAY_S * 10**9,
            )
            await put(room, RiskArray(symbol=symbol(number), model=what))
        room.trade(3, 10_000, instrument=FIRST)
        room.trade(-2, 10_000, instrument=FIRST + 1)
        await profile(room, "scenarios")
        assert await margins(room) == ("900.00", "900.00")
        await room.ask(SetCharges(symbol="AAPL", charges=UnderlyingCharges(calendar="0.1"), **SIGNED))
        assert await margins(room) == ("920.00", "920.00")  # 200 units
        await room.ask(SetCharges(symbol="AAPL", charges=UnderlyingCharges(delivery="0.1"), **SIGNED))
        assert await margins(room) == ("930.00", "930.00")  # 300 units this month


async def test_the_delta_of_an_option_is_the_models_and_moves_with_the_mark_of_its_underlying(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await golden(room)
        await listed(room, FIRST, "call", "105")
        charges = UnderlyingCharges(concentrated="1")
        await room.ask(SetCharges(symbol="AAPL", charges=charges, **SIGNED))
        for spot in (100, 120):
            room.mark(spot * 100)
            used, _ = await margins(room)
            years, volatility = 30 / 365, 0.25
            normal = NormalDist()
            spread = volatility * years**0.5

            delta = normal.cdf(math.log(spot / 105) / spread + spread / 2)
            assert float(used) == pytest.approx(6975.53 + 1_000 * delta, abs=0.5)


async def test_without_an_array_or_a_model_an_instrument_counts_by_volatility(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        await golden(room)
        room.trade(100, 20_000, instrument=OTHER)
        assert await margins(room) == ("7975.53", "7975.53")  # 20,000.00 × 5 %
        room.venue.do(wire.DefineCurrency(currency=9, code="NEW", scale=0))
        room.venue.do(define(9, "NEW", 9, lot_scale=0))
        room.venue.do(wire.Transfer(account=ALICE, amount=9, currency=9, transfer_kind=1, transfer_id="n"))
        room.work(-9, 10_000, instrument=9)
        found = await room.metrics()
        assert found.margin_used == "8020.53"  # 900.00 × 5 %, at the price that is asked for


async def test_a_price_of_what_is_only_asked_for_shows_in_the_next_answer(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        room.work(1, 100, instrument=FIRST)
        await profile(room, "volatility")
        assert await margins(room) == ("5.00", "0.00")
        room.mark(300, instrument=FIRST)
        assert await margins(room) == ("15.00", "0.00")
        await profile(room, "scenarios")
        assert await margins(room) == ("15.00", "0.00")
        await array(room, symbol(FIRST), ["7"] * 16)
        assert await margins(room) == ("7.00", "0.00")
        room.venue.do(wire.SetRiskArray(instrument=FIRST, losses=(8_000_000,) * 16, short_minimum=0, given=1))
        assert await margins(room) == ("8.00", "0.00")  # as when a model has made it anew


# --------------------------------------------------------------------------------------------- what is set


@pytest.mark.parametrize(
    "charges, field",
    [
        ({"calendar": "-0.1"}, "calendar"),
        ({"delivery": "0.0000001"}, "delivery"),
        ({"short_option": "NaN"}, "short_option"),
        ({"contract": "70368744.177665"}, "contract"),
        ({"concentrated": ""}, "concentrated"),
        ({"concentrated_from": "4611686018427.387905"}, "concentrated_from"),
    ],
)
async def test_a_charge_that_cannot_be_is_refused_by_its_field(
    tmp_path: Path, charges: dict[str, str], field: str
) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        with pytest.raises(InvalidCommand) as caught:
            await room.ask(SetCharges(symbol="AAPL", charges=UnderlyingCharges(**charges), **SIGNED))
        assert caught.value.field == field
        assert (await room.ask(GetParameters())).version == 0


async def test_the_largest_charges_are_taken(tmp_path: Path) -> None:
    most = UnderlyingCharges(contract="70368744.177664", concentrated_from="4611686018427.387904")
    async with risk_room(tmp_path, commands=options_market()) as room:
        kept = await room.ask(SetCharges(symbol="AAPL", charges=most, **SIGNED))
        assert (kept.value["contract"], kept.value["concentrated_from"]) == ("70368744.177664", "4611686018427.387904")


@pytest.mark.parametrize(
    "wrong, code, field",
    [
        ({"second": "AAPL"}, "risk.spread.bad", "spreads[1].second"),
        ({"credit": "1.00000001"}, "request.invalid.range", "spreads[1].credit"),
        ({"credit": "-0.1"}, "request.invalid.range", "spreads[1].credit"),
        ({"credit": "0.000000001"}, "request.invalid.places", "spreads[1].credit"),
        ({"of_first": 0}, "request.invalid.range", "spreads[1].of_first"),
        ({"of_second": 1_000_001}, "request.invalid.range", "spreads[1].of_second"),
    ],
)
async def test_a_list_of_spreads_is_taken_whole_or_not_at_all(
    tmp_path: Path, wrong: dict[str, Any], code: str, field: str
) -> None:
    good = {"first": "AAPL", "second": "MSFT", "credit": "1"}
    async with risk_room(tmp_path, commands=options_market()) as room:
        with pytest.raises(InvalidCommand) as caught:
            await room.ask(SetSpreads(spreads=[SpreadCredit(**good), SpreadCredit(**{**good, **wrong})], **SIGNED))
        assert (caught.value.code, caught.value.field) == (code, field)
        assert (await room.ask(GetParameters())).version == 0


async def test_a_thousand_spreads_are_taken_and_no_more(tmp_path: Path) -> None:
    one = SpreadCredit(first="AAPL", second="MSFT", credit="0.1")
    async with risk_room(tmp_path, commands=options_market()) as room:
        await room.ask(SetSpreads(spreads=[one] * 1_000, **SIGNED))
        with pytest.raises(InvalidCommand) as caught:
            await room.ask(SetSpreads(spreads=[one] * 1_001, **SIGNED))
        assert (caught.value.field, caught.value.limit, caught.value.actual) == ("spreads", "1000", "1001")


async def test_a_subject_must_exist(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        for command in (
            SetCharges(symbol="NONE", charges=UnderlyingCharges(), **SIGNED),
            SetSpreads(spreads=[SpreadCredit(first="AAPL", second="NONE", credit="0")], **SIGNED),
        ):
            with pytest.raises(NotFound):
                await room.ask(command)
        assert (await room.ask(GetParameters())).version == 0


async def test_charges_and_spreads_are_versions_that_outlive_the_room(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=options_market()) as room:
        charges = UnderlyingCharges(calendar="0.1", concentrated_from="80")
        await room.ask(SetCharges(symbol="AAPL", charges=charges, **SIGNED))
        one = SpreadCredit(first="AAPL", second="MSFT", credit="0.5", of_second=3)
        await room.ask(SetSpreads(spreads=[one], **SIGNED))
        page = await room.ask(GetParameters())
        assert [(item.version, item.kind, item.subject, item.who) for item in page.items] == [
            (2, "spreads", "*", "ruth"),
            (1, "charges", "AAPL", "ruth"),
        ]
        assert page.items[0].value == [
            {"first": "AAPL", "second": "MSFT", "credit": "0.50000000", "of_first": 1, "of_second": 3}
        ]
        assert page.items[1].value == {
            "calendar": "0.100000",
            "delivery": "0.000000",
            "short_option": "0.000000",
            "contract": "0.000000",
            "concentrated": "0.000000",
            "concentrated_from": "80.000000",
        }
        await begins_again(room)
        current = room.service._valuer.parameters
        assert current.charges == {"AAPL": Charges(calendar=100_000, concentrated_from=80_000_000)}
        assert current.spreads == (Spread(first="AAPL", second="MSFT", credit=50_000_000, of_second=3),)
        only = await room.ask(GetParameters(kind="spreads"))
        assert [item.version for item in only.items] == [2]
