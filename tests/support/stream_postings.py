"""What a random market posts between accounts, and whom it freezes or lends to, while orders trade."""

from typing import Any

from quantumcore.contracts import wire
from tests.support import stream_holds
from tests.support.shown_orders import I64_MAX

HOUSE_CODES = (100, 110, 230, 240, 300, 310, 320, 330, 400, 410, 420, 430, 900)
OWN, COLLATERAL = 0, 220
OPEN, FROZEN, CLOSED = 1, 2, 3


def post(market: Any) -> wire.PostGroup:
    """A new group, mostly of a few legs; the same again; one changed by a little; or one that takes another back."""
    known = market.groups
    how = market._pick(["new", "again", "changed", "reverse"], [60, 8, 10, 22]) if known else "new"
    if how == "again":
        return market._rng.choice(known)
    if how == "changed":
        return _changed(market, market._rng.choice(known))
    made = _reversal(market, market._rng.choice(known)) if how == "reverse" else _new(market)
    known.append(made)
    return made


def _new(market: Any) -> wire.PostGroup:
    count = market._pick([1, 2, 3, market._rng.randrange(1, 12), 100], [40, 30, 15, 14, 1])
    legs = [_leg(market) for _ in range(count)]
    return wire.PostGroup(
        account=0 if market._chance(60) else market._account(),
        group_id=f"g-{market._made}",
        code=market._pick([1, 7, 65_535, 0], [30, 30, 5, 1]),
        count=count if market._chance(98) else market._rng.randrange(256),
        flags=market._pick([0, 1, 2], [85, 14, 1]),
        effective_day=market._pick([0, 20_000, -1], [5, 3, 1]),
        user_data=bytes(15) + bytes([market._rng.randrange(3)]),
        text=b"a text".ljust(128, b"\0") if market._chance(30) else bytes(128),
        legs=b"".join(leg.encode() for leg in legs),
    )


def _leg(market: Any) -> wire.Leg:
    if market.holds and market._chance(20):
        return stream_holds.capturing(market, _side(market))
    debit, credit = _side(market), _side(market)
    if debit == credit and market._chance(97):
        credit = (0, 900) if debit != (0, 900) else (0, 230)
    return wire.Leg(
        debit_account=debit[0],
        debit_code=debit[1],
        credit_account=credit[0],
        credit_code=credit[1],
        currency=market._pick([1, 2, 3, 4, 5, 6, 7, 8, 0], [200, 100, 100, 80, 30, 30, 30, 2, 1]),
        amount=market._pick(
            [0, 1, market._rng.randrange(1, 10**6), 10**9, 2**61, I64_MAX, -1], [10, 60, 200, 40, 8, 3, 1]
        ),
    )


def _side(market: Any) -> tuple[int, int]:
    if market._chance(40):
        code = market._rng.choice(HOUSE_CODES) if market._chance(99) else market._pick([200, 220, 0], [1, 1, 1])
        return 0, code
    account = market._pick([1, 2, 3, 4, 5, 9], [30, 30, 20, 12, 12, 1])
    return account, market._pick([OWN, COLLATERAL, 300], [80, 20, 1])


def _reversal(market: Any, original: wire.PostGroup) -> wire.PostGroup:
    turned = [
        market._changed(
            leg,
            debit_account=leg.credit_account,
            debit_code=leg.credit_code,
            credit_account=leg.debit_account,
            credit_code=leg.debit_code,
        )
        for leg in original.each_leg()
    ]
    if market._chance(70):
        turned.reverse()
    if market._chance(10):
        turned[-1] = market._changed(turned[-1], amount=turned[-1].amount ^ 1)
    if market._chance(4):
        turned = turned[1:] or turned
    name = original.group_id if market._chance(97) else "never"
    return market._changed(
        original,
        group_id=f"r-{market._made}",
        reverses=name,
        count=len(turned),
        flags=int(market._chance(30)),
        legs=b"".join(leg.encode() for leg in turned),
    )


def _changed(market: Any, first: wire.PostGroup) -> wire.PostGroup:
    """One field of a group that was sent before, or one byte of its legs."""
    if market._chance(40):
        raw = bytearray(first.legs)
        raw[market._rng.randrange(len(raw))] ^= 1
        return market._changed(first, legs=bytes(raw))
    change: dict[str, Any] = market._pick(
        [
            {"code": 9},
            {"effective_day": 3},
            {"user_data": bytes([5] * 16)},
            {"text": b"other".ljust(128, b"\0")},
            {"flags": 1 - first.flags % 2},
            {"reverses": "g-1"},
            {"account": market._account()},
            {"group_id": "not an id"},
        ],
        [1] * 8,
    )
    return market._changed(first, **change)


def terms(market: Any) -> wire.SetAccountTerms:
    """Frozen for a while, or closed if it can be."""
    account = market._account()
    state = market._pick([OPEN, FROZEN, CLOSED, 0, 4], [10, 12, 8, 1, 1])
    if state in (FROZEN, CLOSED):
        market._repairs.append(wire.SetAccountTerms(account=account, state=OPEN))
    return wire.SetAccountTerms(account=account, state=state)


def empty(market: Any) -> wire.OpenAccount | wire.SetAccountTerms:
    """An account that has nothing, so that it can be closed."""
    if market._chance(50):
        return wire.OpenAccount(account=9, owner=9)
    market._repairs.append(wire.SetAccountTerms(account=9, state=OPEN))
    return wire.SetAccountTerms(account=9, state=CLOSED)


def credit(market: Any) -> wire.SetCredit:
    """Mostly a limit that some orders need, at times none or as much as there can be."""
    limit = market._pick([0, 1, market._rng.randrange(10**6), 10**10, 2**60, I64_MAX, -1], [20, 5, 50, 20, 4, 2, 1])
    currency = market._pick([1, 2, 3, 4, 5, 6, 7, 8], [20, 15, 15, 10, 5, 5, 5, 1])
    return wire.SetCredit(account=market._account(), limit=limit, currency=currency)


MAKERS = ((post, 7), (terms, 1), (credit, 1), (empty, 1))
