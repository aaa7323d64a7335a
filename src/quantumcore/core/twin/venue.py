"""Everything that the engine remembers, and the few changes that several commands share."""

from collections import defaultdict
from dataclasses import dataclass

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin.accounts import Account, House
from quantumcore.core.twin.book import BUY, SELL, Book, Order, Place
from quantumcore.core.twin.client_ids import Fate, Submissions, TransferRecord
from quantumcore.core.twin.instruments import Currency, Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal

DEFAULT_MAX_OPEN_ORDERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one engine may hold: beyond it CAPACITY is answered, so the bounds are part of its meaning.

    Attributes:
        max_balances: Of (account, currency): one for each that ever had an amount or an order.
        max_windows: Of stretches of prices in which orders rest, over all books.
        accounting: Whether there is money; without it the engine is a matcher that remembers no client ids (engine.md section 9).
    """

    max_orders: int = 4_194_304
    max_accounts: int = 16_777_216
    max_client_ids: int = 16_777_216
    max_transfers: int = 16_777_216
    max_balances: int = 33_554_432
    max_windows: int = 16_384
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
        touched: Instruments in which the command at hand has changed anything.
        max_open_orders: The default profile's limit.
        killed: Whether the venue's kill switch is engaged.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.currencies: dict[int, Currency] = {}
        self.instruments: dict[int, Instrument] = {}
        self.books: dict[int, Book] = {}
        self.accounts: dict[int, Account] = {}
        self.houses: dict[int, House] = defaultdict(House)
        self.working: dict[int, dict[tuple[int, int], Order]] = defaultdict(dict)
        self.touched: set[int] = set()
        self.submissions = Submissions()
        self.transfers: dict[tuple[int, str], TransferRecord] = {}
        self.slots = Slots(bounds.max_orders)
        self.max_open_orders = DEFAULT_MAX_OPEN_ORDERS
        self.killed = False

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

    @property
    def balances_left(self) -> int:
        """How many more balances may come into being."""
        return self.bounds.max_balances - sum(len(account.balances) for account in self.accounts.values())

    @property
    def windows_left(self) -> int:
        """How many more stretches of prices may hold orders."""
        used = sum(len(book.windows(side)) for book in self.books.values() for side in (BUY, SELL))
        return self.bounds.max_windows - used

    @property
    def remembers_more(self) -> bool:
        """Whether another submission can be remembered."""
        return len(self.submissions) < self.bounds.max_client_ids

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
        """Forget an order that is final; it rests no more and holds nothing."""
        del self.working[order.account][order.name]
        if self.bounds.accounting:
            self.submissions.settle(order.sequence, order.slot, fate)
        self.slots.free(order.slot)

    def leave(self, order: Order) -> None:
        """Take `order` out of wherever it is."""
        self.touched.add(order.instrument)
        if order.place is Place.LIT:
            self.books[order.instrument].remove(order)

    def cancel(self, order: Order, reason: int, out: Outbox) -> None:
        """End `order` with what is left of it unfilled, and tell it."""
        lots = order.leaves
        self.leave(order)
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
