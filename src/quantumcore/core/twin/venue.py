"""Everything that the engine remembers, and the few changes that several commands share."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import codes, links
from quantumcore.core.twin.accounts import Account, House
from quantumcore.core.twin.book import BUY, SELL, Book, Order, Place
from quantumcore.core.twin.client_ids import ActionRecord, Fate, GroupRecord, Submissions, TransferRecord
from quantumcore.core.twin.guards import Guards
from quantumcore.core.twin.hold_ids import Holds
from quantumcore.core.twin.instruments import Currency, Instrument
from quantumcore.core.twin.limit_records import LimitRecords
from quantumcore.core.twin.margin_records import MarginRecords
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.regime import Regime

DEFAULT_MAX_OPEN_ORDERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one engine may hold: beyond it CAPACITY is answered, so the bounds are part of its meaning.

    Attributes:
        max_groups, max_legs: Of groups of transfers, whose ids are remembered for ever, and of all their legs together.
        max_holds: Of holds that clients place, whose ids are remembered for ever too.
        max_balances: Of (account, currency): one for each that ever had an amount or an order. With so many positions of
            (account, instrument) nothing more is accepted; what works then goes on, and without accounting opens its own.
        max_windows: Of stretches of prices in which orders rest, over all books.
        max_limits: Of records of limits, of each of both kinds.
        accounting: Whether there is money; without it the engine is a matcher that remembers no client ids (engine.md section 9).
    """

    max_orders: int = 4_194_304
    max_accounts: int = 16_777_216
    max_client_ids: int = 16_777_216
    max_transfers: int = 16_777_216
    max_groups: int = 4_194_304
    max_legs: int = 16_777_216
    max_holds: int = 4_194_304
    max_balances: int = 33_554_432
    max_windows: int = 16_384
    max_limits: int = 262_144
    accounting: bool = True


class Slots:
    """Numbers for working orders: the one freed last is taken first, new ones ascend from 0."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._freed: list[int] = []
        self._unused = 0

    @property
    def left(self) -> int:
        """How many may still be taken."""
        return self._capacity - self._unused + len(self._freed)

    def take(self) -> int:
        """Return a slot and mark it taken."""
        if self._freed:
            return self._freed.pop()
        self._unused += 1
        return self._unused - 1

    def free(self, slot: int) -> None:
        """Give `slot` back."""
        self._freed.append(slot)


class Venue:
    """The state of the engine.

    Attributes:
        working: By account, its working orders by name: in the order of their acceptance.
        sequence, now_ns: Of the command at hand.
        deadlines: By account, when its orders go unless it is heard again, UTC nanoseconds; who set none is not there.
        regimes: By instrument, how it trades now.
        touched: Instruments in which the command at hand has changed anything.
        freed: Links whose parent is done: their members may become active.
        holds: What clients have placed.
        positions: By account and instrument, lots bought less lots sold, since its first order; as actions left them.
        adjusted: By instrument, lots that actions have added to all positions together.
        actions: By its id, what was done to all who held.
        groups, legs: By whose id it is and the id, what was posted; and how many legs that were in all.
        busts: By sequence and fill of a trade, the sequence of the command that corrected it.
        max_open_orders: Of an account that has no limit of its own, or None.
        limits: Records of limits, and what firms have drawn by fills.
        killed: The mode of the venue's kill switch.
        guards: Who may, and how often.
        margin: What positions need, and the days of accounts.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.currencies: dict[int, Currency] = {}
        self.instruments: dict[int, Instrument] = {}
        self.books: dict[int, Book] = {}
        self.accounts: dict[int, Account] = {}
        self.regimes: dict[int, Regime] = defaultdict(Regime)
        self.houses: dict[int, House] = defaultdict(House)
        self.working: dict[int, dict[tuple[int, int], Order]] = defaultdict(dict)
        self.deadlines: dict[int, int] = {}
        self.sequence = 0
        self.now_ns = 0
        self.touched: set[int] = set()
        self.freed: list[links.Link] = []
        self.positions: dict[tuple[int, int], int] = {}
        self.adjusted: dict[int, int] = defaultdict(int)
        self.busts: dict[tuple[int, int], int] = {}
        self.actions: dict[str, ActionRecord] = {}
        self.submissions = Submissions()
        self.transfers: dict[tuple[int, str], TransferRecord] = {}
        self.groups: dict[tuple[int, str], GroupRecord] = {}
        self.legs = 0
        self.holds = Holds()
        self.slots = Slots(bounds.max_orders)
        self.max_open_orders: int | None = DEFAULT_MAX_OPEN_ORDERS
        self.limits = LimitRecords()
        self.killed = 0
        self.guards = Guards()
        self.margin = MarginRecords()

    def account(self, number: int) -> Account:
        """Return a known account; raises UNKNOWN_ACCOUNT."""
        if number not in self.accounts:
            raise Refusal(Reason.UNKNOWN_ACCOUNT, Scope.ACCOUNT)
        return self.accounts[number]

    def instrument(self, number: int) -> Instrument:
        """Return a known instrument; raises UNKNOWN_SYMBOL."""
        if number not in self.instruments:
            raise Refusal(Reason.UNKNOWN_SYMBOL, Scope.INSTRUMENT)
        return self.instruments[number]

    def status(self, number: int) -> int:
        """Return the phase in which an instrument is."""
        return self.instruments[number].terms.status

    @property
    def open_orders(self) -> int:
        """How many orders work."""
        return sum(len(working) for working in self.working.values())

    def orders(self) -> Iterator[Order]:
        """Yield every working order, account by account."""
        for working in self.working.values():
            yield from working.values()

    def orders_in(self, number: int) -> list[Order]:
        """Return the working orders of an instrument in order of submission."""
        return sorted((order for order in self.orders() if order.instrument == number), key=lambda order: order.name)

    def works(self, order: Order) -> bool:
        """Tell whether `order` still works; what ends one may end others with it."""
        return order.name in self.working[order.account]

    def prevents(self, taker: Order, resting: Order) -> bool:
        """Tell whether `taker` may not trade with `resting`, which is of the same account, or of one of the same group."""
        group = self.accounts[taker.account].group
        one_party = taker.account == resting.account or (group != 0 and group == self.accounts[resting.account].group)
        return one_party and taker.mode != codes.NO_PREVENTION

    @property
    def balances_left(self) -> int:
        """How many more balances may come into being."""
        there = sum(len(account.balances) + len(account.collateral) for account in self.accounts.values())
        return self.bounds.max_balances - there

    @property
    def windows_left(self) -> int:
        """How many more stretches of prices may hold orders."""
        levels = [levels for book in self.books.values() for levels in (book, book.dark)]
        used = sum(len(each.windows(side)) for each in levels for side in (BUY, SELL))
        return self.bounds.max_windows - used

    @property
    def submissions_left(self) -> int:
        """How many more submissions can be remembered."""
        return self.bounds.max_client_ids - len(self.submissions)

    def hold_currency(self, order: Order) -> int:
        """Return the currency in which `order` holds: the quote for a buy, the base for a sell; 0 without accounting."""
        if not self.bounds.accounting:
            return 0
        terms = self.instruments[order.instrument].terms
        return terms.quote if order.side == BUY else terms.base

    def rehold(self, order: Order) -> int:
        """Bring the hold of `order` to what it needs as it stands now; return what became free (negative: was added)."""
        if not self.bounds.accounting:
            return 0
        needed = order.needed_hold(self.instruments[order.instrument])
        freed = order.hold - needed
        self.accounts[order.account].hold(self.hold_currency(order), -freed)
        order.hold = needed
        return freed

    def finish(self, order: Order, fate: Fate) -> None:
        """Forget an order that is final and holds nothing, wherever it is."""
        links.part(self, order)
        self.leave(order)
        del self.working[order.account][order.name]
        self.books[order.instrument].pegs.pop(order.name, None)
        if self.bounds.accounting:
            self.submissions.settle(order.sequence, order.slot, fate)
        self.slots.free(order.slot)

    def leave(self, order: Order) -> None:
        """Take `order` out of wherever it is."""
        self.touched.add(order.instrument)
        if order.place is Place.LIT:
            self.books[order.instrument].remove(order)
        elif order.place is Place.DARK:
            self.books[order.instrument].dark.remove(order)
        elif order.place is Place.WAITING:
            self.books[order.instrument].watch.forget(order)
        order.place, order.reserve = Place.NOWHERE, 0

    def cancel(self, order: Order, reason: int, out: Outbox) -> None:
        """End `order` with what is left of it unfilled, and tell it; then those that end with it."""
        linked = links.part(self, order)
        lots = order.leaves
        order.leaves = 0
        released = self.rehold(order)
        out.tell(
            wire.OrderCancelled,
            instrument=order.instrument,
            account=order.account,
            order_sequence=order.sequence,
            quantity=lots,
            released=released,
            order_slot=order.slot,
            reason=reason,
            hold_currency=self.hold_currency(order),
        )
        self.finish(order, Fate.CANCELLED)
        for other in linked:
            self.cancel(other, codes.LINKED, out)

    def cancel_all(self, orders: list[Order], reason: int, out: Outbox) -> int:
        """End `orders` in turn; return how many ended, those that were linked to one of them too."""
        before = self.open_orders
        for order in orders:
            if self.works(order):
                self.cancel(order, reason, out)
        return before - self.open_orders
