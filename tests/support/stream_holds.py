"""What a random market sets aside: holds that are placed, amended, released, captured by legs of groups, or run out."""

from typing import Any

from quantumcore.contracts import wire
from tests.support.shown_orders import I64_MAX

SECOND_NS = 10**9


def place(market: Any) -> wire.PlaceHold:
    """A new hold, for ever or for a while; now and then an id that is taken, by the same or by another body."""
    if market.holds and market._chance(12):
        return _again(market, market._rng.choice(list(market.holds)))
    expires_ns = market._pick(
        [0, market._time_ns + market._rng.randrange(1, 90) * SECOND_NS, market._time_ns, 1, -1], [30, 60, 3, 2, 1]
    )
    return wire.PlaceHold(
        account=market._account(),
        hold_id=f"h-{market._made}" if market._chance(98) else "not an id",
        amount=market._pick([market._rng.randrange(1, 10**6), 10**9, 2**61, I64_MAX, 0, -1], [200, 40, 4, 3, 2, 1]),
        expires_ns=expires_ns,
        currency=market._pick([1, 2, 3, 4, 5, 6, 7, 8, 0], [200, 100, 100, 80, 30, 30, 30, 2, 1]),
    )


def _again(market: Any, first: wire.HoldChanged) -> wire.PlaceHold:
    again = wire.PlaceHold(
        account=first.account,
        hold_id=first.hold_id,
        amount=first.placed,
        expires_ns=first.expires_ns,
        currency=first.currency,
    )
    change: dict[str, Any] = market._pick(
        [{}, {"amount": first.placed + 1}, {"currency": first.currency % 7 + 1}, {"expires_ns": 5}, {"account": 1}],
        [5, 1, 1, 1, 1],
    )
    return market._changed(again, **change)


def _some(market: Any) -> tuple[wire.HoldChanged | None, dict[str, Any]]:
    """Return a hold that was heard of, and how it is named: mostly rightly."""
    if not market.holds or market._chance(4):
        return None, {"account": market._account(), "hold_id": "never"}
    hold = market._rng.choice(list(market.holds)[-market._pick([6, 30], [3, 1]) :])
    account = hold.account if market._chance(96) else market._account()
    return hold, {"account": account, "hold_id": hold.hold_id}


def amend(market: Any) -> wire.AmendHold:
    """More, less, the same, or less than was captured."""
    hold, name = _some(market)
    placed = hold.placed if hold is not None else 5
    near = placed + market._rng.randrange(-1_000, 1_001)
    amount = market._pick(
        [near, placed * 2, placed // 2, placed, placed - 1, I64_MAX, 0, -1], [30, 10, 20, 6, 6, 2, 2, 1]
    )
    return wire.AmendHold(amount=min(amount, I64_MAX), **name)


def release(market: Any) -> wire.ReleaseHold:
    """A part, the rest, or more than there is."""
    hold, name = _some(market)
    there = hold.open if hold is not None else 5
    amount = market._pick([there // 3, there, 0, there + 1, market._rng.randrange(1, 1_000), -1], [30, 8, 12, 6, 20, 1])
    return wire.ReleaseHold(amount=min(amount, I64_MAX), **name)


def capturing(market: Any, credit: tuple[int, int]) -> wire.Leg:
    """A leg that takes what is held: mostly of who holds it, at times more than is open, at times from nobody's hold."""
    hold = market._rng.choice(list(market.holds)[-market._pick([6, 30], [3, 1]) :])
    amount = market._pick([hold.open // 4, hold.open // 2, hold.open, hold.open + 1, 0, 1], [30, 20, 8, 4, 4, 10])
    return wire.Leg(
        debit_account=hold.account if market._chance(97) else 1,
        debit_code=0 if market._chance(98) else 220,
        credit_account=credit[0],
        credit_code=credit[1] if credit != (hold.account, 0) else 220,
        currency=hold.currency if market._chance(97) else 1,
        amount=min(amount, I64_MAX),
        hold=hold.hold_sequence if market._chance(97) else hold.hold_sequence + 1,
    )


MAKERS = ((place, 3), (amend, 1), (release, 1))
