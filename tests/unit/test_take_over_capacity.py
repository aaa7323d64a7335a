"""A position can be taken over as long as there is room for the rows that come into being.

Goal: at a bound CAPACITY is answered and nothing has changed; one row more, and it is done; who has the rows needs none.
Method: both engines with bounds of a few rows; a giver who has bought on credit what is worth next to nothing now.
"""

from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from tests.support.engines import NativeEngine, TwinEngine, check, step

USD, GOLD = 1, 2
GIVER, SELLER, TAKER, OTHER = 1, 2, 3, 4
BUY, SELL = 1, 2
MARKETS = 4
BALANCES = 4  # of giver and seller, each in both currencies

both = pytest.mark.parametrize("new_engine", [TwinEngine, NativeEngine])


class Ruined:
    """An engine in which the giver is long of 10, has paid 1,000 of 100 for it, and the mark is 1."""

    def __init__(self, new_engine: Any, max_balances: int) -> None:
        bounds = dict.fromkeys(("max_orders", "max_accounts", "max_client_ids", "max_transfers"), 64)
        self.engine = new_engine(**bounds, max_balances=max_balances)
        self._made = 0
        self.do(wire.DefineCurrency(currency=USD, code="USD", scale=0))
        self.do(wire.DefineCurrency(currency=GOLD, code="GOLD", scale=0))
        for number in range(1, MARKETS + 1):
            self.do(_market(number))
        for who in (GIVER, SELLER, TAKER, OTHER):
            self.do(wire.OpenAccount(account=who, owner=who))
        self.pay_in(GIVER, USD)
        self.pay_in(SELLER, GOLD)
        self.do(wire.SetCredit(account=GIVER, limit=1_000, currency=USD))
        self.order(SELLER, SELL, 10, 100)
        self.order(GIVER, BUY, 10, 100)
        self.do(wire.SetMark(instrument=1, price=1))

    def do(self, command: wire.Command) -> list[wire.Event]:
        events = wire.decode_events(step(self.engine, command.encode(), 1_000))
        assert not isinstance(events[0], wire.CommandRefused | wire.OrderRejected), events
        return events

    def pay_in(self, account: int, currency: int) -> None:
        transfer = {"account": account, "currency": currency, "transfer_id": f"in-{currency}"}
        self.do(wire.Transfer(**transfer, amount=100, transfer_kind=1))

    def order(self, account: int, side: int, lots: int, price: int, instrument: int = 1) -> None:
        self._made += 1
        kinds = {"order_type": 2, "time_in_force": 1, "client_id": f"o-{self._made}"}
        named = {"instrument": instrument, "account": account, "side": side}
        self.do(wire.SubmitOrder(**named, **kinds, quantity=lots, price=price))

    def take_over(self, money: int = 0) -> wire.Event:
        """Let the taker take one lot; a refusal changes nothing."""
        self.do(wire.SetAccountMargin(account=GIVER, currency=USD, profile=1))
        before = self._rows()
        command = wire.TakeOver(instrument=1, account=GIVER, taker=TAKER, lots=1, money=money)
        (event,) = wire.decode_events(step(self.engine, command.encode(), 1_000))
        check(self.engine)
        assert (self._rows() == before) == isinstance(event, wire.CommandRefused)
        return event

    def _rows(self) -> list[Any]:
        return [(self.engine.balances(who), self.engine.positions(who)) for who in (GIVER, TAKER)]


def _market(number: int) -> wire.DefineInstrument:
    named = {"instrument": number, "symbol": f"GOLD-{number}", "base": GOLD, "quote": USD}
    plain = dict.fromkeys(("instrument_kind", "status", "tick", "lot", "multiplier", "min_price", "min_quantity"), 1)
    none = dict.fromkeys(("tick_scale", "lot_scale", "min_notional", "taker_fee", "maker_fee", "minimum_fee"), 0)
    most = {"max_price": 10**6, "max_quantity": 10**6, "max_notional": 10**12, "collar": 5_000_000}
    return wire.DefineInstrument(**named, **plain, **none, **most)


def assert_taken(event: wire.Event) -> None:
    assert isinstance(event, wire.PositionTaken), event


def assert_full(event: wire.Event) -> None:
    assert isinstance(event, wire.CommandRefused), event
    assert (event.reason, event.scope) == (Reason.CAPACITY, Scope.VENUE)


@both
def test_a_taker_who_never_had_the_asset_needs_a_balance(new_engine: Any) -> None:
    """Two more rows let the orders in; others take them."""
    for spare in (0, 1):
        ruined = Ruined(new_engine, BALANCES + 2)
        for currency in (USD, GOLD)[: 2 - spare]:
            ruined.pay_in(OTHER, currency)
        (assert_taken if spare else assert_full)(ruined.take_over())


@both
def test_a_taker_who_has_the_asset_needs_none(new_engine: Any) -> None:
    ruined = Ruined(new_engine, BALANCES + 2)
    ruined.pay_in(TAKER, GOLD)
    ruined.pay_in(TAKER, USD)
    assert_taken(ruined.take_over(money=7))


@both
def test_a_giver_pays_a_taker_who_never_had_money(new_engine: Any) -> None:
    """Asset and money come to the taker: two balances, where one is left."""
    ruined = Ruined(new_engine, BALANCES + 2)
    ruined.pay_in(OTHER, USD)
    assert_full(ruined.take_over(money=-7))
    assert_taken(ruined.take_over())


@both
def test_a_taker_without_a_position_needs_a_row_of_those(new_engine: Any) -> None:
    """Giver and seller have one in each market, which is as many as there may be, or one fewer."""
    for spare in (0, 1):
        ruined = Ruined(new_engine, 2 * MARKETS + spare)
        ruined.pay_in(TAKER, GOLD)
        for number in range(2, MARKETS + 1):
            for who, side, price in ((GIVER, BUY, 1), (SELLER, SELL, 100)):
                ruined.order(who, side, 1, price, number)
                ruined.do(wire.MassCancel(account=who))
        (assert_taken if spare else assert_full)(ruined.take_over())


@both
def test_a_taker_who_has_a_position_needs_none(new_engine: Any) -> None:
    ruined = Ruined(new_engine, 2 * MARKETS)
    ruined.pay_in(TAKER, GOLD)
    ruined.order(TAKER, SELL, 1, 100)
    ruined.do(wire.MassCancel(account=TAKER))
    for number in range(2, MARKETS + 1):
        for who, side, price in ((GIVER, BUY, 1), (SELLER, SELL, 100))[: MARKETS + 1 - number]:
            ruined.order(who, side, 1, price, number)
            ruined.do(wire.MassCancel(account=who))
    assert_taken(ruined.take_over())
