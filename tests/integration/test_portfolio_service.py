"""The portfolio room over its tables, before rooms that say what a test wants.

Goal: it answers what accounts are worth at one cursor and one snapshot, keeps an answer exactly as long as it is true, and
remembers rates, reporting currencies, costs of other days and points of history over a restart.
Method: the real service on SQLite and the embedded bus; the other rooms answer from one small world that the test changes.
"""

from pathlib import Path

import pytest

from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound, Unavailable
from quantumcore.contracts.ledger import GetBalances
from quantumcore.contracts.market import MarketMoved, TradeTick
from quantumcore.contracts.portfolio import (
    FxPublished,
    GetConversion,
    GetFxSnapshot,
    GetPerformance,
    GetValuationHistory,
    GivenRate,
    PublishFxSnapshot,
    ReportingCurrencySet,
    SetReportingCurrency,
)
from quantumcore.contracts.positions import GetPositions
from tests.support.portfolio_room import ALICE, BOB, Room, World, portfolio_room, settled
from tests.support.portfolios import NO_CURRENCY, T0, view
from tests.support.small_venue import until


def small_world() -> World:
    world = World()
    world.hold(ALICE, USD="10000.00", AAPL="100")
    world.take(ALICE, view("AAPL", "100", "14000", "150.00"))
    world.hold(BOB, USD="5.00")
    return world


def computed(room: Room) -> int:
    return room.service._valuations.computations


def trade(symbol: str, sequence: int) -> MarketMoved:
    tick = TradeTick("t", symbol, "1", "1", "buy", sequence, 0, T0)
    return MarketMoved(books=[], trades=[tick], sequence=sequence)


async def test_an_account_is_worth_its_cash_and_its_shares_at_a_named_cursor(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        shown = await room.portfolio()
        assert (shown.total, shown.account_id, shown.reporting_currency) == ("25000.00", "1001", "USD")
        assert (shown.sequence, shown.priced_to, shown.fx_snapshot_id) == (room.world.sequence, room.world.sequence, "")


async def test_an_unknown_account_is_not_found(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        for question in (
            room.portfolio(77),
            room.bus.request(GetValuationHistory(account=77)),
            room.bus.request(GetPerformance(account=77)),
            room.bus.request(SetReportingCurrency(account=77, currency="EUR")),
        ):
            with pytest.raises(NotFound) as caught:
                await question
            assert caught.value.code == "account.not_found"


async def test_an_account_without_positions_is_worth_its_cash(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        shown = await room.portfolio(BOB)
        assert (shown.total, shown.lines) == ("5.00", [])


# --------------------------------------------------------------------------------------------- one cursor


async def test_positions_that_changed_behind_the_balances_are_asked_for_again(tmp_path: Path) -> None:
    """A fill between the two answers: neither half of it may be in the value."""
    world = small_world()

    def fill_once(question: object) -> None:
        if isinstance(question, GetPositions) and world.balances[ALICE]["USD"] == "10000.00":
            world.hold(ALICE, USD="8500.00", AAPL="110")
            world.take(ALICE, view("AAPL", "110", "15500", "150.00"))

    async with portfolio_room(tmp_path, world) as room:
        world.fault = fill_once
        shown = await room.portfolio()
        assert (shown.total, shown.cash, shown.lines[0].quantity) == ("25000.00", "8500.00", "110")
        assert shown.holdings == []
        assert room.service._valuer.retries == 1


async def test_what_never_stands_still_is_told_as_moving_after_a_number_of_tries(tmp_path: Path) -> None:
    world = small_world()

    def fill(question: object) -> None:
        if isinstance(question, GetPositions):
            world.take(ALICE, view("AAPL", "100", "14000", "150.00"))

    async with portfolio_room(tmp_path, world, tries=3) as room:
        world.fault = fill
        with pytest.raises(Unavailable) as caught:
            await room.portfolio()
        assert (caught.value.code, caught.value.limit, caught.value.retry_after) == ("portfolio.moving", "3", 1)
        assert sum(isinstance(one, GetBalances) for one in world.asked) == 3


async def test_what_others_do_meanwhile_is_no_reason_to_ask_again(tmp_path: Path) -> None:
    world = small_world()
    async with portfolio_room(tmp_path, world) as room:
        world.fault = lambda _question: world.take(BOB, view("AAPL", "1", "1", "150.00"))
        assert (await room.portfolio()).total == "25000.00"
        assert room.service._valuer.retries == 0


async def test_a_caller_who_has_seen_a_sequence_gets_a_value_of_it_or_later(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        await room.portfolio()
        room.world.hold(ALICE, USD="1.00")  # nobody has told the room
        assert (await room.portfolio()).total == "25000.00"
        assert (await room.portfolio(at_least=room.world.sequence)).total == "15001.00"


# ------------------------------------------------------------------------------------------------ the cache


async def test_an_answer_is_given_again_for_a_second(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        await room.portfolio()
        room.clock.turn(0.999)
        await room.portfolio()
        assert (computed(room), room.service._valuations.hits) == (1, 1)
        room.clock.turn(0.002)
        await room.portfolio()
        assert computed(room) == 2


async def test_without_a_life_each_answer_is_computed(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world(), cache_s=0) as room:
        for _ in range(3):
            await room.portfolio()
        assert (computed(room), len(room.service._valuations)) == (3, 0)


async def test_cash_fills_prices_and_rates_are_seen_at_once(tmp_path: Path) -> None:
    """Within the second in which the answer could be given again: each change shows in the very next answer."""
    async with portfolio_room(tmp_path, small_world()) as room:
        assert (await room.portfolio()).total == "25000.00"

        room.world.hold(ALICE, USD="11000.00")
        await room.tell_ledger(ALICE)
        assert (await room.portfolio()).total == "26000.00"

        room.world.hold(ALICE, USD="9500.00", AAPL="110")
        room.world.take(ALICE, view("AAPL", "110", "15500", "150.00"))
        await room.tell_positions(ALICE)
        assert (await room.portfolio()).total == "26000.00"

        room.world.take(ALICE, view("AAPL", "110", "15500", "160.00"))
        await room.bus.publish([trade("AAPL", room.world.sequence)])
        await settled()
        assert (await room.portfolio()).total == "27100.00"

        room.world.hold(ALICE, EUR="100.00")
        await room.tell_ledger(ALICE)
        await room.publish(EUR_USD="1.10")
        assert (await room.portfolio()).total == "27210.00"
        await room.publish(EUR_USD="1.20")
        shown = await room.portfolio()
        assert (shown.total, shown.fx_snapshot_id) == ("27220.00", "fx-2")


async def test_what_moves_elsewhere_leaves_an_answer_alone(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        await room.portfolio()
        await room.tell_ledger(BOB)
        await room.bus.publish([trade("BTC-USD", room.world.sequence)])
        await settled()
        await room.portfolio()
        assert computed(room) == 1


@pytest.mark.hazard("D5")
async def test_a_hundred_thousand_accounts_leave_the_cache_at_its_limit(tmp_path: Path) -> None:
    """At most so many are kept, the least recently used goes, and a changed price shows in the next answer."""
    world = World()
    async with portfolio_room(tmp_path, world) as room:
        valuations = room.service._valuations
        world.hold(ALICE, USD="1.00", AAPL="1")
        world.take(ALICE, view("AAPL", "1", "1", "1.00"))
        template = await valuations.get(ALICE)

        async def ready(_account: int, _at_least: int):
            return template

        valuations._compute = ready
        for account in range(2_000, 102_000):
            await valuations.get(account)
            assert len(valuations) <= 10_000
        valuations._compute = room.service._valuer.value
        assert len(valuations) == 10_000
        assert 2_000 not in valuations._kept
        before = computed(room)
        await valuations.get(101_999)
        assert computed(room) == before
        await valuations.get(ALICE)
        world.take(ALICE, view("AAPL", "1", "1", "9.00"))
        await room.bus.publish([trade("AAPL", world.sequence)])
        await settled()
        assert (await room.portfolio()).total == "10.00"


async def test_an_error_is_not_kept(tmp_path: Path) -> None:
    world = small_world()
    async with portfolio_room(tmp_path, world) as room:

        def fail(_question: object) -> None:
            raise Unavailable("unavailable", "not now")

        world.fault = fail
        with pytest.raises(Unavailable):
            await room.portfolio()
        world.fault = lambda _question: None
        assert (await room.portfolio()).total == "25000.00"


# ---------------------------------------------------------------------------------------------------- rates


async def test_a_snapshot_is_shown_as_it_was_published(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        heard: list[FxPublished] = []

        async def hear(notices: list[FxPublished]) -> None:
            heard.extend(notices)

        room.bus.subscribe(FxPublished, hear)
        shown = await room.publish("monday", EUR_USD="1.10", USD_JPY="150.5")
        assert [(r.base, r.quote, r.numerator, r.denominator) for r in shown.rates] == [
            ("EUR", "USD", "11", "10"),
            ("USD", "JPY", "301", "2"),
        ]
        assert (shown.in_force, shown.stale, shown.source) == (True, False, "test")
        assert await room.bus.request(GetFxSnapshot()) == shown
        await room.publish("tuesday", EUR_USD="1.11")
        before = await room.bus.request(GetFxSnapshot(snapshot_id="monday"))
        assert (before.rates, before.in_force) == (shown.rates, False)
        await settled()
        assert [one.snapshot_id for one in heard] == ["monday", "tuesday"]
        with pytest.raises(NotFound) as caught:
            await room.bus.request(GetFxSnapshot(snapshot_id="never"))
        assert caught.value.code == "fx.not_found"


async def test_the_same_snapshot_again_is_the_same_and_another_under_its_id_is_not(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        first = await room.publish("monday", EUR_USD="1.10", USD_JPY="150")
        assert await room.publish("monday", USD_JPY="150", EUR_USD="1.1") == first
        with pytest.raises(Conflict) as caught:
            await room.publish("monday", EUR_USD="1.11", USD_JPY="150")
        assert caught.value.code == "idempotency.mismatch"


async def test_a_snapshot_older_than_the_one_in_force_is_refused(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        await room.publish("now", EUR_USD="1.10")
        old = PublishFxSnapshot(
            snapshot_id="old", source="s", time_ns=T0 - 1, rates=[GivenRate(base="EUR", quote="USD", rate="1")]
        )
        with pytest.raises(Conflict) as caught:
            await room.bus.request(old)
        assert (caught.value.code, caught.value.limit, caught.value.actual) == ("fx.out_of_order", str(T0), str(T0 - 1))


async def test_a_snapshot_that_disagrees_with_itself_changes_nothing(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        room.world.hold(ALICE, EUR="100.00")
        await room.publish(EUR_USD="1.10")
        with pytest.raises(InvalidCommand) as caught:
            await room.publish(EUR_USD="2.00", USD_JPY="150", EUR_JPY="165")
        assert caught.value.code == "fx.triangle"
        shown = await room.portfolio()
        assert (shown.fx_snapshot_id, shown.cash) == ("fx-1", "10110.00")


@pytest.mark.parametrize(
    "changes, field, code",
    [
        ({"snapshot_id": "a b"}, "snapshot_id", "request.invalid.id"),
        ({"source": ""}, "source", "request.invalid.range"),
        ({"time_ns": T0 + 6 * 10**9}, "time", "request.invalid.range"),
        ({"time_ns": 0}, "time", "request.invalid.range"),
        ({"rates": [GivenRate(base="EUR", quote=NO_CURRENCY, rate="1")]}, "rates[0].quote", "currency.not_found"),
    ],
)
async def test_a_snapshot_that_is_none_names_its_field(tmp_path: Path, changes: dict, field: str, code: str) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        values = {
            "snapshot_id": "a",
            "source": "s",
            "time_ns": T0,
            "rates": [GivenRate(base="EUR", quote="USD", rate="1")],
        }
        with pytest.raises((InvalidCommand, NotFound)) as caught:
            await room.bus.request(PublishFxSnapshot(**{**values, **changes}))
        assert (caught.value.field, caught.value.code) == (field, code)


async def test_a_snapshot_that_is_too_old_is_named_when_a_rate_is_needed(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world(), fx_stale_s=3600) as room:
        room.world.hold(BOB, EUR="1.00")
        await room.publish(EUR_USD="1.10")
        room.clock.turn(3600)
        assert (await room.portfolio(BOB)).total == "6.10"
        room.clock.turn(2)
        with pytest.raises(Unavailable, match="EUR/USD of snapshot fx-1 is 3602 s old"):
            await room.portfolio(BOB)
        assert (await room.portfolio(ALICE)).total == "25000.00"
        assert (await room.bus.request(GetFxSnapshot())).stale


async def test_old_snapshots_leave_at_the_limit_and_never_the_one_in_force(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world(), fx_kept=2) as room:
        for _ in range(4):
            await room.publish(EUR_USD="1.10")
        for gone in ("fx-1", "fx-2"):
            with pytest.raises(NotFound):
                await room.bus.request(GetFxSnapshot(snapshot_id=gone))
        assert (await room.bus.request(GetFxSnapshot(snapshot_id="fx-4"))).in_force


async def test_a_conversion_gives_the_floor_and_names_its_snapshot(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        with pytest.raises(Unavailable):
            await room.bus.request(GetConversion(currency="USD", to_currency="EUR", amount="1.00"))
        await room.publish(USD_EUR="0.85")
        shown = await room.bus.request(GetConversion(currency="USD", to_currency="EUR", amount="99999999999.99"))
        assert (shown.converted, shown.residue, shown.snapshot_id) == ("84999999999.99", "3/20", "fx-1")
        for amount in ("1.001", "-1", "x"):
            with pytest.raises(InvalidCommand):
                await room.bus.request(GetConversion(currency="USD", to_currency="EUR", amount=amount))


# ---------------------------------------------------------------------------------- reporting, carried costs


async def test_an_account_is_valued_in_the_currency_it_wants(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        heard: list[ReportingCurrencySet] = []

        async def hear(notices: list[ReportingCurrencySet]) -> None:
            heard.extend(notices)

        room.bus.subscribe(ReportingCurrencySet, hear)
        await room.publish(EUR_USD="1.25")
        assert (await room.portfolio()).total == "25000.00"
        for _ in range(2):
            await room.bus.request(SetReportingCurrency(account=ALICE, currency="EUR"))
        shown = await room.portfolio()
        assert (shown.total, shown.reporting_currency) == ("20000.00", "EUR")
        assert (await room.portfolio(BOB)).reporting_currency == "USD"
        await settled()
        assert [(one.account, one.currency) for one in heard] == [(ALICE, "EUR")]
        with pytest.raises(NotFound) as caught:
            await room.bus.request(SetReportingCurrency(account=ALICE, currency=NO_CURRENCY))
        assert caught.value.code == "currency.not_found"


async def test_results_of_rates_begin_anew_in_another_currency(tmp_path: Path) -> None:
    """What was carried in dollars is no cost in pounds; back in dollars it is not remembered either."""
    world = World()
    world.hold(ALICE, BTC="1.00000000")
    world.take(ALICE, view("BTC-EUR", "1.00000000", "8000", "8000.00", currency="EUR"))
    async with portfolio_room(tmp_path, world) as room:
        await room.publish(EUR_USD="1.25", GBP_USD="1.60")
        await room.portfolio()
        await room.publish(EUR_USD="1.00", GBP_USD="1.60")
        assert (await room.portfolio()).pnl.fx_unrealised == "-2000.00000000"
        for currency in ("GBP", "USD"):
            await room.bus.request(SetReportingCurrency(account=ALICE, currency=currency))
            assert (await room.portfolio()).pnl.fx_unrealised == "0.00000000"


async def test_results_split_into_price_and_rates_as_they_were_on_their_days(tmp_path: Path) -> None:
    """100 shares for 10,000 dollars at 0.90; at 0.80 half of it is sold for 6,000; the rest stands at 120."""
    world = World()
    world.hold(ALICE, USD="0.00", AAPL="0")
    world.take(ALICE, view("AAPL", "0", "0", "100.00"))
    async with portfolio_room(tmp_path, world) as room:
        await room.publish(USD_EUR="0.90")
        await room.bus.request(SetReportingCurrency(account=ALICE, currency="EUR"))
        await room.portfolio()
        world.hold(ALICE, AAPL="100")
        world.take(ALICE, view("AAPL", "100", "10000", "100.00"))
        await room.tell_positions(ALICE)
        assert (await room.portfolio()).pnl.total == "0.00000000"
        await room.publish(USD_EUR="0.80")
        world.hold(ALICE, AAPL="50", USD="6000.00")
        world.take(ALICE, view("AAPL", "50", "5000", "120.00", realised="1000.00000000", fees="5.00000000"))
        await room.tell_positions(ALICE)
        pnl = (await room.portfolio()).pnl
        assert (pnl.realised, pnl.fx_realised) == ("800.00000000", "-500.00000000")
        assert (pnl.unrealised, pnl.fx_unrealised) == ("800.00000000", "-500.00000000")
        assert (pnl.fees, pnl.total) == ("4.00000000", "596.00000000")


async def test_rates_currencies_and_carried_costs_survive_a_restart(tmp_path: Path) -> None:
    world = small_world()
    async with portfolio_room(tmp_path, world) as room:
        await room.publish("monday", EUR_USD="1.25")
        await room.bus.request(SetReportingCurrency(account=ALICE, currency="EUR"))
        await room.portfolio()
        await room.publish("tuesday", EUR_USD="1.00")
        before = await room.portfolio()
        assert before.pnl.fx_unrealised == "2800.00000000"
    async with portfolio_room(tmp_path, world) as room:
        assert await room.portfolio() == before


async def test_costs_are_carried_at_the_rate_of_their_day_though_nobody_asks(tmp_path: Path) -> None:
    world = small_world()
    async with portfolio_room(tmp_path, world, run=True) as room:
        await room.publish(EUR_USD="1.25")
        await room.bus.request(SetReportingCurrency(account=ALICE, currency="EUR"))
        await room.portfolio()
        world.take(ALICE, view("AAPL", "200", "28000", "150.00"))
        world.hold(ALICE, AAPL="200")
        await room.tell_positions(ALICE)
        await until(lambda: room.clock.sleepers == 1, "a look at the account that moved")
        await room.publish(EUR_USD="1.00")
        assert (await room.portfolio()).pnl.fx_unrealised == "5600.00000000"
