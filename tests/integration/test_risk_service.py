"""The risk room from outside: what it says of an account, when that changes, and what it refuses.

Goal: a new price, position, parameter or rate shows in the next answer; nothing is a silent zero; what is set is set whole or not at all.
Method: a small venue with the room in it; numbers that were worked out by hand (money.md 4 and 6).
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound, Unavailable
from quantumcore.contracts.risk import GetRiskMetrics, GetStress, GetVar, Scenario
from quantumcore.contracts.risk_limits import GetLimits
from quantumcore.contracts.risk_parameters import (
    Correlation,
    GetParameters,
    SetCorrelations,
    SetMarginFloor,
    SetMarginProfile,
    SetSector,
    SetVolatility,
)
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, BOB, BTC, CAROL, COIN, SHARE, SHARES, USD, define

SIGNED: dict[str, Any] = {"who": "ruth", "reason": "review of the week"}
DAY_S = 86_400
OTHER = 3
"""A second share, of account 4's."""


async def volatility_margin(room: RiskRoom, account: int = ALICE) -> None:
    await room.ask(SetMarginProfile(account=account, profile="volatility", **SIGNED))


async def two_shares(room: RiskRoom) -> None:
    """Alice has 100 at 150 of one share, whose volatility is 2 %, and may have others of one with 3 %."""
    room.venue.do(wire.DefineCurrency(currency=4, code="MSFT", scale=0))
    room.venue.do(define(OTHER, "MSFT", 4, lot_scale=0))
    for account in (ALICE, BOB):
        room.venue.do(
            wire.Transfer(account=account, amount=10**9, currency=4, transfer_kind=1, transfer_id=f"m-{account}")
        )
    room.trade(100, 15_000)
    await room.metrics()
    await room.ask(SetVolatility(symbol="MSFT", volatility="0.03", **SIGNED))


# ---------------------------------------------------------------------------------------------------- figures


async def test_a_position_has_the_worked_figures(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.trade(100, 15_000)
        await volatility_margin(room)
        found = await room.metrics()
        assert (found.total_exposure, found.net_exposure) == ("15000.00", "15000.00")
        assert (found.margin_used, found.margin_maintenance) == ("750.00", "750.00")
        assert (found.var_95, found.var_99, found.es_975) == ("493.50", "697.80", "701.34")
        assert found.sequence == room.venue.engine.sequence
        exact = await room.ask(GetVar(account=ALICE, confidence="0.95", exact=True))
        assert exact.value_at_risk == "493.46"


async def test_two_positions_have_the_worked_figures_long_and_short(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        await two_shares(room)
        await volatility_margin(room)
        room.trade(50, 200_000, instrument=OTHER)
        found = await room.metrics()
        assert (found.margin_used, found.var_95, found.var_99) == ("8250.00", "5199.35", "7351.78")
        parts = (await room.ask(GetVar(account=ALICE, confidence="0.95"))).parts
        assert [(one.symbol, one.component) for one in parts] == [("AAPL", "281.05"), ("MSFT", "4918.30")]
        room.trade(-100, 200_000, instrument=OTHER)
        short = await room.metrics()
        assert (short.var_95, short.var_99, short.margin_used) == ("4707.69", "6656.59", "8250.00")
        assert (short.total_exposure, short.net_exposure) == ("115000.00", "-85000.00")
        fall = await room.ask(GetStress(account=ALICE, scenarios=[Scenario(name="fall", prices={"*": "-0.20"})]))
        assert [(one.name, one.profit) for one in fall.results] == [("fall", "17000.00")]


async def test_an_account_without_a_position_has_zeros_and_an_unknown_one_is_an_error(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        found = await room.metrics(CAROL)
        zeros = (found.total_exposure, found.margin_used, found.var_95, found.var_99, found.daily_loss)
        assert set(zeros) == {"0.00"}
        assert (found.by_symbol, found.marks) == ([], [])
        for method in ("parametric", "historical", "monte_carlo"):
            assert (await room.ask(GetVar(account=CAROL, method=method))).value_at_risk == "0.00"
        assert {one.profit for one in (await room.ask(GetStress(account=CAROL))).results} == {"0.00"}
        for query in (GetRiskMetrics(account=999), GetVar(account=999), GetStress(account=999), GetLimits(account=999)):
            with pytest.raises(NotFound, match=r"account\.not_found"):
                await room.ask(query)


async def test_an_account_that_was_opened_a_moment_ago_is_known(tmp_path: Path) -> None:
    """Whoever asks names no sequence: the room looks whether it is behind before it says no."""
    async with risk_room(tmp_path) as room:
        for account in range(100, 110):
            room.venue.do(wire.OpenAccount(account=account, owner=account))
            assert (await room.ask(GetRiskMetrics(account=account))).equity == "0.00"


async def test_equity_is_every_balance_at_its_price_and_what_has_none_is_named(tmp_path: Path) -> None:
    commands = [
        wire.DefineCurrency(currency=USD, code="USD", scale=2),
        wire.DefineCurrency(currency=BTC, code="BTC", scale=8),
        wire.DefineCurrency(currency=SHARES, code="AAPL", scale=0),
        define(COIN, "BTC-USD", BTC, lot_scale=5),
        define(SHARE, "AAPL", SHARES, lot_scale=0),
        wire.OpenAccount(account=ALICE, owner=1),
        wire.Transfer(account=ALICE, amount=100_000, currency=USD, transfer_kind=1, transfer_id="a"),
        wire.Transfer(account=ALICE, amount=2 * 10**8, currency=BTC, transfer_kind=1, transfer_id="b"),
    ]
    async with risk_room(tmp_path, commands=commands) as room:
        found = await room.metrics()
        assert (found.equity, found.complete, found.unpriced) == ("1000.00", False, ["BTC"])
        room.mark(2_000_000, instrument=COIN)
        found = await room.metrics()
        assert (found.equity, found.complete, found.unpriced) == ("41000.00", True, [])


async def test_a_days_profit_is_without_what_flowed_and_begins_anew_at_midnight(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.mark(10_000)
        room.venue.clock.turn(DAY_S)
        room.venue.do(wire.AdvanceTime())
        room.mark(10_000)
        assert (await room.metrics()).daily_profit == "0.00"
        room.venue.do(wire.Transfer(account=ALICE, amount=500, currency=USD, transfer_kind=1, transfer_id="in"))
        assert (await room.metrics()).daily_profit == "0.00"
        room.mark(9_900)  # Alice's 10^15 shares
        found = await room.metrics()
        assert found.daily_profit == "-1000000000000000.00"
        assert found.daily_loss == "1000000000000000.00"
        loss = next(one for one in found.limits if one.name == "daily_loss")
        assert loss.used == found.daily_loss
        room.venue.clock.turn(DAY_S)
        room.venue.do(wire.AdvanceTime())
        assert (await room.metrics()).daily_profit == "0.00"


async def test_working_orders_count_at_their_worst_in_the_initial_requirement_alone(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.trade(100, 15_000)
        await volatility_margin(room)
        room.work(40, 14_000)
        room.work(-10, 16_000)
        found = await room.metrics()
        assert (found.margin_used, found.margin_maintenance) == ("1050.00", "750.00")
        room.work(-290, 16_000)
        assert (await room.metrics()).margin_used == "1500.00"  # 100 - 300: 200 short


# ------------------------------------------------------------------------------------------ what shows at once


async def test_a_new_price_position_parameter_and_limit_show_in_the_next_answer(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.trade(100, 15_000)
        await volatility_margin(room)
        assert (await room.metrics()).margin_used == "750.00"
        room.mark(16_000)
        assert (await room.metrics()).margin_used == "800.00"
        room.trade(100, 15_000)
        assert (await room.metrics()).margin_used == "1600.00"
        await room.ask(SetVolatility(symbol="AAPL", volatility="0.04", **SIGNED))
        assert (await room.metrics()).margin_used == "3200.00"
        await room.ask(SetMarginFloor(symbol="AAPL", floor="0.5", **SIGNED))
        assert (await room.metrics()).margin_used == "16000.00"
        await room.ask(SetMarginProfile(account=ALICE, profile="cash", **SIGNED))
        found = await room.metrics()
        assert (found.margin_used, found.parameters_version) == ("0.00", 4)
        room.venue.do(wire.SetLimits(account=ALICE, max_open_orders=4))
        room.work(1, 100)
        (orders, *_) = (await room.metrics()).limits
        assert (orders.name, orders.scope, orders.limit, orders.used, orders.use) == (
            "open_orders",
            "account",
            "4",
            "1",
            "0.2500",
        )
        room.venue.do(wire.SetKillSwitch(account=ALICE, engaged=1))
        found = await room.metrics()
        assert (found.killed, found.limits[0].used) == (True, "0")
        room.venue.do(wire.SetKillSwitch(account=ALICE, engaged=0))
        room.venue.do(wire.SetKillSwitch(account=0, engaged=1))
        assert (await room.metrics()).killed
        await room.ask(SetSector(symbol="AAPL", sector="equity", **SIGNED))
        assert [one.name for one in (await room.metrics()).by_sector] == ["equity"]


@pytest.mark.hazard("A4")
async def test_an_account_without_a_record_has_everybodys_limit_and_never_none(tmp_path: Path) -> None:
    """Of two that were never given one: the engine's own number, then that of the venue; asking changes neither."""
    async with risk_room(tmp_path) as room:
        room.work(1, 100)
        for _ in range(2):
            (orders, *_) = (await room.metrics()).limits
            assert (orders.scope, orders.limit, orders.used, orders.use) == ("venue", "10000", "1", "0.0001")
        room.venue.do(wire.SetLimits(account=0, max_open_orders=7))
        room.venue.do(wire.SetLimits(account=BOB, max_open_orders=3))
        for account, scope, limit in ((ALICE, "venue", "7"), (BOB, "account", "3"), (CAROL, "venue", "7")):
            for _ in range(2):
                orders = (await room.metrics(account)).limits[0]
                assert (orders.scope, orders.limit) == (scope, limit)


@pytest.mark.hazard("D5")
async def test_a_hundred_thousand_accounts_leave_the_figures_of_ten_thousand(tmp_path: Path) -> None:
    """The least recently used goes first, and a changed price shows in the next answer of who stayed."""
    async with risk_room(tmp_path) as room:
        room.trade(1, 15_000)
        await room.metrics()
        valuer = room.service._valuer
        seen = await valuer.see(ALICE)
        for account in range(10, 100_010):
            valuer.kept.put(account, seen, valuer.kept.stamp, {SHARE})
            assert valuer.kept.get(ALICE) is not None
            assert len(valuer.kept) <= 10_000
        assert len(valuer.kept) == 10_000
        assert valuer.kept.get(10) is None
        room.mark(20_000)
        assert (await room.metrics()).total_exposure == "200.00"


async def test_an_answer_is_given_again_while_nothing_of_it_moves(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.trade(100, 15_000)
        await room.metrics()
        hits = room.service._valuer.kept.hits
        first = await room.metrics()
        room.mark(30_000, instrument=COIN)  # Alice's coins are in her equity
        assert (await room.metrics()).equity != first.equity
        room.venue.do(wire.Transfer(account=BOB, amount=1, currency=USD, transfer_kind=1, transfer_id="b"))
        second = await room.metrics()
        assert second.equity != first.equity
        assert room.service._valuer.kept.hits >= hits + 1


async def test_a_price_is_shown_with_its_age_and_a_stale_one_says_so(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        at = room.trade(1, 15_000)
        (mark,) = (await room.metrics()).marks
        assert (mark.symbol, mark.price, mark.source, mark.sequence, mark.stale) == (
            "AAPL",
            "150.00",
            "trade",
            at,
            False,
        )
        room.venue.clock.turn(5.0)
        (mark,) = (await room.metrics()).marks
        assert (mark.age_s, mark.stale) == ("5.000", False)
        room.venue.clock.turn(0.001)
        (mark,) = (await room.metrics()).marks
        assert (mark.age_s, mark.stale) == ("5.001", True)
        room.mark(15_100)
        room.mark(0)
        (mark,) = (await room.metrics()).marks
        assert (mark.price, mark.stale) == ("151.00", True)


# ---------------------------------------------------------------------------------------------------- rates


async def test_rates_are_asked_for_when_an_account_needs_one_and_a_new_one_shows(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.venue.do(wire.DefineCurrency(currency=9, code="EUR", scale=2))
        room.mark(2_000_000, instrument=COIN)  # everybody has coins
        room.mark(15_000)
        await room.metrics()
        assert room.portfolio.asked == 0
        room.venue.do(wire.Transfer(account=CAROL, amount=10_000, currency=9, transfer_kind=1, transfer_id="e"))
        with pytest.raises(Unavailable, match=r"fx\.rate_missing") as caught:
            await room.metrics(CAROL)
        assert caught.value.actual == "EUR/USD"
        await room.portfolio.publish(EUR_USD=2)
        before = await room.metrics(CAROL)
        assert before.fx_snapshot_id == "fx-1"
        await room.portfolio.publish(EUR_USD=3)
        after = await room.metrics(CAROL)
        assert (after.fx_snapshot_id, Decimal(after.equity) - Decimal(before.equity)) == ("fx-2", 100)
        room.venue.clock.turn(2 * DAY_S)
        with pytest.raises(Unavailable, match=r"fx\.rate_stale"):
            await room.metrics(CAROL)


async def test_without_the_room_of_rates_only_who_needs_one_waits_and_the_error_says_why(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.venue.do(wire.DefineCurrency(currency=9, code="EUR", scale=2))
        room.mark(2_000_000, instrument=COIN)  # everybody has coins
        room.mark(15_000)
        room.venue.do(wire.Transfer(account=CAROL, amount=10_000, currency=9, transfer_kind=1, transfer_id="e"))
        room.portfolio.down = Unavailable("unavailable", "away", retry_after=60.0)
        found = await room.metrics(ALICE)
        assert found.max_drawdown is None
        with pytest.raises(Unavailable) as caught:
            await room.ask(GetRiskMetrics(account=CAROL, at_least=room.venue.engine.sequence, request_id="r-1"))
        error = caught.value
        assert error.detail.startswith("rates lookup failed: Max retries exceeded")
        assert error.context["operation"] == "GetRiskMetrics"
        assert error.context["request_id"] == "r-1"
        assert "account" in error.context
        chain, cause = [], error.__cause__
        while cause is not None:
            chain.append(str(cause))
            cause = cause.__cause__
        assert any("away" in one for one in chain)
        room.portfolio.down = None
        room.portfolio.drawdown = "200.00"
        assert (await room.metrics(ALICE)).max_drawdown == "200.00"


# ---------------------------------------------------------------------------------------------- simulations


async def test_history_is_the_days_of_prices_and_none_is_an_error(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.trade(100, 10_000)
        await room.metrics()
        with pytest.raises(Conflict, match=r"risk\.history\.empty"):
            await room.ask(GetVar(account=ALICE, method="historical"))
        for price in (11_000, 9_900, 10_890, 10_890):
            room.venue.clock.turn(DAY_S)
            room.mark(price)
        await room.metrics()
        found = await room.ask(GetVar(account=ALICE, method="historical", losses=True))
        assert (found.window, found.worst, found.value_at_risk, found.shortfall) == (4, 1, "1089.00", "1089.00")
        assert found.losses == ["1089.00", "0.00", "-1089.00", "-1089.00"]
        short = await room.ask(GetVar(account=BOB, method="historical"))
        assert short.value_at_risk == "1089.00"
        assert (await room.ask(GetVar(account=ALICE, method="historical", window=2))).window == 2


async def test_a_simulation_is_its_seeds_and_near_the_formula(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        await two_shares(room)
        room.trade(50, 200_000, instrument=OTHER)
        at = room.venue.engine.sequence
        asked = {"account": ALICE, "method": "monte_carlo", "at_least": at}
        first = await room.ask(GetVar(**asked, seed=7, paths=20_000))
        assert await room.ask(GetVar(**asked, seed=7, paths=20_000)) == first
        assert (first.seed, first.paths) == (7, 20_000)
        other = await room.ask(GetVar(**asked, seed=8, paths=20_000))
        assert other.value_at_risk != first.value_at_risk
        formula = await room.ask(GetVar(account=ALICE, exact=True))
        apart = abs(float(first.value_at_risk) - float(formula.value_at_risk))
        assert apart <= 3 * float(first.standard_error or 0)
        fat = await room.ask(GetVar(**asked, freedom=2, paths=20_000))
        assert float(fat.value_at_risk) > 0


async def test_what_workers_say_comes_through(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.trade(1, 10_000)
        await room.metrics()
        room.workers.fault = Unavailable("overloaded", "full", retry_after=1.0)
        with pytest.raises(Unavailable, match="overloaded"):
            await room.ask(GetVar(account=ALICE, method="monte_carlo"))
        with pytest.raises(Unavailable, match="overloaded"):
            await room.ask(GetStress(account=ALICE))


@pytest.mark.parametrize(
    "wrong, code",
    [
        ({"method": "astrology"}, "request.invalid.range"),
        ({"confidence": "0.4"}, "risk.confidence.bad"),
        ({"confidence": "1"}, "risk.confidence.bad"),
        ({"confidence": "NaN"}, "risk.confidence.bad"),
        ({"method": "historical", "window": 0}, "request.invalid.range"),
        ({"method": "historical", "window": 1_001}, "request.invalid.range"),
        ({"method": "monte_carlo", "paths": 100_001}, "request.invalid.range"),
        ({"method": "monte_carlo", "paths": 99}, "risk.paths.bad"),
        ({"method": "monte_carlo", "seed": -1}, "request.invalid.range"),
        ({"method": "monte_carlo", "freedom": 201}, "risk.freedom.bad"),
    ],
)
async def test_a_question_out_of_bounds_is_refused(tmp_path: Path, wrong: dict[str, Any], code: str) -> None:
    async with risk_room(tmp_path) as room:
        room.trade(1, 10_000)
        await room.metrics()
        with pytest.raises(InvalidCommand) as caught:
            await room.ask(GetVar(**{"account": ALICE, **wrong}))
        assert caught.value.code == code


@pytest.mark.parametrize(
    "scenario, code",
    [
        (Scenario(name=""), "request.invalid.range"),
        (Scenario(name="x" * 65), "request.invalid.range"),
        (Scenario(name="x", prices={"*": "-11"}), "risk.scenario.bad"),
        (Scenario(name="x", prices={"*": "1e5"}), "request.invalid.decimal"),
        (Scenario(name="x", volatility="0"), "risk.scenario.bad"),
        (Scenario(name="x", spread="-1"), "risk.scenario.bad"),
    ],
)
async def test_a_scenario_out_of_bounds_is_refused(tmp_path: Path, scenario: Scenario, code: str) -> None:
    async with risk_room(tmp_path) as room:
        room.trade(1, 10_000)
        await room.metrics()
        with pytest.raises(InvalidCommand) as caught:
            await room.ask(GetStress(account=ALICE, scenarios=[scenario]))
        assert caught.value.code == code


async def test_a_sector_is_the_class_of_a_named_day(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.trade(100, 10_000)
        await room.metrics()
        without = await room.ask(GetStress(account=ALICE))
        monday = next(one for one in without.results if one.name == "1987-10-19")
        assert (monday.profit, monday.unmoved) == ("0.00", ["AAPL"])
        await room.ask(SetSector(symbol="AAPL", sector="equity", **SIGNED))
        named = await room.ask(GetStress(account=ALICE))
        monday = next(one for one in named.results if one.name == "1987-10-19")
        assert (monday.profit, monday.unmoved) == ("-2047.00", [])
        assert "S&P 500" in monday.source
        assert named.worst == "prices -30 %"


# ----------------------------------------------------------------------------------------------- parameters


async def test_each_setting_is_a_version_with_who_and_why_and_outlives_the_room(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        await room.ask(SetVolatility(symbol="AAPL", volatility="0.03", **SIGNED))
        await room.ask(SetVolatility(symbol="AAPL", volatility="0.04", who="carl", reason="again"))
        await room.ask(SetSector(symbol="AAPL", sector="equity", **SIGNED))
        page = await room.ask(GetParameters(limit=2))
        assert [(one.version, one.kind, one.subject, one.value) for one in page.items] == [
            (3, "sector", "AAPL", "equity"),
            (2, "volatility", "AAPL", "0.04"),
        ]
        assert (page.version, page.items[1].who, page.items[1].reason) == (3, "carl", "again")
        rest = await room.ask(GetParameters(limit=2, cursor=page.next_cursor or ""))
        assert [one.version for one in rest.items] == [1]
        only = await room.ask(GetParameters(kind="volatility", subject="AAPL"))
        assert [one.value for one in only.items] == ["0.04", "0.03"]
        await room.service._parameters.start()  # as after a restart
        assert room.service._valuer.parameters.volatilities == {"AAPL": 4_000_000}
        assert room.service._valuer.parameters.version == 3


@pytest.mark.parametrize("text", ["0", "-0.1", "10.00000001", "0.000000001", "NaN", "1e-2", "", "Infinity"])
async def test_an_absurd_volatility_changes_nothing(tmp_path: Path, text: str) -> None:
    async with risk_room(tmp_path) as room:
        with pytest.raises(InvalidCommand):
            await room.ask(SetVolatility(symbol="AAPL", volatility=text, **SIGNED))
        assert (await room.ask(GetParameters())).version == 0


@pytest.mark.parametrize(
    "pairs, code",
    [
        ([("AAPL", "BTC-USD", "1.01")], "risk.correlation.bad"),
        ([("AAPL", "BTC-USD", "0.5"), ("BTC-USD", "AAPL", "0.4")], "risk.correlation.bad"),
        ([("AAPL", "AAPL", "1")], "risk.correlation.bad"),
        ([("AAPL", "BTC-USD", "NaN")], "request.invalid.decimal"),
        (
            [("AAPL", "BTC-USD", "-0.9"), ("AAPL", "MSFT", "-0.9"), ("MSFT", "BTC-USD", "-0.9")],
            "risk.correlation.not_psd",
        ),
    ],
)
async def test_a_matrix_that_is_none_is_refused_whole(
    tmp_path: Path, pairs: list[tuple[str, str, str]], code: str
) -> None:
    async with risk_room(tmp_path) as room:
        await two_shares(room)
        good = [Correlation(first="AAPL", second="MSFT", value="0.3")]
        await room.ask(SetCorrelations(pairs=good, **SIGNED))
        given = [Correlation(first=a, second=b, value=value) for a, b, value in pairs]
        with pytest.raises(InvalidCommand) as caught:
            await room.ask(SetCorrelations(pairs=given, **SIGNED))
        assert caught.value.code == code
        if code == "risk.correlation.not_psd":
            assert float(caught.value.actual) == pytest.approx(-0.8)
            repaired = await room.ask(SetCorrelations(pairs=given, repair=True, **SIGNED))
            assert [row[2] for row in repaired.value] != ["-0.9"] * 3
        else:
            assert room.service._valuer.parameters.correlations == {("AAPL", "MSFT"): 0.3}


async def test_a_correlation_counts_in_the_next_answer(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        await two_shares(room)
        room.trade(50, 200_000, instrument=OTHER)
        before = await room.metrics()
        one = [Correlation(first="MSFT", second="AAPL", value="1")]
        await room.ask(SetCorrelations(pairs=one, **SIGNED))
        after = await room.metrics()
        assert before.var_99 == "7351.78"
        assert after.var_99 == "7675.80"  # (300 + 3000) × 2.326
        assert (await room.ask(GetStress(account=ALICE))).correlated_var == "7675.80"


@pytest.mark.parametrize(
    "wrong", [{"reason": ""}, {"reason": " "}, {"reason": "x" * 513}, {"who": ""}, {"who": "x" * 65}]
)
async def test_who_and_why_are_needed(tmp_path: Path, wrong: dict[str, str]) -> None:
    async with risk_room(tmp_path) as room:
        with pytest.raises(InvalidCommand):
            await room.ask(SetVolatility(symbol="AAPL", volatility="0.03", **{**SIGNED, **wrong}))
        assert (await room.ask(GetParameters())).version == 0


async def test_a_subject_must_exist(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        for command in (
            SetVolatility(symbol="NONE", volatility="0.03", **SIGNED),
            SetSector(symbol="none", sector="x", **SIGNED),
            SetMarginFloor(symbol="NONE", floor="0", **SIGNED),
            SetMarginProfile(account=999, profile="cash", **SIGNED),
            SetCorrelations(pairs=[Correlation(first="AAPL", second="NONE", value="0")], **SIGNED),
        ):
            with pytest.raises(NotFound):
                await room.ask(command)
        with pytest.raises(InvalidCommand):
            await room.ask(SetMarginProfile(account=ALICE, profile="scenario", **SIGNED))
        assert (await room.ask(GetParameters())).version == 0
