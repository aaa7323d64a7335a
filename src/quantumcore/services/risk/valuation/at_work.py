"""What works, and what it is worth, by the engine's own rule (docs/reference/engine.md section 14, "What works"). Pure; integers.

Two that stand for each other count once on their side, with the larger; exits that wait for their entry are never more lots than it has filled.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.values import I64_MAX
from quantumcore.services.risk.margin.amounts import ceiling
from quantumcore.services.risk.state import ENTRY, PAIR, Working


def lots_at_work(orders: Sequence[Working]) -> Counter[tuple[int, int]]:
    """Return the lots that work, by (instrument, side); `orders`: all of an account in an instrument, or none of it."""
    found: Counter[tuple[int, int]] = Counter()
    filled = {one.link: one.filled for one in orders if one.tie == ENTRY}
    for counted in _together(orders):
        first = counted[0]
        lots = max(one.leaves for one in counted)
        most = filled.get(first.link, I64_MAX) if first.tie == PAIR else I64_MAX
        found[first.instrument, first.side] += min(lots, most)
    return found


def worth_at_work(orders: Iterable[Working], instruments: Mapping[int, Instrument]) -> Counter[int]:
    """Return the gross notional of what works, in minor units, by the quote currency; those that wait count whole."""
    found: Counter[int] = Counter()
    for counted in _together(orders):
        instrument = instruments[counted[0].instrument]
        found[instrument.quote.number] += max(_worth(one, instrument) for one in counted)
    return found


def _together(orders: Iterable[Working]) -> Iterable[list[Working]]:
    """Return the orders, those together that count once."""
    alone: list[list[Working]] = []
    pairs: dict[tuple[int, int], list[Working]] = {}
    for one in orders:
        if one.tie == PAIR:
            pairs.setdefault((one.link, one.side), []).append(one)
        else:
            alone.append([one])
    return [*alone, *pairs.values()]


def _worth(order: Working, instrument: Instrument) -> int:
    """Return what an order may still draw: what it would have filled at its limit, less what it has, each rounded up."""
    unit, per = instrument.unit.as_integer_ratio()
    whole = order.notional + order.price * order.leaves
    return min(ceiling(whole * unit, per) - ceiling(order.notional * unit, per), I64_MAX)
