"""May this order add to what the account risks, and may this money leave? (engine.md section 17)"""

from collections.abc import Callable
from operator import attrgetter

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import exposure, margin
from quantumcore.core.twin.limits import Tightest
from quantumcore.core.twin.margin_records import Day
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

ONE = 10**6  # shares and rates
LOSS, DRAWDOWN = "loss", "drawdown"
GREEKS = ("delta", "gamma", "vega")
_OF_AMOUNTS = ("gross", "net", *GREEKS)


class Opening:
    """An order that opens, of an account whose risk is judged, as the gate meets it step by step.

    Attributes:
        after, before: One look with it, one without.
    """

    def __init__(self, venue: Venue, wanted: exposure.Wanted, currency: int) -> None:
        account = wanted.order.account
        self._venue, self._number = venue, wanted.order.instrument
        self._place = account, currency
        self.after = margin.look(venue, account, currency, wanted)
        margin.check_known(self.after)
        self.before = margin.look(venue, account, currency, wanted, counted=False)

    def check_exposure(self) -> None:
        """EXPOSURE: gross, net, or what one instrument has of the gross."""
        venue, after, before = self._venue, self.after, self.before
        for name, actual, was in (("gross", after.gross, before.gross), ("net", after.net, before.net)):
            self._check(Reason.EXPOSURE, least_amount(venue, *self._place, name), actual, was)
        share = _least(venue, *self._place, lambda record: record.share or None)
        if share is None:
            return
        actual, was = (
            sum(row.exposure for row in found.rows if row.number == self._number) for found in (after, before)
        )
        if actual * ONE > share[0] * after.gross and actual > was:
            raise self._refusal(Reason.EXPOSURE, (share[0] * after.gross // ONE, share[1]), actual)

    def check_margin(self) -> None:
        """NO_FUNDS: the account is worth less than its positions need; LOSS_LIMIT, DRAWDOWN: it has lost too much."""
        after = self.after
        if self._venue.margin.of(*self._place).profile:
            self._check(Reason.NO_FUNDS, (after.equity, Scope.ACCOUNT), after.initial, self.before.initial)
        day = self._venue.margin.of(*self._place).day
        if day is None:
            return
        loss = loss_limit(self._venue, *self._place, day)
        if loss is not None and after.result <= -loss[0]:
            raise self._refusal(Reason.LOSS_LIMIT, (-loss[0], loss[1]), after.result)
        drawdown, fall = drawdown_limit(self._venue, *self._place, day), max(day.peak, after.result) - after.result
        if drawdown is not None and fall >= drawdown[0]:
            raise self._refusal(Reason.DRAWDOWN, drawdown, fall)

    def check_greeks(self) -> None:
        """GREEKS: delta, gamma or vega at its worst."""
        for name in GREEKS:
            actual, was = (self._greek(found, name) for found in (self.after, self.before))
            self._check(Reason.GREEKS, least_amount(self._venue, *self._place, name), actual, was)

    def _greek(self, found: margin.Look, name: str) -> int:
        greeks = self._venue.margin.greeks
        amount = margin.greek(found.rows, lambda number: getattr(greeks[number], name) if number in greeks else 0)
        return margin.to_minor(amount, found.decimals)

    def _check(self, reason: Reason, most: Tightest | None, actual: int, was: int) -> None:
        if most is not None and actual > max(most[0], was):
            raise self._refusal(reason, most, actual)

    def _refusal(self, reason: Reason, most: Tightest, actual: int) -> Refusal:
        shown = min(actual, exposure.MAX_SHOWN)
        return Refusal(reason, most[1], limit=most[0], actual=shown, decimals=self.after.decimals)


def opening(venue: Venue, wanted: exposure.Wanted) -> Opening | None:
    """Return the order as one that opens, if it is to be judged; raises STALE_REF, AMOUNT_OVERFLOW."""
    order = wanted.order
    currency = venue.instruments[order.instrument].terms.quote
    if not _is_judged(venue, order.account, currency) or not wanted.opens(venue):
        return None
    return Opening(venue, wanted, currency)


def check_leaving(venue: Venue, account: int, currency: int, amount: int) -> None:
    """INSUFFICIENT: money leaves that the account's positions need; STALE_REF, AMOUNT_OVERFLOW: nobody knows."""
    if not venue.margin.of(account, currency).profile:
        return
    found = margin.look(venue, account, currency)
    margin.check_known(found)
    aside = sum(hold.open for hold in venue.holds if (hold.account, hold.currency) == (account, currency))
    free = found.equity - found.initial - aside
    if amount > free:
        numbers = {"limit": free, "actual": amount, "decimals": found.decimals}
        raise Refusal(Reason.INSUFFICIENT, Scope.ACCOUNT, **numbers)


def _is_judged(venue: Venue, account: int, currency: int) -> bool:
    """Tell whether anything of section 17 could refuse an order of an account in a currency."""
    record = venue.margin.of(account, currency)
    if record.profile or _least(venue, account, currency, lambda limits: limits.share or None) is not None:
        return True
    if any(least_amount(venue, account, currency, name) is not None for name in _OF_AMOUNTS):
        return True
    day = record.day
    limits = (loss_limit, drawdown_limit)
    return day is not None and any(limit(venue, account, currency, day) is not None for limit in limits)


# ------------------------------------------------------------------------------------------------ limits


def least_amount(venue: Venue, account: int, currency: int, name: str) -> Tightest | None:
    """Return the tighter of the venue's and the account's own limit of an amount; None: it is not set."""
    value = attrgetter(name)
    return _least(venue, account, currency, lambda record: value(record) if value(record) >= 0 else None)


def loss_limit(venue: Venue, account: int, currency: int, day: Day) -> Tightest | None:
    """Return what may be lost in a day, and whose limit it is; None: it is not set."""
    return _of_a_day(venue, account, currency, day, LOSS)


def drawdown_limit(venue: Venue, account: int, currency: int, day: Day) -> Tightest | None:
    """Return how far a day's result may fall from its best, and whose limit it is; None: it is not set."""
    return _of_a_day(venue, account, currency, day, DRAWDOWN)


def _of_a_day(venue: Venue, account: int, currency: int, day: Day, name: str) -> Tightest | None:
    base = day.opening + day.deposits

    def most(record: wire.SetRiskLimits) -> int | None:
        amount, rate = getattr(record, name), getattr(record, f"{name}_rate")
        each = [amount] if amount >= 0 else []
        if rate and base > 0:
            each.append(rate * base // ONE)
        return min(each, default=None)

    return _least(venue, account, currency, most)


def _least(
    venue: Venue, account: int, currency: int, of: Callable[[wire.SetRiskLimits], int | None]
) -> Tightest | None:
    found: Tightest | None = None
    for scope, owner in ((Scope.VENUE, 0), (Scope.ACCOUNT, account)):
        record = venue.margin.limits.get((owner, currency))
        limit = None if record is None else of(record)
        if limit is not None and (found is None or limit < found[0]):
            found = limit, scope
    return found
