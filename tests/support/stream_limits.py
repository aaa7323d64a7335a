"""What a random market allows: firms, and limits of every record, mostly about as tight as what works (engine.md section 14)."""

from typing import Any

from quantumcore.contracts import wire

VENUE, ACCOUNT, INSTRUMENT, FIRM, GROUP = 1, 2, 3, 5, 6
NOT_SET = -1


def firm(market: Any) -> wire.SetFirm:
    """An account changes its clearing member."""
    return wire.SetFirm(account=market._account(), firm=market._pick([0, 1, 2], [1, 4, 2]))


def quantities(market: Any) -> wire.SetQuantityLimits:
    """A record of lots and orders; later it is opened wide again."""
    scope, names = _whose(market, GROUP, "group")
    in_all = scope == VENUE or (scope == ACCOUNT and "instrument" not in names)
    orders = market._pick([NOT_SET, 6, 12, 30, 0, 2**40], [40, 3, 6, 4, 1, 1])
    made = wire.SetQuantityLimits(
        scope=scope,
        max_order_lots=_lots(market, 85),
        max_long=_lots(market, 25),
        max_short=_lots(market, 25),
        max_open_orders=orders if in_all or market._chance(2) else NOT_SET,
        max_open_each=market._pick([NOT_SET, 4, 9, 20, 0], [40, 3, 6, 4, 1]),
        **names,
    )
    market._repairs.append(wire.SetQuantityLimits(scope=scope, **names))
    return made


def money(market: Any) -> wire.SetMoneyLimits:
    """A record of money, in a currency that something is quoted in, or not."""
    scope, names = _whose(market, FIRM, "firm")
    currency = market._pick([1, 4, 6, 2, 77], [60, 10, 6, 2, 1])
    made = wire.SetMoneyLimits(
        scope=scope,
        currency=currency,
        max_order_notional=_amount(market, 85),
        max_open_notional=_amount(market, 60),
        credit=_amount(market, 10) if scope == FIRM or market._chance(2) else NOT_SET,
        **names,
    )
    market._repairs.append(wire.SetMoneyLimits(scope=scope, currency=currency, **names))
    return made


def size(market: Any) -> wire.SetMarketSize:
    """A market about as large as positions become here; now and then not known, or larger than it may be."""
    each = [market._pick([100, 1_000, 10, 0, 2**53, 2**53 + 1, -1], [30, 30, 10, 20, 3, 1, 1]) for _ in range(2)]
    return wire.SetMarketSize(instrument=market._instrument(), open_interest=each[0], daily_volume=each[1])


def shares(market: Any) -> wire.SetMarketShares:
    """A record of how much of that somebody may have; later it is taken back."""
    scope, names = _whose(market, GROUP, "group")
    each = [
        market._pick([0, 100_000, 10**6, 2_500_000, 1, 10**9, 10**9 + 1], [40, 30, 20, 10, 2, 2, 1]) for _ in range(2)
    ]
    market._repairs.append(wire.SetMarketShares(scope=scope, **names))
    return wire.SetMarketShares(scope=scope, interest=each[0], volume=each[1], **names)


def _whose(market: Any, many: int, number: str) -> tuple[int, dict[str, int]]:
    scope = market._pick([VENUE, ACCOUNT, INSTRUMENT, many, 11 - many, 0], [6, 50, 8, 34, 1, 1])
    names: dict[str, int] = {}
    if scope == ACCOUNT:
        names["account"] = market._account()
        if market._chance(50):
            names["instrument"] = market._instrument()
    elif scope == INSTRUMENT:
        names["instrument"] = market._instrument()
    elif scope == many:
        names[number] = market._pick([1, 2, 0], [6, 3, 1])
    if market._chance(2):
        names |= market._pick([{number: 1}, {"account": 1}, {"instrument": 1}], [1, 1, 1])
    return scope, names


def _lots(market: Any, not_set: int) -> int:
    if market._chance(not_set):
        return NOT_SET
    return market._pick(
        [market._rng.randrange(5, 60), market._rng.randrange(10, 3_000), 2**62, 0, 2**63 - 1, -2], [85, 10, 2, 2, 1, 1]
    )


def _amount(market: Any, not_set: int) -> int:
    if market._chance(not_set):
        return NOT_SET
    tenth = 10 ** market._pick([2, 3, 4, 5, 6, 8], [2, 3, 8, 8, 3, 1])
    return market._pick([market._rng.randrange(tenth, 10 * tenth), 2**62, 0, 2**63 - 1, -2], [95, 2, 1, 1, 1])


MAKERS = ((firm, 1), (quantities, 1), (money, 1), (size, 1), (shares, 1))
