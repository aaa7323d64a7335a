"""What befalls all holders in a random market: splits, dividends, mergers, expiries, exercises, and everything wrong with them."""

from typing import Any

from quantumcore.contracts import wire
from tests.support.shown_orders import I64_MAX

SPLIT, STOCK_DIVIDEND, CASH_DIVIDEND, CONVERSION, SPIN_OFF = 1, 2, 3, 4, 5
ADJUSTMENT, SETTLEMENT, EXERCISE, FUNDING, BORROW_FEE = 6, 7, 8, 9, 10
KINDS = (0, *range(1, 12))
RATIOS = ((3, 2), (2, 3), (2, 1), (1, 2), (1, 10), (10, 1), (7, 3), (1, 1), (1, 2**32 - 1), (2**32 - 1, 1), (0, 1))
ALONE, OTHERS = 7, (1, 2, 3, 4, 5, 6, 99)  # the one whose base nobody else has; those for its money, and others


def act(market: Any) -> wire.ApplyAction:
    """A new action; the same again; or one changed by a little."""
    known = market.actions
    how = market._pick(["new", "again", "changed"], [85, 8, 7]) if known else "new"
    if how == "again":
        return market._rng.choice(known)
    made = _changed(market, market._rng.choice(known)) if how == "changed" else _new(market)
    known.append(made)
    return made


def _new(market: Any) -> wire.ApplyAction:
    kind = market._pick(KINDS, [1, 20, 10, 15, 10, 12, 8, 4, 20, 12, 10, 1])
    instrument = market._pick([ALONE, market._instrument()], [70, 30])
    fields: dict[str, Any] = {}
    if kind in (SPLIT, STOCK_DIVIDEND, CONVERSION, SPIN_OFF, ADJUSTMENT):
        fields["numerator"], fields["denominator"] = market._pick(RATIOS, [20, 20, 10, 15, 10, 3, 5, 5, 1, 1, 1])
    if kind in (CONVERSION, SPIN_OFF, EXERCISE) or (kind == ADJUSTMENT and market._chance(40)):
        fields["target"] = market._pick([ALONE, *OTHERS, 0], [8, 30, 40, 3, 10, 1, 1, 1, 1])
    if kind != CASH_DIVIDEND:
        priced = fields.get("target") or instrument
        fields["price"] = market._pick([market.middle(priced), 0, 1, I64_MAX, -1], [80, 10, 10, 1, 1])
    else:
        scale = market._rng.randrange(19) if market._chance(90) else 19
        fields |= {"amount": market._pick([1, 25, 10**9, I64_MAX, 0], [20, 60, 20, 1, 1]), "amount_scale": scale}
    if kind in (SPIN_OFF, FUNDING, BORROW_FEE):
        fields["rate"] = market._pick([10_000, -10_000, 20_000_000, 10**8, 10**8 + 1, 0], [40, 20, 20, 5, 1, 3])
    if kind == EXERCISE:
        fields |= {"numerator": market._pick([1, 3, 100], [3, 2, 2]), "right": market._pick([1, 2, 3], [10, 10, 1])}
        if market._chance(80):
            lots = market._pick([1, market._rng.randrange(1, 5_000), 10**9, I64_MAX], [20, 60, 5, 1])
            fields |= {"account": market._account(), "quantity": lots, "seed": market._rng.randrange(2**64)}
    return wire.ApplyAction(
        instrument=instrument,
        action_id=f"x-{market._made}" if market._chance(99) else "not an id",
        effective_day=market._pick([0, 20_000, -1], [5, 3, 1]),
        action=kind,
        **fields,
    )


def _changed(market: Any, first: wire.ApplyAction) -> wire.ApplyAction:
    change: dict[str, Any] = market._pick(
        [
            {"effective_day": 3},
            {"price": first.price ^ 1},
            {"seed": first.seed ^ 1},
            {"instrument": first.instrument ^ 1},
            {"account": 1},
            {"rate": 1},
            {"action_id": f"y-{market._made}"},
        ],
        [1] * 7,
    )
    return market._changed(first, **change)


def fund(market: Any) -> wire.PostGroup:
    """Money for the clearing, from which longs are paid."""
    currency, amount = market._pick([1, 1, 4, 6], [10, 10, 1, 1]), market._pick([5, 10**6, 10**12], [1, 4, 4])
    leg = wire.Leg(debit_code=100, credit_code=430, currency=currency, amount=amount)
    return wire.PostGroup(group_id=f"f-{market._made}", count=1, legs=leg.encode())


def rarely(market: Any) -> wire.Command:
    """An action now and then: each ends what works in its instrument, and a market must go on."""
    return act(market) if market._chance(20) else market._submit()


MAKERS = ((rarely, 1),)
