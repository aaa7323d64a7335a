"""Which legs of a whole account on one underlying are margined together. Pure.

Up to MAX_TOGETHER legs the cheapest partition into groups of at most four is found exactly; more of them are taken in a canonical order, so
many at a time (of more than MANY four), which is an upper bound: what two parts could save together is not saved.
"""

from collections.abc import Iterable, Sequence

from quantumcore.services.risk.margin.pairing import MAX_LEGS
from quantumcore.services.risk.margin.strategies import Cost, Right, Rules, Sized, requirement

MAX_TOGETHER = 8
"""Legs among which the cheapest partition is found: 5 ms, some 7 at worst; 10 took 17, and 50 at worst."""
MANY = 64
"""Beyond so many legs a part is MAX_LEGS, so that an account of a thousand takes no longer than one of these."""
NOTHING = Cost(0, 0, 0)


def least_cost(legs: Sequence[Sized], rules: Rules) -> Cost:
    """Return what legs on one underlying need, premiums apart; never more than each by itself.

    Args:
        legs: In their canonical order (expiry, strike, right, number); shares first.
    """
    size = MAX_TOGETHER if len(legs) <= MANY else MAX_LEGS
    parts = [legs[at : at + size] for at in range(0, len(legs), size)]
    return _sum(_cheapest(part, rules) for part in parts)


def _cheapest(legs: Sequence[Sized], rules: Rules) -> Cost:
    """Find the cheapest partition, subset by subset: of each the group of its first leg, and the best of the rest.

    A group is remembered only where it saves something, so that few are tried.
    """
    best = [NOTHING] * (1 << len(legs))
    saving: list[list[tuple[int, Cost]]] = [[] for _ in legs]
    alone = [_sum([requirement([leg], rules)]) for leg in legs]
    shares = [cost.initial if leg.right is Right.STOCK else 0 for leg, cost in zip(legs, alone, strict=True)]
    least = [0] * len(best)  # what no grouping saves: the margin of shares
    for subset in range(1, len(best)):
        first = (subset & -subset).bit_length() - 1
        rest = subset & (subset - 1)
        least[subset] = least[rest] + shares[first]
        found = _both(alone[first], best[rest])
        for group, cost in saving[first]:
            if group & subset == group and cost.initial + best[subset ^ group].initial < found.initial:
                found = _both(cost, best[subset ^ group])
        if found.initial > least[subset] and 1 < subset.bit_count() <= MAX_LEGS:
            together = requirement([leg for at, leg in enumerate(legs) if subset >> at & 1], rules)
            if together is not None and together.initial < found.initial:
                found = together
                saving[first].append((subset, together))
        best[subset] = found
    return best[-1]


def _sum(costs: Iterable[Cost | None]) -> Cost:
    return Cost(*map(sum, zip(NOTHING, *(cost for cost in costs if cost is not None), strict=True)))


def _both(one: Cost, other: Cost) -> Cost:
    return Cost(one.initial + other.initial, one.maintenance + other.maintenance, one.naked + other.naked)
