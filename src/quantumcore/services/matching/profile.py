"""What every account may that nobody has set limits for: commanded once, before the first order."""

from collections.abc import Sequence
from dataclasses import dataclass

from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.contracts.wire import DefineCurrency, SetMoneyLimits, SetQuantityLimits, decode_command


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The venue's own records of limits (docs/reference/engine.md section 14).

    Attributes:
        order_notional: Of one order, in whole units of each quote currency.
        position_lots: Of a position at its worst, long or short.
        open_orders, open_each: Working orders of an account, in all instruments and in one.
    """

    order_notional: int = 100_000_000
    position_lots: int = 10**9
    open_orders: int = 10_000
    open_each: int = 5_000

    def of_venue(self) -> bytes:
        """Return the command that limits lots and orders."""
        return SetQuantityLimits(
            scope=Scope.VENUE,
            max_long=self.position_lots,
            max_short=self.position_lots,
            max_open_orders=self.open_orders,
            max_open_each=self.open_each,
        ).encode()

    def with_limits(self, definitions: Sequence[bytes]) -> list[bytes]:
        """Return `definitions`, and behind each of a currency the command that limits money of it."""
        return [command for definition in definitions for command in (definition, *self._of_currency(definition))]

    def _of_currency(self, definition: bytes) -> list[bytes]:
        command = decode_command(definition)
        if not isinstance(command, DefineCurrency):
            return []
        most = min(self.order_notional * 10**command.scale, I64_MAX)
        return [SetMoneyLimits(scope=Scope.VENUE, currency=command.currency, max_order_notional=most).encode()]
