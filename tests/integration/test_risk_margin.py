"""What people set for margin is what the engine judges by, in decimals outside and integers inside; nothing that was asked for is lost.

Goal: the golden amounts of margin come out through the whole room; each bound is refused by its field; a kill or a lost answer loses no setting.
Method: a small venue over the readable engine, whose own numbers and refusals are looked at.
"""

from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Forbidden, InvalidCommand, NotFound, QuantumCoreError, Unavailable
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.risk import GetRiskUpdates
from quantumcore.contracts.risk_margin import (
    AccountMargin,
    AssessAccount,
    CheckMargin,
    GetMarginChanges,
    LotGreeks,
    LotModel,
    MarginSetting,
    MarginTerms,
    RiskArray,
    RiskDay,
    RiskLimits,
    SetMargin,
    SetMarginByTwo,
)
from tests.support.margin_room import SIGNED, caught_up, margined, market, put, turned
from tests.support.portfolios import NO_CURRENCY
from tests.support.position_rooms import order
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, BOB, BTC, COIN, RICH, SHARE, USD, define

YEAR_NS = 365 * 86_400 * 10**9
GOLDEN = (
    "-38.368041 35.572651 -145.667541 -54.021925 32.040353 81.653871 -293.731988 -198.126374 73.194331 100.612012 "
    "-481.692122 -396.588702 94.259234 106.646337 -697.552086 36.120583"
)
OTHER = 3  # a second share


def two_shares() -> list[wire.Command]:
    """Return the market of `margined` with a second share and a coin, and credit enough."""
    commands = market()
    commands += [
        wire.DefineCurrency(currency=4, code="MSFT", scale=0),
        wire.DefineCurrency(currency=BTC, code="BTC", scale=8),
        define(OTHER, "MSFT", 4, lot_scale=0, taker_fee=0, maker_fee=0),
        define(COIN, "BTC-USD", BTC, lot_scale=5, taker_fee=0, maker_fee=0),
    ]
    for currency in (BTC, 4):
        commands.append(
            wire.Transfer(account=BOB, amount=RICH, currency=currency, transfer_kind=1, transfer_id=f"more-{currency}")
        )
    commands.append(wire.SetCredit(account=ALICE, currency=USD, limit=10**12))
    commands.append(wire.Transfer(account=ALICE, amount=10**9, currency=USD, transfer_kind=1, transfer_id="plenty"))
    return commands


def needs(room: RiskRoom) -> tuple[int, int]:
    """Return (initial, maintenance) of Alice, by the engine."""
    standing = room.venue.engine.margin(ALICE, USD)
    return standing.initial, standing.maintenance


# --------------------------------------------------------------------------------------------------- goldens


async def test_golden_by_volatility_100_at_150_and_50_at_2000_need_750_and_7500(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=two_shares()) as room:
        await put(room, AccountMargin(account=ALICE, currency="USD", profile="volatility"))
        await put(room, MarginTerms(symbol="AAPL", initial="0.05", maintenance="0.025"))  # 2 % × 2.5
        await put(room, MarginTerms(symbol="MSFT", initial="0.075", maintenance="0.0375"))  # 3 % × 2.5
        room.mark(15_000)
        room.mark(200_000, instrument=OTHER)
        room.trade(100, 15_000)
        assert needs(room) == (750_00, 375_00)
        room.trade(50, 200_000, instrument=OTHER)
        assert needs(room) == (8_250_00, 4_125_00)
        (shown,) = (await room.metrics()).engine_margin
        assert (shown.initial, shown.maintenance, shown.profile) == ("8250.00", "4125.00", "volatility")
        assert (shown.rung, shown.sequence) == ("none", room.venue.engine.sequence)


async def test_golden_25_btc_at_100000_on_a_slope_need_53125_and_28125(tmp_path: Path) -> None:
    """0.005 % for each coin is 0.0000000005 for each lot of 0.00001."""
    async with risk_room(tmp_path, commands=two_shares()) as room:
        await put(room, AccountMargin(account=ALICE, currency="USD", profile="volatility"))
        await put(room, MarginTerms(symbol="BTC-USD", initial="0.02", maintenance="0.01", slope="0.0000000005"))
        room.mark(10_000_000, instrument=COIN)
        room.trade(2_500_000, 10_000_000, instrument=COIN)
        assert needs(room) == (53_125_00, 28_125_00)


@pytest.mark.parametrize("made", [True, False], ids=["by the room's model", "as it is given"])
async def test_golden_ten_short_calls_scan_to_6975_53(tmp_path: Path, made: bool) -> None:
    """Call K 105, 30/365 years, S 100, volatility 25 % ± 4 points, range 9, × 100: the array, and ten short by the engine."""
    async with risk_room(tmp_path, commands=two_shares()) as room:
        room.mark(10_000)
        room.mark(100, instrument=OTHER)
        expires = room.venue.clock.now() + 30 * YEAR_NS // 365
        model = LotModel(
            underlying="AAPL",
            price_range="9",
            volatility="0.25",
            shift="0.04",
            type="call",
            strike="105",
            expires_ns=expires,
            multiplier="100",
        )
        what = RiskArray(symbol="MSFT", model=model) if made else RiskArray(symbol="MSFT", losses=GOLDEN.split())
        await put(room, what)
        told = [one for batch in room.venue.log.read(0, 1 << 24) for one in batch.events]
        array = [one for one in told if isinstance(one, wire.RiskArrayChanged)][-1]
        expected = [int(one.replace(".", "")) for one in GOLDEN.split()]
        assert max(abs(a - b) for a, b in zip(array.losses, expected, strict=True)) <= (2 if made else 0)
        await put(room, AccountMargin(account=ALICE, currency="USD", profile="scenarios"))
        room.venue.do(wire.Transfer(account=ALICE, amount=10, currency=4, transfer_kind=1, transfer_id="borrowed"))
        room.trade(-10, 100, instrument=OTHER)
        assert needs(room) == (6_975_53, 6_975_53)


# ---------------------------------------------------------------------------------------------- what is set


async def test_each_setting_is_a_command_of_the_log_with_who_and_why(tmp_path: Path) -> None:
    limits = RiskLimits(account=ALICE, currency="USD", gross="1000.50", share="0.25", loss_rate="0.1", drawdown="7.00")
    settings: list[tuple[MarginSetting, wire.Command]] = [
        (
            MarginTerms(symbol="AAPL", initial="10", maintenance="0", slope="1", mark_age_s="0.5", array_age_s="86400"),
            wire.SetMarginTerms(
                instrument=SHARE,
                initial=10**7,
                maintenance=0,
                slope=10**12,
                mark_ns=5 * 10**8,
                array_ns=86_400 * 10**9,
            ),
        ),
        (
            RiskArray(symbol="AAPL", losses=["70368744.177664", *["-0.000001"] * 15], short_minimum="2.5"),
            wire.SetRiskArray(instrument=SHARE, losses=(2**46, *[-1] * 15), short_minimum=2_500_000),
        ),
        (RiskArray(symbol="AAPL"), wire.SetRiskArray(instrument=SHARE, given=0)),
        (
            LotGreeks(symbol="AAPL", delta="-0.5", vega="1"),
            wire.SetGreeks(instrument=SHARE, delta=-500_000, vega=10**6),
        ),
        (
            AccountMargin(account=ALICE, currency="USD", profile="scenarios"),
            wire.SetAccountMargin(account=ALICE, currency=USD, profile=3),
        ),
        (
            limits,
            wire.SetRiskLimits(
                account=ALICE,
                scope=2,
                currency=USD,
                gross=100_050,
                share=250_000,
                loss_rate=100_000,
                drawdown=700,
            ),
        ),
        (RiskLimits(currency="USD", net="0"), wire.SetRiskLimits(scope=1, currency=USD, net=0)),
        (RiskDay(account=ALICE, currency="USD"), wire.OpenRiskDay(account=ALICE, currency=USD)),
    ]
    async with risk_room(tmp_path, commands=market()) as room:
        stepped: list[bytes] = []
        step = room.venue.engine.step
        room.venue.engine.step = lambda raw, now: (stepped.append(raw), step(raw, now))[1]
        for at, (what, command) in enumerate(settings, 1):
            made = await put(room, what)
            assert stepped[-1] == command.encode(), what
            assert (made.number, made.state, made.who, made.reason) == (at, "done", "ruth", SIGNED["reason"])
            assert (made.what, made.sequence) == (what, room.venue.engine.sequence)
        listed = (await room.ask(GetMarginChanges())).items
        assert [one.what for one in listed] == [what for what, _ in reversed(settings)]
        assert [one.number for one in (await room.ask(GetMarginChanges(subject="AAPL"))).items] == [4, 3, 2, 1]
        assert [one.number for one in (await room.ask(GetMarginChanges(subject="0"))).items] == [7]
        page = await room.ask(GetMarginChanges(limit=3))
        assert ([one.number for one in page.items], page.next_cursor) == ([8, 7, 6], "6")
        assert [one.number for one in (await room.ask(GetMarginChanges(limit=9, cursor="3"))).items] == [2, 1]


MODEL = LotModel(underlying="AAPL", price_range="9", volatility="0.25")
OPTION = LotModel(
    underlying="AAPL", price_range="9", volatility="0.25", type="call", strike="105", expires_ns=2 * 10**18
)


def changed(model: LotModel, **fields: Any) -> RiskArray:
    given = {name: getattr(model, name) for name in LotModel.__struct_fields__}
    return RiskArray(symbol="AAPL", model=LotModel(**{**given, **fields}))


@pytest.mark.parametrize(
    "what, code, field, limit",
    [
        (MarginTerms(symbol="AAPL", initial="10.000001", maintenance="0"), "range", "initial", "10.000000"),
        (MarginTerms(symbol="AAPL", initial="-0.1", maintenance="0"), "range", "initial", "0.000000"),
        (MarginTerms(symbol="AAPL", initial="0.05", maintenance="0.050001"), "range", "maintenance", "0.050000"),
        (MarginTerms(symbol="AAPL", initial="0.0000001", maintenance="0"), "places", "initial", "6"),
        (
            MarginTerms(symbol="AAPL", initial="1", maintenance="1", slope="1.000000000001"),
            "range",
            "slope",
            "1.000000000000",
        ),
        (
            MarginTerms(symbol="AAPL", initial="1", maintenance="1", mark_age_s="86400.1"),
            "range",
            "mark_age_s",
            "86400.000000000",
        ),
        (
            MarginTerms(symbol="AAPL", initial="1", maintenance="1", array_age_s="-1"),
            "range",
            "array_age_s",
            "0.000000000",
        ),
        (RiskArray(symbol="AAPL", losses=["1"] * 15), "range", "losses", "16"),
        (RiskArray(symbol="AAPL", losses=["1"] * 17), "range", "losses", "16"),
        (RiskArray(symbol="AAPL", losses=["70368744.177665", *["0"] * 15]), "range", "losses[0]", "70368744.177664"),
        (RiskArray(symbol="AAPL", losses=["0"] * 16, short_minimum="-1"), "range", "short_minimum", "0.000000"),
        (LotGreeks(symbol="AAPL", gamma="0.0000001"), "places", "gamma", "6"),
        (LotGreeks(symbol="AAPL", vega="-70368744.177665"), "range", "vega", "-70368744.177664"),
        (AccountMargin(account=ALICE, currency="USD", profile="B"), "range", "profile", ""),
        (RiskLimits(currency="USD", gross="0.001"), "places", "gross", "2"),
        (RiskLimits(currency="USD", net="-0.01"), "range", "net", "0.00"),
        (RiskLimits(currency="USD", share="1.000001"), "range", "share", "1.000000"),
        (RiskLimits(currency="USD", share="0"), "range", "share", "0.000001"),
        (RiskLimits(currency="USD", loss_rate="10.1"), "range", "loss_rate", "10.000000"),
        (RiskLimits(currency="USD", drawdown="1e3"), "decimal", "drawdown", ""),
        (changed(MODEL, price_range="0.001"), "range", "price_range", "0.01"),
        (changed(MODEL, multiplier="0"), "range", "multiplier", "0"),
        (changed(MODEL, type="swap"), "range", "type", ""),
        (changed(OPTION, style="asian"), "range", "style", ""),
        (changed(OPTION, strike=None), "range", "strike", ""),
    ],
)
async def test_what_is_beyond_a_bound_is_refused_by_its_field_and_nothing_is_written(
    tmp_path: Path, what: MarginSetting, code: str, field: str, limit: str
) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        room.mark(10_000)
        for asked in (SetMargin(what=what, **SIGNED), CheckMargin(asked=SetMargin(what=what, **SIGNED))):
            with pytest.raises(InvalidCommand) as caught:
                await room.ask(asked)  # type: ignore[arg-type]  # requests with other replies
            assert (caught.value.code, caught.value.field) == (f"request.invalid.{code}", field)
            assert caught.value.limit == limit
        assert (await room.ask(GetMarginChanges())).items == []


@pytest.mark.parametrize(
    "what, code",
    [
        (changed(MODEL, volatility="0"), "risk.volatility.bad"),
        (changed(MODEL, volatility="10.1"), "risk.volatility.bad"),
        (changed(MODEL, shift="-0.1"), "risk.scenario.bad"),
        (changed(OPTION, expires_ns=1), "greeks.expired"),
        (changed(OPTION, strike="0"), "greeks.strike.invalid"),
        (changed(MODEL, multiplier="99999999"), "request.invalid.range"),
        (changed(MODEL, underlying="NONE"), "instrument.not_found"),
        (MarginTerms(symbol="NONE", initial="1", maintenance="1"), "instrument.not_found"),
        (AccountMargin(account=999, currency="USD", profile="none"), "account.not_found"),
        (AccountMargin(account=0, currency="USD", profile="none"), "account.not_found"),
        (RiskLimits(account=999, currency="USD"), "account.not_found"),
        (RiskDay(account=ALICE, currency=NO_CURRENCY), "currency.not_found"),
    ],
)
async def test_what_does_not_exist_or_has_no_answer_is_refused_by_name(
    tmp_path: Path, what: MarginSetting, code: str
) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        room.mark(10_000)
        with pytest.raises(QuantumCoreError) as caught:
            await put(room, what)
        assert caught.value.code == code
        assert (await room.ask(GetMarginChanges())).items == []


async def test_a_model_without_a_price_and_who_does_not_say_why_are_refused(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        with pytest.raises(InvalidCommand) as caught:
            await put(room, changed(MODEL))
        assert (caught.value.code, caught.value.field) == ("risk.price.missing", "underlying")
        for signed in ({"reason": ""}, {"who": ""}):
            with pytest.raises(InvalidCommand):
                await put(room, LotGreeks(symbol="AAPL"), **signed)


async def test_what_the_engine_refuses_is_written_down_with_its_code(tmp_path: Path) -> None:
    """A day of an account whose positions have no mark."""
    async with risk_room(tmp_path, commands=market()) as room:
        room.trade(10, 100)
        with pytest.raises(InvalidCommand) as caught:
            await put(room, RiskDay(account=ALICE, currency="USD"))
        assert caught.value.code == "risk.stale_reference"
        (only,) = (await room.ask(GetMarginChanges())).items
        assert (only.state, only.code) == ("refused", "risk.stale_reference")


async def test_with_four_eyes_one_person_sets_nothing(tmp_path: Path) -> None:
    what = MarginTerms(symbol="AAPL", initial="0.5", maintenance="0.5")
    async with risk_room(tmp_path, commands=market(), four_eyes=True) as room:
        with pytest.raises(Forbidden, match=r"approval\.required"):
            await put(room, what)
        await room.ask(CheckMargin(asked=SetMargin(what=what, **SIGNED)))
        assert (await room.ask(GetMarginChanges())).items == []
        done = await room.ask(SetMarginByTwo(asked=SetMargin(what=what, **SIGNED)))
        assert done.state == "done"


async def test_what_is_written_down_is_commanded_however_late(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        room.venue.down = True
        with pytest.raises(Unavailable):
            await put(room, MarginTerms(symbol="AAPL", initial="0.5", maintenance="0.25"))
        (waiting, *_) = (await room.ask(GetMarginChanges())).items
        assert (waiting.state, waiting.sequence) == ("asked", 0)
        await room.service.margin.desk.look()
        assert needs(room) == (800_00, 400_00)
        room.venue.down = False
        await room.service.margin.desk.look()
        assert needs(room) == (5_000_00, 2_500_00)
        (done, *_) = (await room.ask(GetMarginChanges())).items
        assert (done.number, done.state) == (waiting.number, "done")


async def test_an_order_that_opens_too_much_is_refused_with_the_numbers_that_are_shown(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        await room.ask(AssessAccount(account=ALICE, currency="USD"))
        (shown,) = (await room.metrics()).engine_margin
        assert (shown.equity, shown.initial, shown.use) == ("1000.00", "800.00", "0.8000")
        assert shown.assessed_ns == room.venue.clock.now()
        last = room.venue.do(order(SHARE, ALICE, 1, 26, 10_000))[-1]
        assert isinstance(last, wire.OrderRejected)
        assert (Reason(last.reason), last.limit, last.actual) == (Reason.NO_FUNDS, 1_000_00, 1_008_00)
        assert isinstance(room.venue.do(order(SHARE, ALICE, 1, 25, 10_000))[0], wire.OrderAccepted)


async def test_while_the_engine_is_away_the_last_assessment_is_shown(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        view = await room.ask(AssessAccount(account=ALICE, currency="USD"))
        assert (view.equity, view.sequence) == ("1000.00", room.venue.engine.sequence)
        room.mark(9_900)
        await caught_up(room)
        room.venue.down = True
        (shown,) = (await room.metrics()).engine_margin
        assert shown == view
        room.venue.down = False
        (now,) = (await room.metrics()).engine_margin
        assert (now.equity, now.assessed_ns) == ("900.00", view.assessed_ns)
        for account, currency in ((999, "USD"), (ALICE, NO_CURRENCY)):
            with pytest.raises(NotFound):
                await room.ask(AssessAccount(account=account, currency=currency))


async def test_a_day_is_shown_with_its_result_and_peak_and_an_account_off_margin_has_nothing(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        await put(room, RiskDay(account=ALICE, currency="USD"))
        await put(room, RiskLimits(account=ALICE, currency="USD", loss="20.00"))
        for price in (10_100, 9_970):
            room.mark(price)
            await turned(room)
        (shown,) = (await room.metrics()).engine_margin
        assert (shown.day_opening, shown.day_result, shown.day_peak) == ("1000.00", "-30.00", "100.00")
        assert (shown.loss, shown.drawdown) == (True, False)
        assert (await room.metrics(BOB)).engine_margin == []
        await put(room, AccountMargin(account=ALICE, currency="USD", profile="none"))
        (left,) = (await room.metrics()).engine_margin
        assert (left.profile, left.rung) == ("none", "none")


async def test_eighty_percent_of_the_equity_are_warned_of_once_and_relieved(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:

        async def kinds() -> list[tuple[str, str | None]]:
            found = (await room.ask(GetRiskUpdates(account=ALICE, after=0))).items
            return [(one.kind, one.limit.use) for one in found if one.limit and one.limit.name == "initial_margin"]

        await turned(room)
        assert await kinds() == []  # 80 % is not over 80 %
        room.mark(9_999)
        await turned(room, 2)
        assert await kinds() == [("warning", "0.8007")]
        room.mark(9_990)
        await turned(room, 2)
        assert await kinds() == [("warning", "0.8007")]
        room.mark(10_100)
        await turned(room, 2)
        assert await kinds() == [("warning", "0.8007"), ("relief", "0.7345")]
        await room.service.margin.start()  # as the next process: what was assessed last is not told again
        await room.service.margin.teller.round()
        assert len(await kinds()) == 2
