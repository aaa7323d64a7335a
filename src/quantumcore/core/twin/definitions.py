"""What the venue is made of: accounts, currencies, instruments, and the switches and limits over them."""

from dataclasses import replace

import msgspec

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import codes, phase_changes
from quantumcore.core.twin.accounts import Account
from quantumcore.core.twin.answers import REPEAT, tell_done
from quantumcore.core.twin.book import Book
from quantumcore.core.twin.instruments import (
    MAX_CURRENCIES,
    MAX_INSTRUMENTS,
    Currency,
    check_currency,
    instrument_of,
    same_market,
)
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


def open_account(venue: Venue, command: wire.OpenAccount, out: Outbox) -> None:
    """Open an account for an owner."""
    known = venue.accounts.get(command.account)
    if known is not None:
        if known.owner != command.owner:
            raise Refusal(Reason.EXISTS_DIFFERENT)
        tell_done(command, out, outcome=REPEAT)
        return
    if len(venue.accounts) >= venue.bounds.max_accounts:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
    venue.accounts[command.account] = Account(owner=command.owner)
    out.tell(wire.AccountOpened, account=command.account, owner=command.owner)


def define_currency(venue: Venue, command: wire.DefineCurrency, out: Outbox) -> None:
    """Define a currency; nothing of it ever changes."""
    check_currency(command.code, command.scale)
    if command.currency == 0:
        raise Refusal(Reason.BAD_DEFINITION)
    known = venue.currencies.get(command.currency)
    if known is not None:
        if (known.code, known.scale) != (command.code, command.scale):
            raise Refusal(Reason.EXISTS_DIFFERENT)
        tell_done(command, out, outcome=REPEAT)
        return
    if any(other.code == command.code for other in venue.currencies.values()):
        raise Refusal(Reason.BAD_DEFINITION)
    if len(venue.currencies) >= MAX_CURRENCIES:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
    venue.currencies[command.currency] = Currency(command.code, command.scale)
    out.tell(wire.CurrencyDefined, currency=command.currency, scale=command.scale, code=command.code)


def define_instrument(venue: Venue, command: wire.DefineInstrument, out: Outbox) -> None:
    """Define an instrument, or change the terms that may change."""
    base, quote = venue.currencies.get(command.base), venue.currencies.get(command.quote)
    if base is None or quote is None or command.base == command.quote:
        raise Refusal(Reason.UNKNOWN_CURRENCY)
    if command.instrument == 0:
        raise Refusal(Reason.BAD_DEFINITION)
    known = venue.instruments.get(command.instrument)
    instrument = instrument_of(command, base, quote)
    if known is None:
        if any(other.terms.symbol == command.symbol for other in venue.instruments.values()):
            raise Refusal(Reason.BAD_DEFINITION)
        if len(venue.instruments) >= MAX_INSTRUMENTS:
            raise Refusal(Reason.CAPACITY, Scope.VENUE)
        venue.books[command.instrument] = Book()
    elif not same_market(known.terms, command):
        raise Refusal(Reason.EXISTS_DIFFERENT)
    elif known.terms == command:
        tell_done(command, out, outcome=REPEAT)
        return
    venue.touched.add(command.instrument)
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    out.tell(wire.InstrumentDefined, instrument=command.instrument, **body)
    if known is None or known.terms.status == command.status:
        venue.instruments[command.instrument] = instrument
        return
    # Another status is another phase: it begins as if it had been asked for alone, under the new terms.
    before = msgspec.structs.replace(command, status=known.terms.status)
    venue.instruments[command.instrument] = replace(instrument, terms=before)
    phase_changes.change(venue, command.instrument, command.status, codes.ASKED, out)


def set_limits(venue: Venue, command: wire.SetLimits, out: Outbox) -> None:
    """Set an account's own limit, or the default profile's."""
    if command.account:
        venue.account(command.account).max_open_orders = command.max_open_orders
    else:
        venue.max_open_orders = command.max_open_orders
    out.tell(wire.LimitsChanged, account=command.account, max_open_orders=command.max_open_orders)
