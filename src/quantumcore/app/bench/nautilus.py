"""nautilus_trader's OrderMatchingEngine on our messages.

It matches a strategy's orders with the market's book, which it is told; orders do not meet one another. So what rests
is told to it as market data, order by order, and an immediate order is an order. Its book keeps what an order took, so
the trades are told to it afterwards, as a feed would. Its objects are made beforehand: only its engine is measured.
"""

from decimal import Decimal
from importlib.metadata import version
from typing import Any

from nautilus_trader.backtest.engine import OrderMatchingEngine
from nautilus_trader.backtest.models import FillModel, MakerTakerFeeModel
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BookOrder, OrderBookDelta
from nautilus_trader.model.enums import AccountType, BookAction, BookType, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.events import OrderFilled, OrderSubmitted
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, InstrumentId, StrategyId, Symbol, TraderId
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import LimitOrder

from quantumcore.app.bench.messages import CANCEL, IOC, MOVE, NEW, Message, Open, Outcome, Play, Tally

NAME = f"nautilus_trader {version('nautilus_trader')}, its matching engine"

_ACTIONS = {NEW: BookAction.ADD, CANCEL: BookAction.DELETE, MOVE: BookAction.UPDATE}
_ACME = InstrumentId.from_str("ACME.XNAS")
_TRADER, _STRATEGY, _ACCOUNT = TraderId("BENCH-1"), StrategyId("BENCH-1"), AccountId("XNAS-1")


class Player:
    """Plays messages into an OrderMatchingEngine."""

    def __init__(self, play: Play) -> None:
        self._tally = Tally()
        self._orders: dict[Any, tuple[Any, int]] = {}  # its order and our number, by client order id
        self._filled: dict[int, int] = {}
        self._told: dict[int, Open] = {}  # what its book has been told so far
        self._engine = self._make_engine()
        for message in play.setup:
            self._engine.process_order_book_delta(self._delta(message))
        self._takes = play.takes
        self._calls: list[tuple[Any, ...]] = []
        for message in play.measured:
            self._prepare(message)

    def run(self) -> None:
        """Play the measured messages."""
        tell, submit = self._engine.process_order_book_delta, self._engine.process_order
        for item, *more in self._calls:
            if more:
                submit(item, _ACCOUNT)
                for delta in more[0]:
                    tell(delta)
            else:
                tell(item)

    def outcome(self) -> Outcome:
        """Return where the book stands; who made a trade is what the messages say, for its fills do not name it."""
        book: dict[int, Open] = {}
        sides = ((False, self._engine.get_book().bids()), (True, self._engine.get_book().asks()))
        for sell, levels in sides:
            for order in (order for level in levels for order in level.orders()):
                book[order.order_id] = Open(sell, int(order.price.as_decimal() * 100), int(order.size.as_decimal()))
        return self._tally.outcome(book)

    def _make_engine(self) -> Any:
        cent = Price.from_str("0.01")
        acme = Equity(
            instrument_id=_ACME,
            raw_symbol=Symbol("ACME"),
            currency=USD,
            price_precision=2,
            price_increment=cent,
            lot_size=Quantity.from_int(1),
            ts_event=0,
            ts_init=0,
            maker_fee=Decimal(0),
            taker_fee=Decimal(0),
        )
        clock = TestClock()
        bus = MessageBus(trader_id=_TRADER, clock=clock)
        bus.register(endpoint="ExecEngine.process", handler=self._hear)
        cache = Cache()
        cache.add_instrument(acme)
        return OrderMatchingEngine(
            instrument=acme,
            raw_id=0,
            fill_model=FillModel(),
            fee_model=MakerTakerFeeModel(),
            book_type=BookType.L3_MBO,
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            msgbus=bus,
            cache=cache,
            clock=clock,
        )

    def _hear(self, event: Any) -> None:
        order, number = self._orders[event.client_order_id]
        order.apply(event)
        if isinstance(event, OrderFilled):
            takes = self._takes.get(number, ())
            at = self._filled.get(number, 0)
            self._filled[number] = at + 1
            maker = takes[at].maker if at < len(takes) else 0
            self._tally.trade(maker, number, int(event.last_qty.as_decimal()))

    def _prepare(self, message: Message) -> None:
        if message.kind != IOC:
            self._calls.append((self._delta(message),))
            return
        takes = [self._taken(take.maker, take.lots) for take in self._takes.get(message.order, ())]
        self._calls.append((self._order(message), takes))

    def _delta(self, message: Message) -> Any:
        if message.kind == CANCEL:
            del self._told[message.order]
        else:
            self._told[message.order] = Open(message.sell, message.price, message.lots)
        return self._book_delta(_ACTIONS[message.kind], message.order, message.sell, message.price, message.lots)

    def _taken(self, maker: int, lots: int) -> Any:
        order = self._told[maker]
        order.lots -= lots
        action = BookAction.UPDATE if order.lots > 0 else BookAction.DELETE
        if order.lots == 0:
            del self._told[maker]
        return self._book_delta(action, maker, order.sell, order.price, order.lots)

    def _book_delta(self, action: Any, number: int, sell: bool, price: int, lots: int) -> Any:
        side = OrderSide.SELL if sell else OrderSide.BUY
        return OrderBookDelta(_ACME, action, BookOrder(side, _price(price), Quantity(lots, 0), number), 0, 0, 0, 0)

    def _order(self, message: Message) -> Any:
        order = LimitOrder(
            _TRADER,
            _STRATEGY,
            _ACME,
            ClientOrderId(f"O-{message.order}"),
            OrderSide.SELL if message.sell else OrderSide.BUY,
            Quantity(message.lots, 0),
            _price(message.price),
            UUID4(),
            0,
            time_in_force=TimeInForce.IOC,
        )
        order.apply(OrderSubmitted(_TRADER, _STRATEGY, _ACME, order.client_order_id, _ACCOUNT, UUID4(), 0, 0))
        self._orders[order.client_order_id] = (order, message.order)
        return order


def _price(ticks: int) -> Any:
    return Price(ticks / 100, 2)
