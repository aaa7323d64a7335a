"""What a random market says about margin: marks and arrays that move and age, profiles, limits, days, assessments, and everything wrong with them."""

from functools import partial
from typing import Any

from quantumcore.contracts import wire

MS_NS = 10**6
SECOND_NS = 10**9
MOST_OF_A_LOT = 2**46
PARTS = 10**4  # in 10^-6 of a unit's hundredth


def currency(market: Any) -> int:
    """Mostly the one in which most is quoted."""
    return market._pick([1, 4, 6, 77, 0], [80, 8, 8, 1, 1])


def mark(market: Any) -> wire.SetMark:
    """A mark about the middle, at times far from it, at times none for a while."""
    instrument = market._instrument()
    middle = market.middle(instrument)
    near = max(1, middle * market._rng.randrange(80, 121) // 100)
    price = market._pick([near, 0, middle * 3, 2**62, -1], [60, 1, 2, 1, 1])
    if not price:
        market._repairs.append(wire.SetMark(instrument=instrument, price=middle))
    return wire.SetMark(instrument=instrument, price=price)


def terms(market: Any) -> wire.SetMarginTerms:
    """Rates from little to all of the notional; marks and arrays may be a little old."""
    initial = market._pick([50_000, 10_000, 300_000, 1_000_000, 10**7, 0, 10**7 + 1], [20, 20, 20, 10, 2, 2, 1])
    ages = [market._pick([0, 5 * SECOND_NS, SECOND_NS, 1_000, 24 * 3600 * SECOND_NS + 1, -1], [90, 10, 4, 2, 1, 1])
            for _ in range(2)]  # fmt: skip
    return wire.SetMarginTerms(
        instrument=market._instrument(),
        initial=initial,
        maintenance=initial // 2 if market._chance(98) else initial + 1,
        slope=market._pick([0, 10**6, 10**9, 10**12, 10**12 + 1, -1], [40, 20, 10, 2, 1, 1]),
        mark_ns=ages[0],
        array_ns=ages[1],
        profile=market._pick([0, 1, 2], [60, 10, 1]),
    )


def array(market: Any) -> wire.SetRiskArray:
    """What a lot loses: about as much as its worth moves; now and then none for a while."""
    instrument = market._instrument()
    if market._chance(5):
        market._repairs.append(wire.SetRiskArray(instrument=instrument, losses=losses(market)))
        return wire.SetRiskArray(instrument=instrument, given=0, short_minimum=int(market._chance(10)))
    least = market._pick([0, PARTS, 100 * PARTS, MOST_OF_A_LOT, -1], [30, 10, 10, 1, 1])
    given = market._pick([1, 2], [60, 1])
    return wire.SetRiskArray(instrument=instrument, losses=losses(market), short_minimum=least, given=given)


def losses(market: Any) -> tuple[int, ...]:
    """What a lot loses in each scenario, seldom more than may be said."""
    most = market._pick([PARTS, 100 * PARTS, 10**4 * PARTS, MOST_OF_A_LOT], [20, 40, 20, 1])
    each = [market._rng.randrange(-most, most + 1) for _ in range(wire.SCENARIOS)]
    if market._chance(1):
        each[3] = MOST_OF_A_LOT + 1
    return tuple(each)


def account(market: Any) -> wire.SetAccountMargin:
    """An account by volatility, by scenarios, or no longer on margin."""
    profile = market._pick([1, 3, 0, 2], [40, 40, 8, 1])
    return wire.SetAccountMargin(account=market._account(), currency=currency(market), profile=profile)


def greeks(market: Any) -> wire.SetGreeks:
    """A lot's part of delta, gamma and vega."""
    most = market._pick([PARTS, 100 * PARTS, MOST_OF_A_LOT, MOST_OF_A_LOT + 1], [20, 40, 1, 1])
    each = {name: market._rng.randrange(-most, most + 1) for name in ("delta", "gamma", "vega")}
    return wire.SetGreeks(instrument=market._instrument(), **each)


def limits(market: Any) -> wire.SetRiskLimits:
    """A few limits that are soon reached, and soon lifted."""
    scope = market._pick([1, 2, 0, 3], [10, 30, 1, 1])
    who = market._account() if scope == 2 else int(market._chance(2))
    named: dict[str, Any] = {"scope": scope, "account": who, "currency": currency(market)}
    market.later.append(wire.SetRiskLimits(**named))
    given: dict[str, int] = {}
    for name in ("gross", "net", "delta", "gamma", "vega", "loss", "drawdown"):
        if market._chance(25):
            given[name] = market._pick([10**4, 10**5, 10**6, 0, 2**63 - 1, -2], [20, 40, 40, 5, 2, 1])
    if market._chance(25):
        given["share"] = market._pick([500_000, 200_000, 1, 2**32 - 1], [20, 20, 2, 1])
    for name in ("loss_rate", "drawdown_rate"):
        if market._chance(20):
            given[name] = market._pick([10_000, 100_000, 2**32 - 1], [20, 20, 1])
    return wire.SetRiskLimits(**named, **given)


def day(market: Any) -> wire.OpenRiskDay:
    """A day begins."""
    return wire.OpenRiskDay(account=market._account(), currency=currency(market))


def assess(market: Any) -> wire.AssessMargin:
    """An assessment, mostly of who is on margin; who only reduces after it is let go on later."""
    who = market._pick([1, 2, 3, market._account()], [30, 30, 30, 10])
    if market._chance(20):
        market.later.append(wire.SetAccountTerms(account=who, state=1))
    return wire.AssessMargin(account=who, currency=market._pick([1, currency(market)], [60, 40]))


def leave(market: Any) -> wire.Command:
    """Money that goes, comes, or is set aside, about as much as accounts have."""
    who, amount = market._account(), market._pick([10**3, 10**5, 10**6], [20, 20, 10]) + market._rng.randrange(1_000)
    if market._chance(30):
        return wire.PlaceHold(account=who, hold_id=f"m-{market._made}", amount=amount, currency=1)
    kind = market._pick([1, 2, 3], [30, 30, 15])
    to = market._account() if kind == 3 else 0
    name = f"m-{market._made}"
    return wire.Transfer(account=who, transfer_id=name, transfer_kind=kind, amount=amount, currency=1, to_account=to)


def take_over(market: Any) -> wire.Command:
    """Lots of who is mostly poor go to somebody: mostly as many as he has, after he was ruined, which is put right."""
    number, giver = market._instrument(), market._pick([1, 2, 3, market._account()], [30, 30, 30, 5])
    lots = market._pick([1, -5, 2**62, -(2**63), 0], [40, 40, 1, 1, 2])
    held = [(key, lots) for key, lots in market.held.items() if lots and key[0] in (1, 2, 3)]
    if held and market._chance(85):
        (giver, number), whole = market._rng.choice(held)
        size = market._pick([abs(whole), market._rng.randrange(abs(whole)) + 1, abs(whole) + 1], [50, 30, 10])
        lots = size if whole > 0 else -size
    most = market._pick([0, 10**3, 10**5, 10**8, 2**62], [20, 30, 30, 5, 1])
    money = market._pick([market._rng.randrange(-most, most + 1), -(2**63)], [80, 1])
    taken = wire.TakeOver(instrument=number, account=giver, taker=market._account(), lots=lots, money=money)
    if market._chance(30):
        return taken
    quote = market._definition(number).quote
    market._first += [wire.AssessMargin(account=giver, currency=quote), partial(_ruin, market, taken, quote)]
    return wire.SetAccountMargin(account=giver, currency=quote, profile=market._pick([1, 3], [50, 50]))


def _ruin(market: Any, taken: wire.TakeOver, quote: int) -> wire.PostGroup:
    """Leave who gives about as little as a rung of the ladder asks for, until it has been tried."""
    giver = taken.account
    equity, needed = market.stood.get((giver, quote), (0, 0))
    left = market._pick([-1, -1_000, 0, needed // 3, needed * 3 // 4, needed * 21 // 20], [30, 20, 5, 10, 15, 15])
    sides, lost = ((giver, 0), (0, 900)), max(0, equity - left)
    back = _posted(f"back-{market._made}", sides[::-1], lost, quote)
    assessed = wire.AssessMargin(account=giver, currency=quote)
    market._first += [assessed, taken, back, wire.SetAccountTerms(account=giver, state=1)]
    return _posted(f"lost-{market._made}", sides, lost, quote)


def _posted(name: str, sides: tuple[tuple[int, int], ...], amount: int, currency: int) -> wire.PostGroup:
    """Return one leg, signed by two persons; a side is an account and a code."""
    (debit, debit_code), (credit, credit_code) = sides
    leg = wire.Leg(
        debit_account=debit % 2**32,
        credit_account=credit % 2**32,
        debit_code=debit_code,
        credit_code=credit_code,
        currency=currency,
        amount=amount,
    )
    return wire.PostGroup(account=0, group_id=name, code=1, count=1, flags=1, legs=leg.encode())


MAKERS = (
    (mark, 40),
    (terms, 6),
    (array, 16),
    (account, 5),
    (greeks, 8),
    (limits, 12),
    (day, 6),
    (assess, 24),
    (leave, 14),
    (take_over, 10),
)
