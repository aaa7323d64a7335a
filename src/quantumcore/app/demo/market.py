"""The demo's crowd: accounts, money, and one round after another through the venue's own front door to its rooms."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from quantumcore.app.demo.participants import (
    Decision,
    LargeSeller,
    MarketMaker,
    Momentum,
    Noise,
    Participant,
    View,
    Want,
)
from quantumcore.contracts.auth import CreateUser
from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.ledger import MakeTransfer
from quantumcore.contracts.market import GetTicker, Ticker
from quantumcore.contracts.orders import MassCancel, OrderView, SubmitOrder
from quantumcore.contracts.reference import GetReference, Instrument
from quantumcore.ports.bus import Bus

REFERENCE_PRICES = {"BTC-USD": "64000", "ETH-USD": "3200", "AAPL": "230", "ESH7": "5250"}
CASH = "900000000.00"
LATENCIES = 10_000


@dataclass
class _Seat:
    account: int
    instrument: Instrument
    participant: Participant
    working: bool = False


@dataclass
class Figures:
    """What the live table shows beside the books."""

    orders: int = 0
    rejected: int = 0
    trades: int = 0
    errors: int = 0


class Crowd:
    """Every participant of every instrument, driven by one seeded generator.

    Attributes:
        tickers: Newest ticker per symbol.
        latencies: Seconds from submit to the durable answer, newest last, bounded.
        tape: The newest trades as text, newest first.
    """

    def __init__(self, bus: Bus, seed: int) -> None:
        self.figures = Figures()
        self.tickers: dict[str, Ticker] = {}
        self.latencies: deque[float] = deque(maxlen=LATENCIES)
        self.tape: deque[str] = deque(maxlen=8)
        self._bus = bus
        self._random = Random(seed)
        self._seats: list[_Seat] = []
        self._serial = 0

    async def enter(self) -> None:
        """Open the accounts and pay in."""
        reference = await self._bus.request(GetReference())
        by_symbol = {instrument.symbol: instrument for instrument in reference.instruments}
        for symbol, price in REFERENCE_PRICES.items():
            if symbol in by_symbol:
                for participant in _cast(by_symbol[symbol], Decimal(price)):
                    await self._seat(by_symbol[symbol], participant)

    async def round(self) -> None:
        """Let everyone decide on what they see, then send all of it at once, in order."""
        sends = []
        for seat in self._seats:
            view = await self._view(seat.instrument)
            sends.append(self._send(seat, seat.participant.decide(view, self._random)))
        await asyncio.gather(*sends)

    async def _seat(self, instrument: Instrument, participant: Participant) -> None:
        self._serial += 1
        password = f"{self._random.getrandbits(128):032x}"
        name = f"{participant.name}-{instrument.symbol.lower()}@demo.example"
        user = await self._bus.request(CreateUser(email=name, password=password, roles=["trader"]), deadline_s=10)
        account = int(user.account_id)
        plenty = instrument.base.show(10 ** (instrument.base.scale + 6))
        for currency, amount in ((instrument.quote.code, CASH), (instrument.base.code, plenty)):
            self._serial += 1
            await self._bus.request(
                MakeTransfer(
                    transfer_id=f"demo-{self._serial}",
                    kind="deposit",
                    account=account,
                    currency=currency,
                    amount=amount,
                )
            )
        self._seats.append(_Seat(account, instrument, participant))

    async def _view(self, instrument: Instrument) -> View:
        ticker = await self._bus.request(GetTicker(symbol=instrument.symbol))
        self.tickers[instrument.symbol] = ticker
        return View(
            bid=Decimal(ticker.bid) if ticker.bid else None,
            ask=Decimal(ticker.ask) if ticker.ask else None,
            last=Decimal(ticker.last or REFERENCE_PRICES[instrument.symbol]),
            tick=Decimal(instrument.price(1)),
            lot=Decimal(instrument.quantity(1)),
        )

    async def _send(self, seat: _Seat, decision: Decision) -> None:
        if decision.pull and seat.working:
            await self._bus.request(MassCancel(account=seat.account, symbol=seat.instrument.symbol))
            seat.working = False
        for want in decision.orders:
            await self._submit(seat, want)

    async def _submit(self, seat: _Seat, want: Want) -> None:
        self._serial += 1
        began = time.perf_counter()
        try:
            order = await self._bus.request(
                SubmitOrder(
                    account=seat.account,
                    client_order_id=f"demo-{self._serial}",
                    symbol=seat.instrument.symbol,
                    side=want.side,
                    type="market" if want.price is None else "limit",
                    time_in_force=want.time_in_force,
                    quantity=format(want.quantity, "f"),
                    price=None if want.price is None else format(want.price, "f"),
                    post_only=want.post_only,
                )
            )
        except QuantumCoreError:
            self.figures.errors += 1
            return
        self.latencies.append(time.perf_counter() - began)
        self._note(seat, want, order)

    def _note(self, seat: _Seat, want: Want, order: OrderView) -> None:
        self.figures.orders += 1
        self.figures.rejected += order.status == "rejected"
        self.figures.trades += len(order.fills)
        seat.working = seat.working or order.status in ("new", "partially_filled")
        for fill in order.fills:
            self.tape.appendleft(
                f"{fill.symbol:8} {want.side:4} {fill.quantity:>10} at {fill.price:>10}  {seat.participant.name}"
            )


def _cast(instrument: Instrument, price: Decimal) -> list[Participant]:
    """Return the participants of an instrument, sized to trade about 10,000 of its quote currency at a time."""
    lot = Decimal(instrument.quantity(1))
    size = max((Decimal(10_000) / (price * instrument.multiplier) / lot).to_integral_value(), Decimal(1)) * lot
    return [
        MarketMaker("maker-one", size),
        MarketMaker("maker-two", size, levels=6, spread_ticks=8),
        Noise("noise-one", size),
        Noise("noise-two", size),
        Momentum("momentum", size),
        LargeSeller("large-seller", size * 500, size * 5),
    ]
