"""Setting limits, and which of those that apply to an order is the tightest (engine.md section 14)."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin.limit_records import Key, LimitRecord
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

Tightest = tuple[int, Scope]
"""A limit and whose it is."""
PARTS = 10**6
SIZES = {"interest": "open_interest", "volume": "daily_volume"}
"""Of what a share is one."""


def set_firm(venue: Venue, command: wire.SetFirm, out: Outbox) -> None:
    """Put an account into a firm, or with 0 out of every firm."""
    venue.account(command.account).firm = command.firm
    out.tell(wire.FirmChanged, account=command.account, firm=command.firm)


def set_quantity_limits(venue: Venue, command: wire.SetQuantityLimits, out: Outbox) -> None:
    """Replace a record of limits of lots and orders."""
    key = _key(venue, command, command.group)
    _check_capacity(venue, len(venue.limits.quantities), known=key in venue.limits.quantities)
    venue.limits.quantities[key] = command
    most = None if command.max_open_orders < 0 else command.max_open_orders
    if command.scope == Scope.VENUE:
        venue.max_open_orders = most
    elif command.scope == Scope.ACCOUNT and not command.instrument:
        venue.accounts[command.account].max_open_orders = most
    _tell(wire.QuantityLimitsChanged, command, out)


def set_money_limits(venue: Venue, command: wire.SetMoneyLimits, out: Outbox) -> None:
    """Replace a record of limits of money; a firm's line begins anew."""
    key = _key(venue, command, command.firm)
    if command.currency not in venue.currencies:
        raise Refusal(Reason.UNKNOWN_CURRENCY)
    _check_capacity(venue, len(venue.limits.money), known=(key, command.currency) in venue.limits.money)
    venue.limits.money[key, command.currency] = command
    if command.scope == Scope.FIRM:
        venue.limits.filled[command.firm, command.currency] = 0
    _tell(wire.MoneyLimitsChanged, command, out)


def set_market_size(venue: Venue, command: wire.SetMarketSize, out: Outbox) -> None:
    """Replace how large the market of an instrument is."""
    venue.instrument(command.instrument)
    venue.limits.sizes[command.instrument] = command
    _tell(wire.MarketSizeChanged, command, out)


def set_market_shares(venue: Venue, command: wire.SetMarketShares, out: Outbox) -> None:
    """Replace a record of how much of its market a position may come to."""
    key = _key(venue, command, command.group)
    _check_capacity(venue, len(venue.limits.shares), known=key in venue.limits.shares)
    venue.limits.shares[key] = command
    _tell(wire.MarketSharesChanged, command, out)


def _key(venue: Venue, command: LimitRecord, number: int) -> Key:
    """Return whose record it is; raises when that is unknown."""
    if command.scope == Scope.ACCOUNT:
        venue.account(command.account)
    if command.scope == Scope.INSTRUMENT or command.instrument:
        venue.instrument(command.instrument)
    return command.scope, command.account, command.instrument, number


def _check_capacity(venue: Venue, records: int, *, known: bool) -> None:
    if not known and records >= venue.bounds.max_limits:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)


def _tell(event: type[wire.Event], command: LimitRecord | wire.SetMarketSize, out: Outbox) -> None:
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    out.tell(event, instrument=command.instrument, account=command.account, **body)


# ------------------------------------------------------------------------------- those that apply to an order


def venue_key() -> Key:
    """Name the venue's record."""
    return Scope.VENUE, 0, 0, 0


def firm_key(firm: int) -> Key:
    """Name the record of a firm; that of 0 is never there."""
    return Scope.FIRM, 0, 0, firm


def group_key(group: int) -> Key:
    """Name the record of a group; that of 0 is never there."""
    return Scope.GROUP, 0, 0, group


def account_key(account: int, instrument: int = 0) -> Key:
    """Name the record of an account, or of an account in an instrument."""
    return Scope.ACCOUNT, account, instrument, 0


def instrument_key(instrument: int) -> Key:
    """Name the record of an instrument."""
    return Scope.INSTRUMENT, 0, instrument, 0


def each_keys(account: int, instrument: int) -> list[Key]:
    """Name the records that limit each account by itself, in the order of engine.md section 14."""
    return [venue_key(), account_key(account), instrument_key(instrument), account_key(account, instrument)]


def all_keys(venue: Venue, account: int, instrument: int) -> list[Key]:
    """Name all records that apply to an order."""
    owner = venue.accounts[account]
    first, *others = each_keys(account, instrument)
    return [first, firm_key(owner.firm), group_key(owner.group), *others]


def least_quantity(venue: Venue, keys: list[Key], limit: str, first: Tightest | None = None) -> Tightest | None:
    """Return the tightest of a limit of lots or orders, after `first`; None: it is not set."""
    records = ((key, venue.limits.quantities.get(key)) for key in keys)
    return _least([(getattr(record, limit), key) for key, record in records if record is not None], first)


def least_money(
    venue: Venue, keys: list[Key], currency: int, limit: str, first: Tightest | None = None
) -> Tightest | None:
    """Return the tightest of a limit of money, after `first`; None: it is not set."""
    records = ((key, venue.limits.money.get((key, currency))) for key in keys)
    return _least([(getattr(record, limit), key) for key, record in records if record is not None], first)


def least_share(venue: Venue, keys: list[Key], instrument: int, of: str) -> Tightest | None:
    """Return the tightest of what a position may come to of its market, in lots; None: a share, or the market, is not known.

    Args:
        of: One of SIZES.
    """
    size = venue.limits.sizes.get(instrument)
    whole: int = 0 if size is None else getattr(size, SIZES[of])
    records = ((key, venue.limits.shares.get(key)) for key in keys)
    shares = [(getattr(record, of), key) for key, record in records if record is not None]
    return _least([(share * whole // PARTS if share * whole else wire.NOT_SET, key) for share, key in shares], None)


def _least(limits: list[tuple[int, Key]], found: Tightest | None) -> Tightest | None:
    for limit, key in limits:
        if limit >= 0 and (found is None or limit < found[0]):
            found = limit, Scope(key[0])
    return found
