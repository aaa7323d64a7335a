"""A narrow market of orders that show a part or nothing, and what can be learnt of it from its events alone."""

import random
from collections import defaultdict
from functools import partial
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.wire import iter_events
from tests.support import stream_batches
from tests.support.streams import Market

HIDDEN, ALL_OR_NONE = 8, 16


class ShownMarket(Market):
    """Few prices, small orders, two instruments: minimums are often met, budgets often spent, pegs often moved."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        makers = [(self._submit_shown, 60), (self._submit, 22), (self._cancel, 8), (self._replace, 6)]
        makers += [
            (partial(stream_batches.batch, self), 3),
            (self._replace_display, 3),
            (self._status, 1),
            (self._redefine, 1),
            (self._sweep, 3),
        ]
        self._makers = [maker for maker, _ in makers]
        self._weights = [weight for _, weight in makers]

    def _status(self) -> wire.Command:
        """Halted, and soon again continuous: what calls do to these orders is another market's business."""
        halts = self._chance(50)
        if halts:
            self._repairs.append(wire.SetInstrumentStatus(instrument=1, status=1))
        return wire.SetInstrumentStatus(instrument=1, status=1 + halts)

    def _sweep(self) -> wire.Command:
        """Take all that one side shows: pegs to it have to wait."""
        sells = self._chance(50)
        return wire.SubmitOrder(
            instrument=2,
            account=self._account(),
            side=1 + sells,
            order_type=2,
            time_in_force=3,
            self_trade_prevention=2,
            price=18 if sells else 42,
            price_scale=2,
            quantity=1_000,
            client_id=f"s-{self._made}",
        )

    def _account(self) -> int:
        return self._rng.randrange(1, 5)

    def _instrument(self) -> int:
        return self._rng.randrange(1, 3)

    def _price(self, instrument: int) -> tuple[int, int]:
        terms = self._definition(instrument)
        return self._decimal(100 + self._rng.randrange(-3, 4), terms.tick, terms.tick_scale)

    def _quantity(self, instrument: int) -> tuple[int, int]:
        terms = self._definition(instrument)
        return self._decimal(self._rng.randrange(1, 12), terms.lot, terms.lot_scale)


class Known:
    """One order as its events tell it; numbers in ticks, lots and minor units."""

    def __init__(self, accepted: wire.OrderAccepted) -> None:
        self.accepted = accepted
        self.price = accepted.price
        self.quantity = self.leaves = accepted.quantity
        self.hold = accepted.hold
        self.terms: wire.TermsAccepted | None = None
        self.spent = 0
        self.shown: int | None = None  # lots of it in its level; None: what it shows first

    @property
    def first_shown(self) -> int:
        """What it shows when it comes to a level."""
        return min(self.terms.display or self.leaves, self.leaves) if self.terms else self.leaves

    def rest(self) -> int:
        """Return what it shows; one that nobody has met since it came to its level shows what it shows first."""
        if self.shown is None:
            self.shown = self.first_shown
        return self.shown

    @property
    def minimum(self) -> int:
        """The least that it trades at a time."""
        if self.accepted.flags2 & ALL_OR_NONE:
            return self.leaves
        return min(self.terms.min_quantity if self.terms else 1, self.leaves)


class Witness:
    """Hears every event; keeps what works, and complains when an event cannot follow from what it has heard."""

    def __init__(self) -> None:
        self.working: dict[tuple[int, int], Known] = {}
        self.taken: dict[tuple[int, int], int] = defaultdict(int)  # by taker, within the command at hand
        self.least: dict[tuple[int, int], int] = {}  # what a taker wanted at least when it began to take
        self.seen: dict[str, int] = defaultdict(int)
        self.halted: set[int] = set()  # instruments in which nothing may trade

    def hear(self, events: bytes) -> None:
        """Learn from the events of one command."""
        self.taken.clear()
        self.least.clear()
        for event in iter_events(events):
            self.seen[type(event).__name__] += 1
            self._learn(event)
        for name, lots in self.taken.items():
            assert lots >= self.least[name], f"{name} took {lots} and wanted {self.least[name]} at least"

    def _learn(self, event: Any) -> None:
        match event:
            case wire.OrderAccepted():
                self.working[event.sequence, event.order_slot] = Known(event)
            case wire.TermsAccepted():
                self.working[event.order_sequence, event.order_slot].terms = event
            case wire.OrderReplaced():
                order = self.working[event.order_sequence, event.order_slot]
                filled = order.quantity - order.leaves
                assert event.quantity - event.leaves == filled, event
                # Lots that go come from the reserve first; who loses his place shows what he shows first.
                kept = event.priority_kept and order.shown is not None
                order.shown = min(order.rest(), event.leaves) if kept else None
                order.quantity, order.leaves = event.quantity, event.leaves
                order.price, order.hold = event.price, event.hold
            case wire.OrderEntered():
                order = self.working[event.order_sequence, event.order_slot]
                assert event.leaves == order.leaves, event
                order.price, order.shown = event.price, event.shown
                assert order.shown == order.first_shown, event
            case wire.InstrumentStatusChanged() | wire.InstrumentDefined():
                (self.halted.discard if event.status == 1 else self.halted.add)(event.instrument)
            case wire.OrderRefilled():
                order = self.working[event.order_sequence, event.order_slot]
                assert order.terms is not None
                least = order.terms.display - order.terms.display_range
                assert min(least, event.leaves) <= event.shown <= order.terms.display, event
                assert event.leaves == order.leaves, event
                assert order.shown == 0, event
                order.shown = event.shown
            case wire.OrderCancelled():
                order = self.working.pop((event.order_sequence, event.order_slot))
                assert (event.quantity, event.released) == (order.leaves, order.hold), event
            case wire.TradePrinted():
                self._trade(event)

    def _trade(self, event: wire.TradePrinted) -> None:
        maker_name = (event.maker_order_sequence, event.maker_slot)
        taker_name = (event.taker_order_sequence, event.taker_slot)
        maker, taker = self.working[maker_name], self.working[taker_name]
        assert event.price == maker.price, event
        assert event.quantity >= maker.minimum, f"{event} against a minimum of {maker.minimum}"
        assert not taker.accepted.flags2 & 1, f"a post_only order takes: {event}"
        assert taker.accepted.order_type != 10, f"a peg takes: {event}"
        maker.shown = maker.rest() - event.quantity
        assert maker.shown >= 0, event
        taker.shown = None  # on its way
        self.least.setdefault(taker_name, taker.minimum)
        self.taken[taker_name] += event.quantity
        for name, order, leaves, hold in (
            (maker_name, maker, event.maker_leaves, event.maker_hold),
            (taker_name, taker, event.taker_leaves, event.taker_hold),
        ):
            order.leaves -= event.quantity
            assert order.leaves == leaves >= 0, event
            order.hold = hold
            if leaves == 0:
                del self.working[name]
        taker.spent += event.paid + event.taker_fee
        if taker.terms is not None and taker.terms.budget:
            assert taker.spent + event.taker_hold <= taker.terms.budget, event
