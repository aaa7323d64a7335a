"""Other people's books say the same.

Goal: lots by FIFO, LIFO and HIFO are those of beancount's booking, on either side of the market; linear averages and results are
those of nautilus_trader's positions. (Its inverse averages are arithmetic, which is not what an inverse contract costs.)
Method: random sequences, a day apart, through both; lots, costs and results compared. nautilus_trader is in no list of ours: where
it is not installed its tests say so and are skipped.
"""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest
from beancount import loader
from beancount.core.data import Transaction
from beancount.core.inventory import Inventory

from quantumcore.services.positions.domain import FLAT, Fill, Position, Terms, after_fill
from quantumcore.services.positions.lots import METHODS
from quantumcore.services.positions.pnl import ONE, Form, average, contract

LINEAR = contract(Form.LINEAR)
FILLS = 60
FIRST_DAY = dt.date(2020, 1, 2)

Step = tuple[int, int]


def steps_of(rng: random.Random, fills: int) -> list[Step]:
    """Return random (quantity, price), none of which crosses zero in one step: beancount and nautilus_trader want two."""
    found: list[Step] = []
    stands = 0
    for _ in range(fills):
        quantity = rng.choice((-1, 1)) * rng.randrange(1, 30)
        if stands and (stands > 0) != (quantity > 0) and abs(quantity) > abs(stands):
            quantity = -stands
        found.append((quantity, rng.randrange(5, 500)))
        stands += quantity
    return found


def play(steps: list[Step], method: str) -> Position:
    position = FLAT
    for at, (quantity, price) in enumerate(steps, 1):
        position, _ = after_fill(
            position, Fill(quantity=quantity, price=price, sequence=at), LINEAR, Terms(METHODS[method])
        )
    return position


def booked(steps: list[Step], method: str) -> tuple[list[tuple[int, int]], int]:
    """Return beancount's (lots, result): (quantity, price) by date, and what the reductions made."""
    lines = [
        f'2020-01-01 open Assets:Held ACME "{method.upper()}"',
        "2020-01-01 open Assets:Cash USD",
        "2020-01-01 open Income:Result USD",
    ]
    stands = 0
    for at, (quantity, price) in enumerate(steps):
        day = FIRST_DAY + dt.timedelta(days=at)
        reduces = stands != 0 and (stands > 0) != (quantity > 0)
        cost = "{}" if reduces else f"{{{price} USD}}"
        lines += [
            f'{day} * "{at}"',
            f"  Assets:Held  {quantity} ACME {cost} @ {price} USD",
            f"  Assets:Cash  {-quantity * price} USD",
            *(["  Income:Result"] if reduces else []),
        ]
        stands += quantity
    entries, errors, _ = loader.load_string("\n".join(lines))
    assert errors == []
    held, result = Inventory(), Decimal(0)
    for entry in entries:
        for posting in entry.postings if isinstance(entry, Transaction) else ():
            if posting.account == "Assets:Held":
                held.add_position(posting)
            elif posting.account == "Income:Result":
                result -= posting.units.number
    lots = sorted(held, key=lambda lot: lot.cost.date)
    return [(int(lot.units.number), int(lot.cost.number)) for lot in lots], int(result)


@pytest.mark.parametrize("method", ["fifo", "lifo", "hifo"])
def test_lots_are_those_of_beancounts_booking(method: str, rng: random.Random) -> None:
    for _ in range(15):
        steps = steps_of(rng, FILLS)
        position = play(steps, method)
        lots, result = booked(steps, method)
        assert [(lot.quantity, lot.price) for lot in position.lots] == lots
        assert [lot.cost for lot in position.lots] == [quantity * price * ONE for quantity, price in lots]
        assert position.realised == result * ONE


class Nautilus:
    """nautilus_trader's position in a share that is priced in whole dollars."""

    def __init__(self) -> None:
        from nautilus_trader.model.currencies import USD
        from nautilus_trader.model.identifiers import InstrumentId, Symbol
        from nautilus_trader.model.instruments import Equity
        from nautilus_trader.model.objects import Price, Quantity

        self.usd = USD
        self.share = Equity(
            instrument_id=InstrumentId.from_str("ACME.XNAS"),
            raw_symbol=Symbol("ACME"),
            currency=USD,
            price_precision=0,
            price_increment=Price.from_int(1),
            lot_size=Quantity.from_int(1),
            ts_event=0,
            ts_init=0,
        )
        self.position: Any = None

    def fill(self, at: int, quantity: int, price: int) -> None:
        from nautilus_trader.core.uuid import UUID4
        from nautilus_trader.model import identifiers as ids
        from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderType
        from nautilus_trader.model.events import OrderFilled
        from nautilus_trader.model.objects import Money, Price, Quantity
        from nautilus_trader.model.position import Position as Theirs

        filled = OrderFilled(
            trader_id=ids.TraderId("T-1"),
            strategy_id=ids.StrategyId("S-1"),
            instrument_id=self.share.id,
            client_order_id=ids.ClientOrderId(f"O-{at}"),
            venue_order_id=ids.VenueOrderId(f"V-{at}"),
            account_id=ids.AccountId("XNAS-1"),
            trade_id=ids.TradeId(f"E-{at}"),
            position_id=ids.PositionId("P-1"),
            order_side=OrderSide.BUY if quantity > 0 else OrderSide.SELL,
            order_type=OrderType.LIMIT,
            last_qty=Quantity.from_int(abs(quantity)),
            last_px=Price.from_int(price),
            currency=self.usd,
            commission=Money(0, self.usd),
            liquidity_side=LiquiditySide.TAKER,
            event_id=UUID4(),
            ts_event=at,
            ts_init=at,
        )
        if self.position is None:
            self.position = Theirs(self.share, filled)
        else:
            self.position.apply(filled)


def test_linear_averages_and_results_are_those_of_nautilus_trader(rng: random.Random) -> None:
    """Quantities equal; averages to 9 digits, for theirs are floats; results to the cent they round each close to."""
    pytest.importorskip("nautilus_trader", reason="nautilus_trader is not installed: it is in no list of ours")
    for _ in range(20):
        theirs, position = Nautilus(), FLAT
        start = closes = 0
        for at, (quantity, price) in enumerate(steps_of(rng, FILLS), 1):
            if not position.quantity:
                start, closes = position.realised, 0  # theirs begins anew
            theirs.fill(at, quantity, price)
            position, changes = after_fill(position, Fill(quantity=quantity, price=price, sequence=at), LINEAR)
            closes += sum(change.realised != 0 for change in changes)
            assert int(theirs.position.signed_qty) == position.quantity
            if position.quantity:
                mine = Decimal(average(LINEAR, position.quantity, position.cost) or 0)
                assert abs(Decimal(theirs.position.avg_px_open) - mine) <= abs(mine) * Decimal("1e-9")
            result = theirs.position.realized_pnl.as_decimal() if theirs.position.realized_pnl else Decimal(0)
            mine = Decimal(position.realised - start) / ONE
            assert abs(result - mine) <= Decimal("0.01") * max(closes, 1)
