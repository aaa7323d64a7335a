"""Random operations on a venue's money: commands for the native engine, and what the exact model says must come of each.

What the model decides (transfers, groups, credit, terms, busts) it decides before the engine is asked. Of orders it hears who
was accepted and who traded, and compares every amount that an event names.
"""

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core._native import Engine
from quantumcore.ports.event_log import EventBatch
from tests.support.exact_ledger import (
    CHART,
    CLOSED,
    COLLATERAL,
    DONE,
    FROZEN,
    HOUSE,
    OPEN,
    REPEAT,
    Bust,
    ExactLedger,
    Group,
    Leg,
    Refused,
    Side,
    Transfer,
)
from tests.support.exact_market import CODES, EUR, INSTRUMENTS, RATES, SCALES, decimal, define
from tests.support.exact_orders import ExactOrders

CUSTOMERS = tuple(range(1, 9))
UNKNOWN = 99
MOST_ORDERS = 60
START_NS = 1_700_000_000 * 10**9


class Play:
    """One engine, one model, and the events between them.

    Attributes:
        batches: Events since they were last taken.
        counts: How often each kind of operation came to what.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.made = 0
        self.batches: list[EventBatch] = []
        self.counts: dict[str, int] = {}
        self.ledger = ExactLedger(tuple(SCALES), CUSTOMERS)
        self.orders = ExactOrders(self.ledger)
        self._rng = random.Random(seed)
        self._engine = Engine(
            max_orders=1 << 14,
            max_accounts=1 << 8,
            max_client_ids=1 << 19,
            max_transfers=1 << 18,
            max_balances=1 << 12,
            max_windows=1 << 12,
            max_groups=1 << 18,
            max_legs=1 << 21,
        )
        self._time_ns = START_NS
        self._rates: dict[int, tuple[int, int, int]] = {}
        self._transfers: list[Transfer] = []
        self._groups: list[Group] = []
        self._made: list[Group] = []  # those that were posted
        self._names: list[tuple[int, str]] = []  # client ids of orders, whatever became of them
        self._busts: list[Bust] = []
        self._fills: list[tuple[int, int]] = []
        self._shut: list[int] = []
        self._kinds: dict[Callable[[], None], int] = {
            self._submit: 46,
            self._cancel: 6,
            self._replace: 10,
            self._transfer: 12,
            self._again: 3,
            self._post: 10,
            self._post_again: 3,
            self._reverse: 4,
            self._credit: 2,
            self._terms: 1,
            self._redefine: 1,
            self._bust: 4,
        }
        self._set_up()

    @property
    def engine(self) -> Engine:
        """The native engine, after all that was played."""
        return self._engine

    def _set_up(self) -> None:
        for currency, scale in SCALES.items():
            self._do(wire.DefineCurrency(currency=currency, scale=scale, code=CODES[currency]))
        for number in INSTRUMENTS:
            self._define(number, 100_000, 50_000, 0)
        for account in CUSTOMERS:
            self._do(wire.OpenAccount(account=account, owner=account))
            for currency in SCALES:
                amount = 30 if account == CUSTOMERS[-1] else 10 ** (SCALES[currency] + 5)
                self._ask_transfer(Transfer(account, f"first-{currency}", 1, amount, currency))

    def play(self) -> None:
        """Do one operation and compare what came of it.

        Raises:
            AssertionError: Engine and model differ; the message has the seed and the operation's number.
        """
        self.made += 1
        if self._rng.random() < 0.3:
            self._time_ns += self._rng.randrange(10**9)
        if self._shut and self._rng.random() < 0.1:
            self._ask_terms(self._shut.pop(), OPEN)
        elif len(self.orders.orders) >= MOST_ORDERS:
            self._cancel()
        else:
            self._rng.choices(list(self._kinds), list(self._kinds.values()))[0]()

    # ------------------------------------------------------------------------------------ asking and comparing

    def _do(self, command: wire.Command) -> list[wire.Event]:
        raw = self._engine.step(command.encode(), self._time_ns)
        self.batches.append(EventBatch(self._engine.sequence, self._engine.sequence, raw))
        return wire.decode_events(raw)

    def _same(self, ours: Any, theirs: Any, what: str) -> None:
        assert ours == theirs, (
            f"{what}: {ours} by the model, {theirs} by the engine (seed {self.seed}, operation {self.made})"
        )

    def _ask(self, command: wire.Command, judge: Callable[[], str]) -> bool:
        """Let the model judge, then the engine; return whether it was done."""
        try:
            expected = judge()
        except Refused as refused:
            expected = str(refused)
        last = self._do(command)[-1]
        found = DONE
        if isinstance(last, wire.CommandRefused):
            found = Reason(last.reason).name
        elif isinstance(last, wire.CommandDone):
            found = REPEAT
        self._same(expected, found, f"{command}")
        name = f"{type(command).__name__} {found}"
        self.counts[name] = self.counts.get(name, 0) + 1
        return found == DONE

    # ---------------------------------------------------------------------------------------------- transfers

    def _account(self) -> int:
        return self._rng.choice(CUSTOMERS) if self._rng.random() < 0.98 else UNKNOWN

    def _currency(self) -> int:
        return self._rng.choice(tuple(SCALES)) if self._rng.random() < 0.99 else UNKNOWN

    def _amount(self, currency: int) -> int:
        most = 10 ** (SCALES.get(currency, 0) + self._rng.randrange(1, 6))
        return self._rng.choices((self._rng.randrange(1, most), 1, 0, -1, most * 1_000), (90, 4, 3, 2, 1))[0]

    def _transfer(self) -> None:
        account, currency, kind = self._account(), self._currency(), self._rng.choice((1, 1, 1, 2, 3, 3))
        amount = self._amount(currency)
        if kind > 1 and account in CUSTOMERS and currency in SCALES and self._rng.random() < 0.3:
            amount = self.ledger.available(account, currency) + self._rng.randrange(-1, 2)
        to = self._account() if kind == 3 else int(self._rng.random() < 0.02)
        asked = Transfer(account, f"t-{self.made}", kind, amount, currency, to)
        self._transfers.append(asked)
        self._ask_transfer(asked)

    def _again(self) -> None:
        """The same id again: the same body, or another."""
        if not self._transfers:
            return
        asked = self._rng.choice(self._transfers[-200:])
        if self._rng.random() < 0.5:
            change = self._rng.choice(({"amount": asked.amount + 1}, {"currency": EUR}, {"kind": 1, "to": 0}))
            asked = asked._replace(**change)
        self._ask_transfer(asked)

    def _ask_transfer(self, asked: Transfer) -> None:
        command = wire.Transfer(
            account=asked.account,
            amount=asked.amount,
            to_account=asked.to,
            currency=asked.currency,
            transfer_kind=asked.kind,
            transfer_id=asked.name,
        )
        self._ask(command, lambda: self.ledger.transfer(asked))

    # ------------------------------------------------------------------------------------------------- groups

    def _post(self) -> None:
        legs = [self._leg() for _ in range(self._rng.choice((1, 1, 2, 2, 3, 5, 8)))]
        account = HOUSE if self._rng.random() < 0.6 else self._account()
        signed = self._rng.random() < 0.1
        self._ask_group(Group(account, f"g-{self.made}", tuple(legs), signed=signed, user_data=self._rng.randrange(3)))

    def _leg(self) -> Leg:
        currency = self._currency()
        debit, credit = self._side(), self._side()
        if debit == credit and self._rng.random() < 0.9:
            credit = Side(HOUSE, 900 if debit != (HOUSE, 900) else 230)
        amount = self._amount(currency) if self._rng.random() < 0.5 else self._rng.randrange(50)
        if amount < 0 and self._rng.random() < 0.8:
            amount = -amount
        return Leg(debit, credit, currency, amount)

    def _side(self) -> Side:
        if self._rng.random() < 0.35:
            return Side(HOUSE, self._rng.choice(CHART) if self._rng.random() < 0.99 else 200)
        account = self._rng.choice(CUSTOMERS) if self._rng.random() < 0.99 else UNKNOWN
        return Side(account, self._rng.choice((0, 0, 0, COLLATERAL)) if self._rng.random() < 0.99 else 300)

    def _post_again(self) -> None:
        if not self._groups:
            return
        asked = self._rng.choice(self._groups[-200:])
        if self._rng.random() < 0.6:
            first = asked.legs[0]
            changes: tuple[dict[str, Any], ...] = (
                {"signed": not asked.signed},
                {"legs": (first._replace(amount=first.amount + 1), *asked.legs[1:])},
                {"legs": (*asked.legs, first)},
                {"code": 9},
                {"user_data": 7},
            )
            asked = asked._replace(**self._rng.choice(changes))
        self._ask_group(asked)

    def _reverse(self) -> None:
        if not self._groups:
            return
        first = self._rng.choice((self._made if self._made and self._rng.random() < 0.9 else self._groups)[-100:])
        legs = [Leg(leg.credit, leg.debit, leg.currency, leg.amount) for leg in first.legs]
        if self._rng.random() < 0.7:
            legs.reverse()
        if self._rng.random() < 0.1:
            legs[-1] = legs[-1]._replace(amount=legs[-1].amount ^ 1)
        name = first.name if self._rng.random() < 0.95 else "never"
        signed = self._rng.random() < 0.3
        self._ask_group(Group(first.account, f"r-{self.made}", tuple(legs), signed=signed, reverses=name))

    def _ask_group(self, asked: Group) -> None:
        self._groups.append(asked)
        legs = [
            wire.Leg(
                debit_account=leg.debit.owner,
                debit_code=leg.debit.code,
                credit_account=leg.credit.owner,
                credit_code=leg.credit.code,
                currency=leg.currency,
                amount=leg.amount,
            ).encode()
            for leg in asked.legs
        ]
        command = wire.PostGroup(
            account=asked.account,
            group_id=asked.name,
            code=asked.code,
            count=len(legs),
            flags=int(asked.signed),
            user_data=asked.user_data.to_bytes(16, "big"),
            reverses=asked.reverses,
            legs=b"".join(legs),
        )
        if self._ask(command, lambda: self.ledger.post_group(asked)):
            self._made.append(asked)

    # ------------------------------------------------------------------------------------------------- terms

    def _credit(self) -> None:
        account, currency = self._account(), self._currency()
        limit = self._rng.choice((0, 0, 1, self._rng.randrange(10**4), 10**7))
        command = wire.SetCredit(account=account, currency=currency, limit=limit)
        self._ask(command, lambda: self.ledger.set_credit(account, currency, limit))

    def _terms(self) -> None:
        self._ask_terms(self._account(), self._rng.choice((FROZEN, FROZEN, CLOSED, OPEN)))

    def _ask_terms(self, account: int, state: int) -> None:
        command = wire.SetAccountTerms(account=account, state=state)
        if self._ask(command, lambda: self.ledger.set_state(account, state)) and state != OPEN:
            self._shut.append(account)

    def _redefine(self) -> None:
        maker, taker = self._rng.choice(RATES), self._rng.choice(RATES)
        if maker + taker < 0 or taker < 0:
            return
        self._define(
            self._rng.choice(tuple(INSTRUMENTS)), taker, maker, 0 if maker < 0 else self._rng.choice((0, 0, 2))
        )

    def _define(self, number: int, taker: int, maker: int, minimum: int) -> None:
        command, self.orders.terms[number] = define(number, taker, maker, minimum)
        self._do(command)

    def _bust(self) -> None:
        """A trade taken back by its own numbers, moved to another price, or a correction that was made before."""
        if self._busts and self._rng.random() < 0.1:
            self._ask_bust(self._rng.choice(self._busts))
            return
        if not self._fills:
            return
        at = self._rng.choice(self._fills[-100:])
        fill = self.orders.fills[at]
        terms = self.orders.terms[fill.instrument]
        if self._rng.random() < 0.8:
            money = fill.paid, fill.received, fill.buyer_fee, fill.seller_fee
        else:
            exact = self._rng.randrange(-5, 6) * fill.lots * terms.unit
            money = (int(exact), int(exact), 0, 0) if self._rng.random() < 0.9 else (-1, 0, 10**9, 0)
        action = 1 if money[:2] == (fill.paid, fill.received) else 2
        names = fill.buyer, fill.seller, terms.base, terms.quote
        self._ask_bust(Bust(at, action, *names, fill.lots * terms.asset, *money))

    def _ask_bust(self, asked: Bust) -> None:
        self._busts.append(asked)
        fill = self.orders.fills[asked.trade]
        command = wire.BustTrade(
            instrument=fill.instrument,
            trade_sequence=asked.trade[0],
            fill=asked.trade[1],
            action=asked.action,
            buyer=asked.buyer,
            seller=asked.seller,
            price=fill.price,
            quantity=fill.lots,
            paid_back=asked.paid_back,
            received_back=asked.received_back,
            buyer_fee_back=asked.buyer_fee_back,
            seller_fee_back=asked.seller_fee_back,
        )
        self._ask(command, lambda: self.ledger.bust(asked))

    # ------------------------------------------------------------------------------------------------- orders

    def _submit(self) -> None:
        number = self._rng.choice(tuple(INSTRUMENTS))
        _, _, tick, tick_scale, lot, lot_scale, _, middle, most = INSTRUMENTS[number]
        market = self._rng.random() < 0.05
        ticks = middle + self._rng.randrange(-4, 5)
        lots = self._rng.randrange(1, most) if self._rng.random() < 0.95 else self._rng.randrange(1, most * 1_000)
        price = (0, 0) if market else decimal(ticks * tick, tick_scale)
        quantity = decimal(lots * lot, lot_scale)
        command = wire.SubmitOrder(
            instrument=number,
            account=self._account(),
            price=price[0],
            price_scale=price[1],
            quantity=quantity[0],
            quantity_scale=quantity[1],
            side=self._rng.randrange(1, 3),
            order_type=1 if market else 2,
            time_in_force=self._rng.choice((3, 4)) if market else self._rng.choices((1, 3, 4), (80, 12, 8))[0],
            self_trade_prevention=self._rng.randrange(6),
            flags=int(not market and self._rng.random() < 0.05),
            client_id=f"o-{self.made}",
        )
        self._names.append((command.account, command.client_id))
        self._hear(command, self._do(command))

    def _some_order(self) -> tuple[int, dict[str, Any]] | None:
        """Return an account and what names one of its orders: mostly one that works."""
        if self.orders.orders and self._rng.random() < 0.9:
            sequence, slot = self._rng.choice(list(self.orders.orders))
            return self.orders.orders[sequence, slot].account, {"order_sequence": sequence, "order_slot": slot}
        if self._names:
            account, client_id = self._rng.choice(self._names[-200:])
            return account, {"client_id": client_id}
        return None

    def _cancel(self) -> None:
        found = self._some_order()
        if found is None:
            return
        account, name = found
        if self._rng.random() < 0.1:
            command: wire.Command = wire.MassCancel(account=account)
        else:
            command = wire.CancelOrder(account=account, **name)
        self._hear(command, self._do(command))

    def _replace(self) -> None:
        found = self._some_order()
        if found is None:
            return
        account, name = found
        order = self.orders.orders.get((name.get("order_sequence", 0), name.get("order_slot", 0)))
        number = order.terms.number if order is not None else 1
        _, _, tick, tick_scale, lot, lot_scale, _, middle, most = INSTRUMENTS[number]
        fields = self._rng.randrange(1, 4)
        price = decimal((middle + self._rng.randrange(-4, 5)) * tick, tick_scale) if fields & 1 else (0, 0)
        quantity = decimal(self._rng.randrange(1, most) * lot, lot_scale) if fields & 2 else (0, 0)
        command = wire.ReplaceOrder(
            account=account,
            price=price[0],
            price_scale=price[1],
            quantity=quantity[0],
            quantity_scale=quantity[1],
            fields=fields,
            **name,
        )
        self._hear(command, self._do(command))

    def _hear(self, command: wire.Command, events: list[wire.Event]) -> None:
        """Follow the orders of one command, and compare every amount that its events name."""
        taker = 0
        for event in events:
            if isinstance(event, wire.OrderAccepted):
                name, buys = (event.sequence, event.order_slot), event.side == 1
                ours = self.orders.accept(name, event.account, event.instrument, buys, event.price, event.quantity)
                self._same(ours, event.hold, "hold of an accepted order")
            elif isinstance(event, wire.OrderReplaced):
                name = event.order_sequence, event.order_slot
                ours = self.orders.replace(name, event.price, event.leaves)
                self._same(ours, event.hold, "hold of a replaced order")
            elif isinstance(event, wire.OrderCancelled):
                order = self.orders.orders[event.order_sequence, event.order_slot]
                self._same(order.leaves, event.quantity, "lots of a cancelled order")
                ours = self.orders.end((event.order_sequence, event.order_slot))
                self._same(ours, event.released, "what a cancelled order held")
            elif isinstance(event, wire.TradePrinted):
                self._hear_trade(event)
                taker += 1
            elif isinstance(event, wire.OrderRejected):
                self._hear_rejection(event)
        name = f"{type(command).__name__} {type(events[0]).__name__}"
        self.counts[name] = self.counts.get(name, 0) + 1
        self.counts["fills"] = self.counts.get("fills", 0) + taker

    def _hear_trade(self, event: wire.TradePrinted) -> None:
        maker = event.maker_order_sequence, event.maker_slot
        taker = event.taker_order_sequence, event.taker_slot
        orders = self.orders.orders[maker], self.orders.orders[taker]
        fill = self.orders.trade((event.sequence, event.fill), maker, taker, event.price, event.quantity)
        self._fills.append((event.sequence, event.fill))
        fees = (fill.seller_fee, fill.buyer_fee) if orders[1].buys else (fill.buyer_fee, fill.seller_fee)
        ours = fill.paid, fill.received, *fees, orders[0].hold, orders[1].hold, orders[0].leaves, orders[1].leaves
        theirs = event.paid, event.received, event.maker_fee, event.taker_fee
        left = event.maker_hold, event.taker_hold, event.maker_leaves, event.taker_leaves
        self._same(ours, (*theirs, *left), "paid, received, fees, holds and leaves of a fill")

    def _hear_rejection(self, event: wire.OrderRejected) -> None:
        """An order that is refused for want of funds has them not."""
        if event.reason != Reason.NO_FUNDS or event.scope != Scope.ACCOUNT or event.order_type == 1:
            return
        _, _, tick, tick_scale, lot, lot_scale, _, _, _ = INSTRUMENTS[event.instrument]
        ticks = Fraction(event.price, 10**event.price_scale) / Fraction(tick, 10**tick_scale)
        lots = Fraction(event.quantity, 10**event.quantity_scale) / Fraction(lot, 10**lot_scale)
        needs = self.orders.needs(event.account, event.instrument, event.side == 1, int(ticks), int(lots))
        assert needs[0] > needs[1], f"refused with enough (seed {self.seed}, operation {self.made})"
        self._same(needs, (event.actual, event.limit), "what a refused order needs, and what there is")
