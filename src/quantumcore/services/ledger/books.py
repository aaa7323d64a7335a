"""The books while a batch of events is entered: loaded, changed, and then saved or thrown away as one.

Pure but for the two loaders, which bring accounts and holds that are not here yet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec.structs import replace

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.contracts.wire import (
    AccountOpened,
    AccountTermsChanged,
    ActionApplied,
    CreditChanged,
    Event,
    GroupNoted,
    GroupPosted,
    HoldChanged,
    InstrumentDefined,
    OrderAccepted,
    OrderCancelled,
    OrderReplaced,
    OrdersLinked,
    PositionAdjusted,
    PositionTaken,
    StopMoved,
    TradeBusted,
    TradePrinted,
    TransferMade,
    TransferPosted,
)
from quantumcore.services.ledger.actions import adjusted_legs, applied_legs
from quantumcore.services.ledger.conversions import Record, record_of
from quantumcore.services.ledger.domain import (
    CUSTOMER_ASSETS,
    CUSTOMER_CASH,
    CUSTOMER_CODES,
    HOUSE,
    NO_CREDIT,
    Account,
    AccountKey,
    ClientHold,
    Credit,
    Hold,
    Standing,
)
from quantumcore.services.ledger.postings import (
    BUY,
    Leg,
    Why,
    bust_legs,
    check_group,
    fill_legs,
    made_leg,
    taken_legs,
    transfer_legs,
)

HOLD_PLACED = 1  # causes of HoldChanged
HOLD_PARTS = {HOLD_PLACED: "placed", 2: "placed", 3: "captured", 4: "released", 5: "released", 6: "released"}

Name = tuple[int, int]
"""(sequence, slot) of an order."""


class EntryRow(NamedTuple):
    """One leg as it is written.

    Attributes:
        reference: The fill's number within its sequence, the transfer's id, or of a bust `sequence.fill` of its trade; empty
            of a position that was taken over.
    """

    sequence: int
    event_index: int
    leg: Leg
    reference: str
    time_ns: int


class Transaction(NamedTuple):
    """A group as it is written, with its text; bytes that are no UTF-8 are replaced."""

    posted: GroupPosted
    text: str


class Needs(NamedTuple):
    """What a batch touches: owners of accounts, orders by their names, and holds of clients by the commands that placed them."""

    owners: set[int]
    orders: set[Name]
    client_holds: set[int]


@dataclass(slots=True)
class Books:
    """What stands, as loaded, and what a batch has changed of it.

    Attributes:
        accounts, holds: What stands; a hold of an ended order may stand here too.
        codes: Customer code of every currency that has moved. It is decided by the first movement and stays.
        bases, quotes: Currencies that some instrument has on that side.
        client_holds: By the command that placed it, what clients have set aside.
        credits: By customer and currency, how far below zero the balance may be.
        states: By account; who is not there is open.
        instruments: Units of what may be traded, for what a bust gives back.
        currencies: Units of money, for what a conversion leaves.
        stood, stood_holds: What of it was there before the batch.
    """

    accounts: dict[AccountKey, Account]
    holds: dict[Name, Hold]
    codes: dict[int, int]
    bases: set[int]
    quotes: set[int]
    credits: dict[tuple[int, int], Credit] = field(default_factory=dict)
    states: dict[int, Standing] = field(default_factory=dict)
    client_holds: dict[int, ClientHold] = field(default_factory=dict)
    instruments: Mapping[int, Instrument] = field(default_factory=dict)
    currencies: Mapping[int, Currency] = field(default_factory=dict)
    stood: frozenset[AccountKey] = frozenset()
    stood_holds: frozenset[Name] = frozenset()
    stood_credits: frozenset[tuple[int, int]] = frozenset()
    stood_states: frozenset[int] = frozenset()
    stood_client_holds: frozenset[int] = frozenset()
    controls: dict[tuple[int, int], Account] = field(default_factory=dict)
    touched: set[AccountKey] = field(default_factory=set)
    touched_holds: set[Name] = field(default_factory=set)
    touched_client_holds: set[int] = field(default_factory=set)
    entries: list[EntryRow] = field(default_factory=list)
    transfers: list[TransferPosted] = field(default_factory=list)
    opened: list[AccountOpened] = field(default_factory=list)
    touched_states: set[int] = field(default_factory=set)
    transactions: list[Transaction] = field(default_factory=list)
    conversions: list[Record] = field(default_factory=list)
    touched_credits: set[tuple[int, int]] = field(default_factory=set)
    made: list[TransferMade] = field(default_factory=list)
    adjusted: list[PositionAdjusted] = field(default_factory=list)
    note: str = ""
    new_codes: set[int] = field(default_factory=set)
    new_sides: bool = False

    def __post_init__(self) -> None:
        self.stood = frozenset(self.accounts)
        self.stood_holds = frozenset(self.holds)
        self.stood_credits = frozenset(self.credits)
        self.stood_states = frozenset(self.states)
        self.stood_client_holds = frozenset(self.client_holds)

    def enter(self, events: Iterable[Event]) -> None:
        """Enter `events` in order.

        Raises:
            Corrupted: An event that cannot follow from what stands; it is named by its position.
        """
        sequence = 0
        for event in events:
            sequence = event.sequence
            entering = _ENTER.get(type(event))
            if entering is None:
                continue
            try:
                entering(self, event)
            except Corrupted as error:
                raise Corrupted(error.code, f"at {event.sequence}.{event.index}: {error.detail}") from error
        for control in self.controls.values():
            control.changed = sequence

    def code_of(self, currency: int) -> int:
        """Return the customers' code of `currency`: 210 if it is the base of an instrument and the quote of none, else 200."""
        known = self.codes.get(currency)
        if known is None:
            only_traded = currency in self.bases and currency not in self.quotes
            known = self.codes[currency] = CUSTOMER_ASSETS if only_traded else CUSTOMER_CASH
            self.new_codes.add(currency)
        return known

    def _trade(self, trade: TradePrinted) -> None:
        buys = trade.taker_side == BUY
        maker, taker = trade.maker_order_sequence, trade.taker_order_sequence
        for name, remains, leaves, fee, buyer in (
            ((maker, trade.maker_slot), trade.maker_hold, trade.maker_leaves, trade.maker_fee, not buys),
            ((taker, trade.taker_slot), trade.taker_hold, trade.taker_leaves, trade.taker_fee, buys),
        ):
            used = trade.paid + max(fee, 0) if buyer else trade.asset
            self._hold(self._known(name).capture(used, remains, done=leaves == 0), trade.sequence)
        self._post(trade, fill_legs(trade, self.code_of), str(trade.fill))

    def _transfer(self, posted: TransferPosted) -> None:
        legs = transfer_legs(posted, self.code_of)
        self._post(posted, legs, posted.transfer_id)
        own = self.accounts[AccountKey(posted.account, posted.currency, self.code_of(posted.currency))]
        stands = (own.credits - own.debits, own.held)
        if stands != (posted.total, posted.held):
            raise Corrupted("ledger.impossible", f"the engine has {(posted.total, posted.held)}, the ledger {stands}")
        self.transfers.append(posted)

    def _accepted(self, order: OrderAccepted) -> None:
        if (order.sequence, order.order_slot) in self.holds:
            raise Corrupted("ledger.impossible", f"order {order.sequence} has a hold already")
        hold = Hold(
            order=order.sequence,
            slot=order.order_slot,
            account=order.account,
            currency=order.hold_currency,
            placed=order.hold,
        )
        self._add_held(hold, hold.open, order.sequence)

    def _replaced(self, order: OrderReplaced) -> None:
        self._hold(self._known((order.order_sequence, order.order_slot)).amend(order.hold), order.sequence)

    def _cancelled(self, order: OrderCancelled) -> None:
        self._hold(self._known((order.order_sequence, order.order_slot)).release(order.released), order.sequence)

    def _stop_moved(self, order: StopMoved) -> None:
        self._hold(self._known((order.order_sequence, order.order_slot)).amend(order.hold), order.sequence)

    def _linked(self, event: OrdersLinked) -> None:
        for slot in event.slots:
            self._hold(replace(self._known((event.sequence, slot)), linked=True), event.sequence)

    def _busted(self, bust: TradeBusted) -> None:
        instrument = self.instruments.get(bust.instrument)
        if instrument is None:
            raise Corrupted("ledger.impossible", f"instrument {bust.instrument} was never defined")
        self._post(bust, bust_legs(bust, instrument, self.code_of), f"{bust.trade_sequence}.{bust.fill}")

    def _taken(self, event: PositionTaken) -> None:
        self._post(event, taken_legs(event, self.code_of), "")

    def _made(self, event: TransferMade) -> None:
        self.made.append(event)

    def _noted(self, event: GroupNoted) -> None:
        self.note = event.text.rstrip(b"\0").decode(errors="replace")

    def _grouped(self, posted: GroupPosted) -> None:
        """Book the transfers that were told before, one after the other, as the engine judged them."""
        made, self.made = self.made, []
        if len(made) != posted.count:
            raise Corrupted("ledger.impossible", f"a group of {posted.count} has {len(made)} transfers")
        converted = record_of(posted, self.note, made, self.currencies)
        if converted is not None:
            self.conversions.append(converted)
        why = Why.REVERSED if posted.reverses else Why.CONVERTED if converted else Why.POSTED
        for event in made:
            leg = made_leg(event, why, self.code_of)
            self._post(event, [leg], posted.group_id, signed=bool(event.flags2))
            stands = tuple(self.accounts[key].balance(key.code) for key in (leg.debit, leg.credit))
            if stands != (event.debit_total, event.credit_total):
                engine = (event.debit_total, event.credit_total)
                raise Corrupted("ledger.impossible", f"the engine has {engine}, the ledger {stands}")
        self.transactions.append(Transaction(posted, self.note))
        self.note = ""

    def _adjusted(self, event: PositionAdjusted) -> None:
        self.adjusted.append(event)

    def _applied(self, event: ActionApplied) -> None:
        """Book what an action did to each account, which was told before, as for two persons: it asked nobody."""
        adjusted, self.adjusted = self.adjusted, []
        if len(adjusted) != event.count:
            raise Corrupted("ledger.impossible", f"an action on {event.count} accounts has touched {len(adjusted)}")
        for one in adjusted:
            self._post(one, adjusted_legs(one, self.instruments, self.code_of), event.action_id, signed=True)
        self._post(event, applied_legs(event), event.action_id)

    def _credit(self, event: CreditChanged) -> None:
        name = (event.account, event.currency)
        code = self.codes.get(event.currency)  # nothing of it has moved yet: this is no movement either
        account = self.accounts.get(AccountKey(*name, code)) if code is not None else None
        used = account.held - account.credits + account.debits if account is not None else 0
        self.credits[name] = Credit(event.limit, max(event.limit, used), event.sequence)
        self.touched_credits.add(name)

    def _terms(self, event: AccountTermsChanged) -> None:
        self.states[event.account] = Standing(event.state, event.sequence)
        self.touched_states.add(event.account)

    def _opened(self, event: AccountOpened) -> None:
        self.opened.append(event)

    def _instrument(self, event: InstrumentDefined) -> None:
        self.bases.add(event.base)
        self.quotes.add(event.quote)
        self.new_sides = True

    def _known(self, name: Name) -> Hold:
        hold = self.holds.get(name)
        if hold is None:
            raise Corrupted("ledger.impossible", f"order {name[0]} has no hold")
        return hold

    def _hold(self, hold: Hold, sequence: int) -> None:
        self._add_held(hold, hold.open - self.holds[hold.name].open, sequence)

    def _add_held(self, hold: Hold, amount: int, sequence: int) -> None:
        self.holds[hold.name] = hold
        self.touched_holds.add(hold.name)
        self._reserve(hold.account, hold.currency, amount, sequence)

    def _reserve(self, owner: int, currency: int, amount: int, sequence: int) -> int:
        """Hold so much more (negative: less) of a balance; return what it holds then."""
        code = self.code_of(currency)
        key = AccountKey(owner, currency, code)
        account = self._account(key, sequence)
        account.held += amount
        self._check(key)
        self._control(currency, code).held += amount
        return account.held

    def _held(self, event: HoldChanged) -> None:
        """Follow a client's hold, and see that the engine has it so too."""
        stood = self.client_holds.get(event.hold_sequence)
        if (stood is None) != (event.cause == HOLD_PLACED):
            raise Corrupted("ledger.impossible", f"hold {event.hold_sequence} was placed twice, or never")
        if stood is None:
            stood = ClientHold(
                sequence=event.hold_sequence,
                account=event.account,
                hold_id=event.hold_id,
                currency=event.currency,
                expires_ns=event.expires_ns,
            )
        hold = stood.after(**{HOLD_PARTS[event.cause]: event.amount}, changed=event.sequence)
        self.client_holds[hold.sequence] = hold
        self.touched_client_holds.add(hold.sequence)
        held = self._reserve(hold.account, hold.currency, hold.open - stood.open, event.sequence)
        ours = (hold.placed, hold.captured, hold.released, held)
        theirs = (event.placed, event.captured, event.released, event.held)
        if ours != theirs:
            raise Corrupted("ledger.impossible", f"the engine has {theirs}, the ledger {ours}")

    def _check(self, key: AccountKey, *, signed: bool = False) -> None:
        """Raise Corrupted if no engine can have left an account so; what two persons signed may go below its credit."""
        if key.owner == HOUSE or key.code not in CUSTOMER_CODES:
            self.accounts[key].check(key)
            return
        account, name = self.accounts[key], (key.owner, key.currency)
        credit = self.credits.get(name, NO_CREDIT)
        used = account.held - account.credits + account.debits
        if signed and used > credit.floor:
            credit = self.credits[name] = Credit(credit.limit, used, credit.changed)
            self.touched_credits.add(name)
        account.check(key, credit.floor)

    def _post(self, event: Event, legs: Sequence[Leg], reference: str, *, signed: bool = False) -> None:
        check_group(legs)
        sequence, index, time_ns = event.sequence, event.index, event.time_ns
        for leg in legs:
            debit, credit, amount = leg.debit, leg.credit, leg.amount
            self._account(debit, sequence).debits += amount
            self._account(credit, sequence).credits += amount
            if debit.owner != HOUSE:
                self._control(debit.currency, debit.code).debits += amount
            if credit.owner != HOUSE:
                self._control(credit.currency, credit.code).credits += amount
            self.entries.append(EntryRow(sequence, index, leg, reference, time_ns))
        for leg in legs:
            self._check(leg.debit, signed=signed and leg.amount > 0)

    def _account(self, key: AccountKey, sequence: int) -> Account:
        account = self.accounts.get(key)
        if account is None:
            account = self.accounts[key] = Account()
        account.changed = sequence
        self.touched.add(key)
        return account

    def _control(self, currency: int, code: int) -> Account:
        """Return the sum over all customers; its `changed` is set once, at the end of the batch."""
        control = self.controls.get((currency, code))
        if control is None:
            key = AccountKey(HOUSE, currency, code)
            control = self.controls[currency, code] = self._account(key, 0)
        return control

    @property
    def moved(self) -> list[int]:
        """Customers whose balances or holds have changed, ascending."""
        lent = {owner for owner, _ in self.touched_credits}
        return sorted({key.owner for key in self.touched if key.owner != HOUSE} | lent)


_ENTER: dict[type[Event], Callable[[Books, Any], None]] = {
    TradePrinted: Books._trade,  # noqa: SLF001  # the table of contents of this class
    TransferPosted: Books._transfer,  # noqa: SLF001
    OrderAccepted: Books._accepted,  # noqa: SLF001
    OrderReplaced: Books._replaced,  # noqa: SLF001
    OrderCancelled: Books._cancelled,  # noqa: SLF001
    StopMoved: Books._stop_moved,  # noqa: SLF001
    OrdersLinked: Books._linked,  # noqa: SLF001
    TradeBusted: Books._busted,  # noqa: SLF001
    PositionTaken: Books._taken,  # noqa: SLF001
    TransferMade: Books._made,  # noqa: SLF001
    GroupNoted: Books._noted,  # noqa: SLF001
    GroupPosted: Books._grouped,  # noqa: SLF001
    HoldChanged: Books._held,  # noqa: SLF001
    CreditChanged: Books._credit,  # noqa: SLF001
    PositionAdjusted: Books._adjusted,  # noqa: SLF001
    ActionApplied: Books._applied,  # noqa: SLF001
    AccountTermsChanged: Books._terms,  # noqa: SLF001
    AccountOpened: Books._opened,  # noqa: SLF001
    InstrumentDefined: Books._instrument,  # noqa: SLF001
}


def needs(events: Iterable[Event]) -> Needs:
    """Return what must stand in the books before `events` are entered."""
    owners: set[int] = {HOUSE}
    orders: set[Name] = set()
    client_holds: set[int] = set()
    for event in events:
        match event:
            case TradePrinted():
                owners |= {event.account, event.maker_account}
                orders.add((event.maker_order_sequence, event.maker_slot))
                orders.add((event.taker_order_sequence, event.taker_slot))
            case OrderAccepted():
                owners.add(event.account)
                orders.add((event.sequence, event.order_slot))
            case OrderReplaced() | OrderCancelled() | StopMoved():
                owners.add(event.account)
                orders.add((event.order_sequence, event.order_slot))
            case OrdersLinked():
                owners.add(event.account)
                orders |= {(event.sequence, slot) for slot in event.slots}
            case TradeBusted():
                owners |= {event.buyer, event.seller}
            case PositionTaken():
                owners |= {event.account, event.taker}
            case TransferPosted():
                owners |= {event.account, event.to_account}
            case TransferMade():
                owners |= {event.debit_account, event.credit_account}
            case HoldChanged():
                owners.add(event.account)
                client_holds.add(event.hold_sequence)
            case CreditChanged() | AccountTermsChanged() | PositionAdjusted():
                owners.add(event.account)
            case _:
                pass
    return Needs(owners, orders, client_holds)
