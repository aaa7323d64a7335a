"""Who may, and how often, in a random market: switches, entitlements, lists, throttles, patterns, protections, and everything wrong with them."""

from typing import Any

from quantumcore.contracts import wire
from tests.support.shown_orders import I64_MAX

MS_NS = 10**6
SECOND_NS = 10**9
SESSIONS = (1, 2)
FIRMS = (1, 2)
UNDERLYINGS = (1, 2)


def _repair(market: Any, command: wire.Command) -> None:
    """Say what lets things go on as before, some time later."""
    market.later.append(command)


def kill(market: Any) -> wire.SetKill:
    """A switch of any level; what it stops is let go on soon."""
    scope = market._pick([1, 2, 3, 5, 7, 0, 4, 6], [4, 20, 20, 20, 40, 1, 1, 1])
    names: dict[str, Any] = {
        2: {"account": market._account()},
        3: {"instrument": market._instrument()},
        5: {"subject": market._pick([*FIRMS, 0], [20, 20, 1])},
        7: {"subject": market._pick([*SESSIONS, 9, 0], [20, 20, 4, 1])},
    }.get(scope, {})
    if market._chance(2):
        names |= market._pick([{"account": 1}, {"instrument": 1}, {"subject": 1}], [1, 1, 1])
    mode = market._pick([0, 1, 2, 3], [10, 30, 60, 1])
    if mode:
        _repair(market, wire.SetKill(scope=scope, mode=0, **names))
    return wire.SetKill(scope=scope, mode=mode, **names)


def firm(market: Any) -> wire.SetFirm:
    """An account under a firm, or under none."""
    return wire.SetFirm(account=market._account(), firm=market._pick([*FIRMS, 0], [10, 10, 1]))


def reducing(market: Any) -> wire.SetAccountTerms:
    """An account that may only reduce, for a while."""
    account = market._account()
    _repair(market, wire.SetAccountTerms(account=account, state=1))
    return wire.SetAccountTerms(account=account, state=4)


def of_class(market: Any) -> wire.SetInstrumentClass:
    """What an instrument is: mostly of an underlying, sometimes with rules of short sales."""
    command = wire.SetInstrumentClass(
        instrument=market._instrument(),
        underlying=market._pick([*UNDERLYINGS, 0], [10, 10, 2]),
        product=market._pick([0, 1, 63, 64], [20, 20, 4, 1]),
        class_flags=market._pick([0, 1, 2, 3, 4], [30, 10, 20, 10, 1]),
        outside_ns=market._pick([0, 5 * SECOND_NS, 1, 24 * 3600 * SECOND_NS, I64_MAX, -1], [10, 20, 4, 4, 1, 1]),
    )
    if command.class_flags:
        _repair(market, market._changed(command, class_flags=0))
    return command


def entitle(market: Any) -> wire.SetEntitlements:
    """Fewer products, or none at all; soon all again."""
    account = market._account()
    _repair(market, wire.SetEntitlements(account=account, products=2**64 - 1))
    products = market._pick([1, 2, 3, 2**64 - 1, 0], [5, 5, 5, 5, 1])
    return wire.SetEntitlements(account=account, products=products, enabled=market._pick([1, 0, 2], [20, 4, 1]))


def restrict(market: Any) -> wire.SetRestriction:
    """An instrument on a list, or off it."""
    scope = market._pick([1, 2, 6, 3], [4, 10, 10, 1])
    names: dict[str, Any] = {2: {"account": market._account()}, 6: {"group": market._rng.randrange(4)}}.get(scope, {})
    instrument, restricted = market._instrument(), market._pick([0, 1, 2], [5, 20, 1])
    _repair(market, wire.SetRestriction(instrument=instrument, scope=scope, restricted=0, **names))
    return wire.SetRestriction(instrument=instrument, scope=scope, restricted=restricted, **names)


def locate(market: Any) -> wire.SetLocate:
    """Lots that may be sold short."""
    lots = market._pick([market._rng.randrange(20), 50, 10**6, I64_MAX, -1], [20, 10, 5, 1, 1])
    return wire.SetLocate(account=market._account(), instrument=market._instrument(), lots=lots)


def throttle(market: Any) -> wire.SetThrottle:
    """A bucket that is soon empty, and soon taken away."""
    scope = market._pick([1, 2, 7, 5], [10, 10, 10, 1])
    names: dict[str, Any] = {2: {"account": market._account()}, 7: {"session": market._pick(SESSIONS, [1, 1])}}
    rate = market._pick([1, 2, 3, 7, 1_000, 10**9, 0, 10**9 + 1], [30, 10, 10, 10, 10, 2, 10, 1])
    burst = market._pick([1, 2, 5, 20, 10**6, 10**6 + 1], [30, 10, 10, 5, 1, 1])
    command = wire.SetThrottle(
        scope=scope,
        throttle_class=market._pick([1, 2, 3, 4, 0, 5], [10, 30, 30, 20, 1, 1]),
        rate=rate,
        burst=burst if rate or market._chance(5) else 0,
        **names.get(scope, {}),
    )
    if rate:
        _repair(market, market._changed(command, rate=0, burst=0))
    return command


def patterns(market: Any) -> wire.SetPatterns:
    """Few orders for a trade, few trades in a row, few of the same; soon off again."""
    account = market._account()
    _repair(market, wire.Resume(account=account, cause=1))
    _repair(market, wire.SetPatterns(account=account))
    span = market._pick([MS_NS, SECOND_NS, 60 * SECOND_NS, 24 * 3600 * SECOND_NS + 1], [5, 20, 10, 1])
    made: dict[str, Any] = {}
    if market._chance(60):
        made |= {"ratio": market._rng.randrange(1, 5), "free_orders": market._rng.randrange(6), "ratio_ns": span}
    if market._chance(60):
        made |= {"executions": market._pick([1, 2, 5, 256, 257], [5, 10, 10, 1, 1]), "executions_ns": span}
    if market._chance(60):
        made |= {"duplicates": market._pick([1, 2, 63, 64], [10, 10, 1, 1]), "duplicates_ns": span}
    if market._chance(3):
        made["ratio_ns"] = 0
    return wire.SetPatterns(account=account, **made)


def protect(market: Any) -> wire.SetProtection:
    """A protection that trips soon."""
    window = market._pick([SECOND_NS, 60 * SECOND_NS, 0, -1], [20, 20, 5, 1])
    made: dict[str, Any] = {}
    if window or market._chance(5):
        made = {
            "fills": market._pick([0, 1, 2, 5, 256, 257], [10, 10, 10, 10, 1, 1]),
            "quantity": market._pick([0, 5, 20, 100, -1], [10, 10, 10, 10, 1]),
            "delta": market._pick([0, 10**6, 10**8, -1], [40, 10, 10, 1]),
            "vega": market._pick([0, 10**6, 10**8, -1], [40, 10, 10, 1]),
            "frozen_ns": market._pick([0, SECOND_NS, 30 * SECOND_NS, -1], [5, 30, 5, 1]),
        }
    account, underlying = market._account(), market._pick([*UNDERLYINGS, 0], [20, 20, 1])
    _repair(market, wire.Resume(account=account, cause=2, underlying=underlying))
    return wire.SetProtection(account=account, underlying=underlying, window_ns=window, **made)


def quote(market: Any) -> wire.SetQuote:
    """Other markets near ours: mostly a good quote, sometimes crossed, wide, or none."""
    instrument = market._instrument()
    middle = market.middle(instrument)
    bid, ask = middle + market._rng.randrange(-3, 3), middle + market._rng.randrange(-2, 5)
    bid, ask = market._pick([(bid, ask), (0, ask), (bid, 0), (1, ask), (-1, ask), (bid, -1)], [30, 3, 3, 3, 1, 1])
    return wire.SetQuote(instrument=instrument, bid=bid, ask=ask)


def resume(market: Any) -> wire.Resume:
    """A pause is lifted, if there is one."""
    cause = market._pick([1, 2, 0, 3], [10, 20, 1, 1])
    underlying = market._pick(UNDERLYINGS, [1, 1]) if cause == 2 else int(market._chance(3))
    return wire.Resume(account=market._account(), cause=cause, underlying=underlying)


def resend(market: Any) -> wire.Command:
    """The same order again and again, each time under another name, and what is cancelled or replaced as often."""
    if not market._submitted:
        return wire.AdvanceTime()
    last = list(market._submitted)[-1]
    command = market._changed(last, client_id=f"r-{market._made}")
    if market._chance(20) and 0 < command.quantity < 10**15 and command.quantity_scale < 18:
        command = market._changed(command, quantity=command.quantity * 10, quantity_scale=command.quantity_scale + 1)
    market._submitted.append(command)
    return command


def hurry(market: Any) -> wire.Command:
    """A cancel or replacement of an order that was heard of a moment ago, or a mass cancel of who sent it."""
    if not market._orders:
        return wire.AdvanceTime()
    account, sequence, slot, _ = market._orders[-1 - market._rng.randrange(min(3, len(market._orders)))]
    how = market._pick(["cancel", "replace", "all"], [10, 10, 3])
    if how == "all":
        return wire.MassCancel(account=account, instrument=99 if market._chance(5) else 7)
    name: dict[str, Any] = {"account": account, "order_sequence": sequence, "order_slot": slot}
    name["session"] = market._rng.randrange(3)
    if how == "cancel":
        return wire.CancelOrder(**name)
    return wire.ReplaceOrder(fields=2, quantity=market._rng.randrange(1, 40), **name)


MAKERS = (
    (hurry, 25),
    (kill, 2),
    (firm, 1),
    (reducing, 1),
    (of_class, 2),
    (entitle, 1),
    (restrict, 2),
    (locate, 2),
    (throttle, 4),
    (patterns, 2),
    (protect, 1),
    (quote, 2),
    (resume, 1),
    (resend, 25),
)
