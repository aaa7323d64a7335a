"""The engine: commands in, events out. One deterministic machine without clock, randomness or threads.

buffer ──frames──▶ command ──read──▶ judge ──▶ apply ──▶ events ──▶ hash
                      │ bad content    │ refused: CommandRefused or OrderRejected, nothing changed
                      └───────────────▶┘
"""

from collections.abc import Callable
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.margin import MarginStanding
from quantumcore.contracts.reasons import Reason
from quantumcore.core.twin import (
    account_terms,
    actions,
    aftermath,
    batches,
    busts,
    changes,
    content,
    definitions,
    entitlements,
    expiry,
    exposure,
    groups,
    holds,
    invariants,
    limits,
    linked,
    margin_acts,
    orders,
    patterns,
    phase_changes,
    postings,
    preview,
    protections,
    references,
    restrictions,
    rules,
    state_hash,
    switches,
    takeovers,
    throttles,
    transfers,
    triggers,
)
from quantumcore.core.twin.accounts import BANK, CHART, COLLATERAL, CUSTODY, FEE_INCOME, REBATES_PAID, ROUNDING
from quantumcore.core.twin.answers import tell_done
from quantumcore.core.twin.book import BUY, SELL, Order
from quantumcore.core.twin.limits import firm_key
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Bounds, Venue

Handler = Callable[[Venue, Any, Outbox], None]


class Engine:
    """The readable engine; it answers every command with at least one event. Its keywords are the fields of `Bounds`.

    Attributes:
        sequence: Of the last command, from 1; 0 before the first.
        time_ns: Of the last command, UTC nanoseconds.
    """

    def __init__(self, *, accounting: bool = True, **bounds: int) -> None:
        self.sequence = 0
        self.time_ns = 0
        self._venue = Venue(Bounds(accounting=accounting, **bounds))
        self._hash = state_hash.K0

    def step(self, commands: bytes, time_ns: int) -> bytes:
        """Judge and apply each command of the buffer in turn; return the events.

        Raises:
            InvalidCommand: The buffer cannot be cut into commands; nothing happened.
        """
        return b"".join([self._one(raw, time_ns) for raw in content.frames(bytes(commands))])

    def _one(self, raw: bytes, time_ns: int) -> bytes:
        self.sequence += 1
        self.time_ns = max(self.time_ns, time_ns)
        self._venue.sequence, self._venue.now_ns = self.sequence, self.time_ns
        out = Outbox(self.sequence, self.time_ns)
        try:
            command = content.read(raw, _HANDLERS)
            if isinstance(command, _OF_MONEY) and not self._venue.bounds.accounting:
                raise Refusal(Reason.BAD_COMMAND)  # without money it is no command at all
        except Refusal as refusal:
            kind, instrument, account = content.header_of(raw)
            _tell_refused(out, kind, instrument, account, refusal)
        else:
            try:
                self._venue.touched.clear()
                _HANDLERS[command.KIND](self._venue, command, out)
                aftermath.run(self._venue, out)
            except Refusal as refusal:
                named = _named(command, refusal)
                _tell_refused(out, command.KIND, command.instrument, command.account, refusal, **named)
        events = out.seal()
        for event in events:
            self._hash = state_hash.hash_after(self._hash, event)
        return b"".join(events)

    # -------------------------------------------------------------------------------------------- queries

    def state_hash(self) -> int:
        """Return the hash of every event so far."""
        return self._hash

    def depth(self, instrument: int, side: int, n: int) -> list[tuple[int, int, int]]:
        """Return (ticks, lots, orders) of the best `n` levels, best first."""
        book = self._venue.books.get(instrument)
        if book is None:
            return []
        prices = book.prices(side)[:n]
        return [(price, book.level_quantity(side, price), len(book.level(side, price))) for price in prices]

    def orders(self, instrument: int, side: int) -> list[tuple[int, int, int, int, int]]:
        """Return (order_sequence, slot, account, ticks, leaves) of what rests, in order of priority."""
        book = self._venue.books.get(instrument)
        if book is None:
            return []
        return [(o.sequence, o.slot, o.account, o.price, o.leaves) for o in book.in_priority(side)]

    def order(self, order_sequence: int, slot: int) -> tuple[int, int, int, int, int, int, int] | None:
        """Return (instrument, account, side, ticks, quantity, leaves, hold) of a working order, or None."""
        o = self._working(order_sequence, slot)
        return None if o is None else (o.instrument, o.account, o.side, o.price, o.quantity, o.leaves, o.hold)

    def queue(self, order_sequence: int, slot: int) -> tuple[int, int] | None:
        """Return (orders, lots) shown on its side that would trade before the order; None when it does not rest."""
        order = self._working(order_sequence, slot)
        return None if order is None else self._venue.books[order.instrument].ahead_of(order)

    def _working(self, order_sequence: int, slot: int) -> Order | None:
        found = (working.get((order_sequence, slot)) for working in self._venue.working.values())
        return next((order for order in found if order is not None), None)

    def balances(self, account: int) -> list[tuple[int, int, int]]:
        """Return (currency, total, held) in minor units of every currency of which there is any, ascending."""
        known = self._venue.accounts.get(account)
        if known is None:
            return []
        return [(currency, b.total, b.held) for currency, b in sorted(known.balances.items()) if b.total or b.held]

    def positions(self, account: int) -> list[tuple[int, int]]:
        """Return (instrument, signed lots) of every position that is not zero, ascending."""
        rows = self._venue.positions.items()
        return sorted((instrument, lots) for (number, instrument), lots in rows if number == account and lots)

    def totals(self, currency: int) -> tuple[int, int, int, int, int, int]:
        """Return (customers, held, fees, rebates, rounding, deposited) of one currency, in minor units: accounts of the chart."""
        balances = [a.balances[currency] for a in self._venue.accounts.values() if currency in a.balances]
        house = self._venue.houses[currency]
        customers, held = sum(b.total for b in balances), sum(b.held for b in balances)
        fees, rebates = house.balance(FEE_INCOME), house.balance(REBATES_PAID)
        return (customers, held, fees, rebates, house.balance(ROUNDING), house.balance(BANK))

    def house(self, currency: int) -> list[tuple[int, int]]:
        """Return (code, balance) of every account of the house in a currency that has any, ascending; 110 is in 100.

        And under 220 what customers have put aside.
        """
        house, accounts = self._venue.houses[currency], self._venue.accounts.values()
        found = {code: house.balance(code) for code in CHART if code != CUSTODY}
        found[COLLATERAL] = sum(account.collateral.get(currency, 0) for account in accounts)
        return [(code, balance) for code, balance in sorted(found.items()) if balance]

    def collateral(self, account: int) -> list[tuple[int, int]]:
        """Return (currency, total) of what an account has put aside, ascending, without what is zero."""
        known = self._venue.accounts.get(account)
        return [] if known is None else sorted((c, total) for c, total in known.collateral.items() if total)

    def credits(self, account: int) -> list[tuple[int, int, int]]:
        """Return (currency, limit, available) of every balance that has a credit limit, ascending."""
        known = self._venue.accounts.get(account)
        rows = [] if known is None else sorted(known.balances.items())
        return [(currency, b.limit, b.available) for currency, b in rows if b.limit]

    def account_state(self, account: int) -> int:
        """Return 1 open, 2 frozen, 3 closed; 0 when there is no such account."""
        known = self._venue.accounts.get(account)
        return 0 if known is None else known.state

    def working(self, account: int, instrument: int) -> tuple[int, int, int]:
        """Return (lots that work to buy, lots that work to sell, working orders) of an account in an instrument.

        Zeros without accounting.
        """
        if account not in self._venue.accounts or not self._venue.bounds.accounting:
            return (0, 0, 0)
        buys, sells = (exposure.lots_at_work(self._venue, account, instrument, side) for side in (BUY, SELL))
        return buys, sells, exposure.open_in(self._venue, account, instrument)

    def drawn(self, firm: int, currency: int) -> tuple[int, int]:
        """Return (what works, what has filled since its record was set), gross minor units; zeros without a record."""
        if (firm_key(firm), currency) not in self._venue.limits.money:
            return (0, 0)
        filled = self._venue.limits.filled[firm, currency]
        return exposure.drawn(self._venue, firm, currency) - filled, filled

    def margin(self, account: int, currency: int) -> MarginStanding:
        """Return what an assessment would tell at the time of the last command.

        Zeros when one of both is unknown, and without accounting.
        """
        known = account in self._venue.accounts and currency in self._venue.currencies
        if not known or not self._venue.bounds.accounting:
            return MarginStanding()
        return margin_acts.standing(self._venue, account, currency)

    def hold_count(self) -> int:
        """How many holds were placed, with the ids that failed."""
        return len(self._venue.holds)

    def holds(self, first: int = 0, rows: int = 2**32 - 1) -> list[tuple[int, int, int, int, int, int, int]]:
        """Return (sequence, account, currency, placed, captured, released, expires_ns) of the open ones of `rows` from the `first`."""
        some = list(self._venue.holds)[first : first + rows]
        return [
            (h.sequence, h.account, h.currency, h.placed, h.captured, h.released, h.expires_ns) for h in some if h.open
        ]

    def next_deadline(self) -> int:
        """Return the earliest instant at which AdvanceTime would end something by itself; 0: nothing waits for time."""
        waiting = (expiry.deadlines, holds.deadlines, phase_changes.deadlines, protections.deadlines)
        return min((instant for of in waiting for instant in of(self._venue)), default=0)

    def accounts(self) -> list[int]:
        """Return the numbers of all accounts, ascending."""
        return sorted(self._venue.accounts)

    def open_orders(self) -> int:
        """How many orders work."""
        return self._venue.open_orders

    def preview(self, command: bytes, time_ns: int) -> preview.Row:
        """Return what a single submission would do as the next command, at `time_ns` or later; nothing changes (engine.md section 16).

        (reason, scope, decimals, limit, actual), reason 0: accepted; (order_sequence, order_slot) of the first use of its
        client id, which may be all zero here: then it has none; (price, quantity, hold, hold_currency, waits, left,
        cancelled); [(price, lots)] of its trades; (amount, fee, complete).

        Raises:
            InvalidCommand: It is no single submission.
        """
        return preview.preview(self._venue, bytes(command), self.sequence + 1, max(self.time_ns, time_ns))

    def check(self) -> None:
        """Raise Corrupted unless every invariant holds."""
        invariants.check(self._venue)


def _advance_time(venue: Venue, command: wire.AdvanceTime, out: Outbox) -> None:
    venue.submissions.forget(out.time_ns)
    expiry.advance(venue, out)
    holds.expire(venue, out)
    phase_changes.pass_time(venue, out)
    protections.end(venue, out)
    tell_done(command, out)


_HANDLERS: dict[int, Handler] = {
    wire.SubmitOrder.KIND: orders.submit,
    wire.ReplaceOrder.KIND: changes.replace,
    wire.CancelOrder.KIND: changes.cancel,
    wire.MassCancel.KIND: changes.mass_cancel,
    wire.Transfer.KIND: transfers.transfer,
    wire.OpenAccount.KIND: definitions.open_account,
    wire.DefineCurrency.KIND: definitions.define_currency,
    wire.DefineInstrument.KIND: definitions.define_instrument,
    wire.SetInstrumentStatus.KIND: phase_changes.set_status,
    wire.SetKillSwitch.KIND: switches.set_kill_switch,
    wire.AdvanceTime.KIND: _advance_time,
    wire.SetLimits.KIND: definitions.set_limits,
    wire.SubmitAdvancedOrder.KIND: orders.submit,
    wire.ReplaceAdvancedOrder.KIND: changes.replace,
    wire.CancelAllAfter.KIND: expiry.cancel_all_after,
    wire.EndSession.KIND: expiry.end_session,
    wire.SetMark.KIND: triggers.set_mark,
    wire.SetReference.KIND: rules.set_reference,
    wire.SetTradingRules.KIND: rules.set_rules,
    wire.SubmitLinkedOrders.KIND: linked.submit,
    wire.SetGroup.KIND: groups.set_group,
    wire.BustTrade.KIND: busts.bust_trade,
    wire.SubmitOrderBatch.KIND: batches.submit,
    wire.PostGroup.KIND: postings.post,
    wire.SetAccountTerms.KIND: account_terms.set_terms,
    wire.SetCredit.KIND: account_terms.set_credit,
    wire.PlaceHold.KIND: holds.place,
    wire.AmendHold.KIND: holds.amend,
    wire.ReleaseHold.KIND: holds.release,
    wire.ApplyAction.KIND: actions.apply_action,
    wire.SetFirm.KIND: limits.set_firm,
    wire.SetQuantityLimits.KIND: limits.set_quantity_limits,
    wire.SetMoneyLimits.KIND: limits.set_money_limits,
    wire.SetMarketSize.KIND: limits.set_market_size,
    wire.SetMarketShares.KIND: limits.set_market_shares,
    wire.SetKill.KIND: switches.set_kill,
    wire.SetInstrumentClass.KIND: entitlements.set_class,
    wire.SetEntitlements.KIND: entitlements.set_entitlements,
    wire.SetRestriction.KIND: restrictions.set_restriction,
    wire.SetLocate.KIND: restrictions.set_locate,
    wire.SetThrottle.KIND: throttles.set_throttle,
    wire.SetPatterns.KIND: patterns.set_patterns,
    wire.SetProtection.KIND: protections.set_protection,
    wire.SetQuote.KIND: references.set_quote,
    wire.Resume.KIND: protections.resume,
    wire.SetMarginTerms.KIND: margin_acts.set_terms,
    wire.SetRiskArray.KIND: margin_acts.set_array,
    wire.SetAccountMargin.KIND: margin_acts.set_account,
    wire.SetGreeks.KIND: margin_acts.set_greeks,
    wire.SetRiskLimits.KIND: margin_acts.set_limits,
    wire.OpenRiskDay.KIND: margin_acts.open_day,
    wire.AssessMargin.KIND: margin_acts.assess,
    wire.TakeOver.KIND: takeovers.take_over,
}
_OF_HOLDS = wire.PlaceHold | wire.AmendHold | wire.ReleaseHold
_OF_MARGIN = (
    wire.SetMarginTerms
    | wire.SetRiskArray
    | wire.SetAccountMargin
    | wire.SetGreeks
    | wire.SetRiskLimits
    | wire.OpenRiskDay
    | wire.AssessMargin
    | wire.TakeOver
)
_OF_MONEY = (
    wire.Transfer
    | wire.BustTrade
    | wire.PostGroup
    | wire.SetCredit
    | wire.ApplyAction
    | wire.SetQuantityLimits
    | wire.SetMoneyLimits
    | wire.SetMarketSize
    | wire.SetMarketShares
    | _OF_HOLDS
    | _OF_MARGIN
)


def _named(command: wire.Command, refusal: Refusal) -> dict[str, Any]:
    """Return what the refusal names: what was named in the command, or the first use of an id."""
    match command:
        case wire.ReplaceOrder() | wire.CancelOrder():
            return {
                "order_sequence": command.order_sequence,
                "order_slot": command.order_slot,
                "client_id": command.client_id,
            }
        case wire.SubmitOrder():
            client_id = command.client_id
        case wire.Transfer():
            client_id = command.transfer_id
        case wire.PostGroup():
            client_id = command.group_id
        case wire.PlaceHold() | wire.AmendHold() | wire.ReleaseHold():
            client_id = command.hold_id
        case wire.ApplyAction():
            client_id = command.action_id
        case _:
            client_id = wire.NO_ID
    return {
        "order_sequence": refusal.order_sequence,
        "order_slot": refusal.order_slot,
        "client_id": client_id,
    }


def _tell_refused(
    out: Outbox,
    kind: int,
    instrument: int,
    account: int,
    refusal: Refusal,
    *,
    order_sequence: int = 0,
    order_slot: int = 0,
    client_id: str = wire.NO_ID,
) -> None:
    out.tell(
        wire.CommandRefused,
        instrument=instrument,
        account=account,
        command=kind,
        scope=refusal.scope,
        reason=refusal.reason,
        decimals=refusal.decimals,
        limit=refusal.limit,
        actual=refusal.actual,
        order_sequence=order_sequence,
        order_slot=order_slot,
        client_id=client_id,
    )
