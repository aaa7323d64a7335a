"""The commands of margin: what is set, when a day begins, and what an assessment does (engine.md section 17)."""

from quantumcore.contracts import wire
from quantumcore.contracts.margin import MarginStanding
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes, margin, margin_checks, switches
from quantumcore.core.twin.accounts import OPEN, REDUCING
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.margin_records import MAX_ACCOUNTS, MAX_LIMITS, AccountMargin, Day, RiskArray
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

STALE, TOO_LARGE, DAY_OPEN, LOSS, DRAWDOWN = 1, 2, 4, 8, 16  # flags of an assessment
WARN, CANCEL, PARTIAL, FULL, FUND = 1, 2, 3, 4, 5  # rungs


# ---------------------------------------------------------------------------------------------- setting


def set_terms(venue: Venue, command: wire.SetMarginTerms, out: Outbox) -> None:
    """Replace what positions in an instrument need."""
    venue.instrument(command.instrument)
    venue.margin.terms[command.instrument] = command
    _tell(wire.MarginTermsChanged, command, out)


def set_array(venue: Venue, command: wire.SetRiskArray, out: Outbox) -> None:
    """Replace the risk array of an instrument, or take it away."""
    venue.instrument(command.instrument)
    if command.given:
        array = RiskArray(command.losses, command.short_minimum, out.time_ns)
        venue.margin.arrays[command.instrument] = array
    else:
        venue.margin.arrays.pop(command.instrument, None)
    _tell(wire.RiskArrayChanged, command, out)


def set_greeks(venue: Venue, command: wire.SetGreeks, out: Outbox) -> None:
    """Replace what one lot of an instrument adds to delta, gamma and vega."""
    venue.instrument(command.instrument)
    venue.margin.greeks[command.instrument] = command
    _tell(wire.GreeksChanged, command, out)


def set_account(venue: Venue, command: wire.SetAccountMargin, out: Outbox) -> None:
    """Put an account on margin in a currency, or take it off."""
    _check_place(venue, command)
    if command.profile or (command.account, command.currency) in venue.margin.accounts:
        _make(venue, command).profile = command.profile
    _tell(wire.AccountMarginChanged, command, out)


def set_limits(venue: Venue, command: wire.SetRiskLimits, out: Outbox) -> None:
    """Replace what every account, or one, may risk in a currency."""
    if command.account:
        venue.account(command.account)
    _check_currency(venue, command.currency)
    limits, place = venue.margin.limits, (command.account, command.currency)
    _check_capacity(len(limits), MAX_LIMITS, known=place in limits)
    limits[place] = command
    _tell(wire.RiskLimitsChanged, command, out)


def open_day(venue: Venue, command: wire.OpenRiskDay, out: Outbox) -> None:
    """Let a day begin with what the account is worth."""
    _check_place(venue, command)
    accounts, place = venue.margin.accounts, (command.account, command.currency)
    _check_capacity(len(accounts), MAX_ACCOUNTS, known=place in accounts)
    found = margin.look(venue, *place)
    margin.check_known(found)
    _make(venue, command).day = Day(found.equity)
    out.tell(wire.RiskDayOpened, account=command.account, opening=found.equity, currency=command.currency)


def _make(venue: Venue, command: wire.SetAccountMargin | wire.OpenRiskDay) -> AccountMargin:
    """Return the record of an account in a currency, which now exists."""
    accounts, place = venue.margin.accounts, (command.account, command.currency)
    _check_capacity(len(accounts), MAX_ACCOUNTS, known=place in accounts)
    return accounts.setdefault(place, AccountMargin())


def _check_place(venue: Venue, command: wire.SetAccountMargin | wire.OpenRiskDay | wire.AssessMargin) -> None:
    venue.account(command.account)
    _check_currency(venue, command.currency)


def _check_currency(venue: Venue, currency: int) -> None:
    if currency not in venue.currencies:
        raise Refusal(Reason.UNKNOWN_CURRENCY)


def _check_capacity(records: int, most: int, *, known: bool) -> None:
    if not known and records >= most:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)


def _tell(event: type[wire.Event], command: wire.Command, out: Outbox) -> None:
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    out.tell(event, instrument=command.instrument, account=command.account, **body)


# ------------------------------------------------------------------------------------------- assessments


def assess(venue: Venue, command: wire.AssessMargin, out: Outbox) -> None:
    """Tell how an account stands, once what that asks for is done: it only reduces, what opens is cancelled."""
    _check_place(venue, command)
    number, currency = command.account, command.currency
    found = standing(venue, number, currency)
    day, account = venue.margin.of(number, currency).day, venue.accounts[number]
    if day is not None:
        day.peak = found.peak
    if found.margin_flags & (LOSS | DRAWDOWN) and account.state == OPEN:
        account.state = REDUCING
        out.tell(wire.AccountTermsChanged, account=number, state=REDUCING)
    count = 0
    if found.rung >= CANCEL:
        count = venue.cancel_all(_opening_orders(venue, number, currency), codes.MARGIN_CALL, out)
    out.tell(wire.MarginAssessed, account=number, currency=currency, count=count, **found._asdict())


def standing(venue: Venue, number: int, currency: int) -> MarginStanding:
    """Return how an account stands in a currency, as an assessment tells it; nothing is done about it."""
    record, found = venue.margin.of(number, currency), margin.look(venue, number, currency)
    flags, day = 0, record.day
    opening = deposits = peak = 0
    if day is not None:
        flags |= DAY_OPEN
        opening, peak = day.opening, day.peak
        deposits = max(-I64_MAX, min(I64_MAX, day.deposits))
    if found.stale or found.too_large:
        flags |= STALE if found.stale else TOO_LARGE
        return MarginStanding(opening=opening, deposits=deposits, peak=peak, profile=record.profile, margin_flags=flags)
    if day is not None:
        peak = max(peak, found.result)
        loss = margin_checks.loss_limit(venue, number, currency, day)
        drawdown = margin_checks.drawdown_limit(venue, number, currency, day)
        flags |= LOSS if loss is not None and found.result <= -loss[0] else 0
        flags |= DRAWDOWN if drawdown is not None and peak - found.result >= drawdown[0] else 0
    return MarginStanding(
        found.equity,
        found.initial,
        found.maintenance,
        opening,
        deposits,
        found.result,
        peak,
        record.profile,
        _rung(found) if record.profile else 0,
        flags,
    )


def _rung(found: margin.Look) -> int:
    """Return the highest rung whose condition holds; 0: none does."""
    equity, maintenance = found.equity, found.maintenance
    conditions = {
        FUND: equity < 0,
        FULL: 2 * equity < maintenance,
        PARTIAL: equity < maintenance,
        CANCEL: 10 * equity < 11 * maintenance,
        WARN: equity < found.initial,
    }
    return next((rung for rung, holds in conditions.items() if holds), 0)


def _opening_orders(venue: Venue, number: int, currency: int) -> list[Order]:
    """Return the orders in the instruments of a currency that do not only reduce, the oldest first."""
    working = list(venue.working[number].values())
    quoted = {order.name for order in working if venue.instruments[order.instrument].terms.quote == currency}
    return switches.not_reducing(venue, working, quoted)
