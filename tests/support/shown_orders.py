"""What a random market submits of orders that show a part, nothing, or whose price the book decides."""

import random
from typing import Any

import msgspec

from quantumcore.contracts import wire

I64_MAX = 2**63 - 1
TERMS = wire.SubmitAdvancedOrder.LAYOUT.names[len(wire.SubmitOrder.LAYOUT.names) :]


def advanced(plain: wire.SubmitOrder, **changes: Any) -> wire.SubmitAdvancedOrder:
    """Return `plain` with further terms, and with other plain ones where `changes` names them."""
    return wire.SubmitAdvancedOrder(**{**msgspec.structs.asdict(plain), **changes})


class ShownOrders:
    """Makers of icebergs, dark orders, budgets, pegs and slides for `Market`, which has what they draw from."""

    _rng: random.Random
    _submitted: Any
    _pick: Any
    _chance: Any
    _submit: Any
    _replace: Any
    _definition: Any
    _scale_of: Any

    @staticmethod
    def _changed(command: Any, **changes: Any) -> Any:
        values = {name: getattr(command, name) for name in command.__struct_fields__}
        return type(command)(**{**values, **changes})

    def _submit_shown(self) -> wire.SubmitAdvancedOrder:
        """An order that shows a part, nothing, or that has a minimum, a budget, a peg, or a price that the book decides."""
        plain = self._submit()
        make = self._pick(
            [self._iceberg, self._dark, self._minimum, self._budget, self._peg, self._slide, self._to_limit],
            [5, 3, 6, 4, 5, 2, 2],
        )
        simple = {"order_type": 2, "time_in_force": 1, "flags": 0} if self._chance(60) else {}
        command = advanced(plain, **{**simple, **make(plain)})
        if self._chance(3):
            command = self._changed(command, **{self._rng.choice(TERMS): self._rng.randrange(3)})
        self._submitted[-1] = command
        return command

    def _lots(self, instrument: int, lots: int) -> tuple[int, int]:
        terms = self._definition(instrument)
        mantissa = lots * terms.lot + self._chance(2)
        return (mantissa, terms.lot_scale) if abs(mantissa) <= I64_MAX else (I64_MAX, 0)

    def _part(self, plain: wire.SubmitOrder) -> tuple[int, int]:
        """Return some lots that are mostly fewer than the quantity's."""
        terms = self._definition(plain.instrument)
        lots = plain.quantity * 10 ** max(0, terms.lot_scale - plain.quantity_scale) // terms.lot
        part = self._pick(
            [max(1, lots // 900), max(1, lots // 5), max(1, lots // 2), lots - 1, lots, lots + 1, 0, -1],
            [9] * 4 + [3, 1, 1, 1],
        )
        return self._lots(plain.instrument, part)

    def _iceberg(self, plain: wire.SubmitOrder) -> dict[str, int]:
        display, scale = self._part(plain)
        short = display // 2 - (display // 2) % self._definition(plain.instrument).lot
        short = self._pick([0, short, display], [5, 5, 1])
        return {
            "display": display,
            "display_scale": scale,
            "display_range": short,
            "seed": self._rng.randrange(2**32) if short else 0,
        }

    def _dark(self, _: wire.SubmitOrder) -> dict[str, int]:
        return {"flags": self._pick([8, 16, 24, 9], [10, 4, 4, 1])}

    def _minimum(self, plain: wire.SubmitOrder) -> dict[str, int]:
        if self._chance(50):
            return {"flags": self._pick([16, 24], [3, 1]), "time_in_force": self._pick([1, 3, 4], [4, 2, 1])}
        least, scale = self._part(plain)
        flags = self._pick([0, 8, 16, 1], [20, 4, 1, 1])
        tif = self._pick([1, 3, 4], [4, 2, 1])
        return {"min_quantity": least, "min_quantity_scale": scale, "time_in_force": tif, "flags": flags}

    def _budget(self, plain: wire.SubmitOrder) -> dict[str, int]:
        terms = self._definition(plain.instrument)
        scale = self._scale_of(terms.quote)
        whole = max(0, plain.price) * max(0, plain.quantity) * terms.multiplier * 10**scale
        money = whole // 10 ** (plain.price_scale + plain.quantity_scale) * self._rng.randrange(1, 120) // 100
        money = self._pick([min(money, I64_MAX), self._rng.randrange(1, 10**4), 0, -1], [12, 4, 1, 1])
        takes = {"side": self._pick([1, 2], [20, 1]), "time_in_force": self._pick([3, 4, 1], [10, 8, 1]), "flags": 0}
        return {"budget": money, "budget_scale": scale + self._chance(2), **takes}

    def _peg(self, plain: wire.SubmitOrder) -> dict[str, int]:
        terms = self._definition(plain.instrument)
        offset = self._rng.randrange(-4, 5) if self._chance(60) else 0
        found = {
            "order_type": self._pick([10, 2], [30, 1]),
            "peg": self._pick([1, 2, 3, 0], [10, 10, 10, 1]),
            "flags": 0,
        }
        if self._chance(20):
            found |= self._iceberg(plain)
        return {**found, "offset": offset * terms.tick + self._chance(2), "offset_scale": terms.tick_scale}

    def _slide(self, _: wire.SubmitOrder) -> dict[str, int]:
        return {"flags": self._pick([3, 2, 11], [20, 1, 1])}

    def _to_limit(self, _: wire.SubmitOrder) -> dict[str, int]:
        price = {} if self._chance(5) else {"price": 0, "price_scale": 0}
        return {"order_type": 5, "flags": self._pick([0, 8, 16, 1], [10, 2, 2, 1]), **price}

    def _replace_display(self) -> wire.Command:
        """Any order gets a display, which only some can have."""
        plain = self._replace()
        fields = {name: getattr(plain, name) for name in wire.ReplaceOrder.LAYOUT.names[2:]}
        fields["fields"] |= self._pick([8, 4, 12, 0], [20, 1, 1, 1])
        display = self._rng.randrange(-1, 12) * self._pick([1, 7, 10], [1, 1, 1])
        return wire.ReplaceAdvancedOrder(**fields, display=display if fields["fields"] & 8 else 0)
