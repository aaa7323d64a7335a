"""What a contract is, for margin by strategies and by scenarios: read from the model that somebody set of it. Pure; exact.

An instrument without a model is a stock of itself.
"""

from dataclasses import dataclass
from fractions import Fraction

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import invalid
from quantumcore.contracts.risk_margin import LotModel
from quantumcore.contracts.values import Scaled
from quantumcore.services.risk.margin.strategies import Right

RIGHTS = {"linear": Right.STOCK, "call": Right.CALL, "put": Right.PUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What one lot of an instrument is.

    Attributes:
        underlying: A symbol. right: STOCK: it is worth the underlying itself.
        strike: Over 0; 0 of STOCK. expires_ns: 0 without an end.
        multiplier: Units of the underlying in a lot, over 0.
        model: What it was read from.
    """

    underlying: str
    right: Right
    strike: Fraction
    expires_ns: int
    multiplier: Fraction
    model: LotModel

    @property
    def option(self) -> bool:
        """Whether it is a right, and no duty."""
        return self.right is not Right.STOCK

    @property
    def day(self) -> int:
        """The day on which it expires, in days since 1970; 0 without an end."""
        return self.expires_ns // DAY_NS

    def expired(self, now_ns: int) -> bool:
        """Tell whether it is an option that is no more."""
        return self.option and self.expires_ns <= now_ns


def contract_of(model: LotModel) -> Contract:
    """Return the contract that a model is of.

    Raises:
        InvalidCommand: A term of it, by its field.
    """
    right = RIGHTS.get(model.type)
    if right is None:
        raise invalid("range", f"type must be one of {', '.join(RIGHTS)}", field="type", actual=model.type[:64])
    return Contract(
        underlying=model.underlying,
        right=right,
        strike=Fraction(0) if right is Right.STOCK else _over_zero(model.strike or "", "strike"),
        expires_ns=model.expires_ns,
        multiplier=_over_zero(model.multiplier, "multiplier"),
        model=model,
    )


def _over_zero(text: str, field: str) -> Fraction:
    given = Scaled.parse(text, field)
    if given.mantissa <= 0:
        raise invalid("range", f"{field} is over 0", field=field, limit="0", actual=text[:64])
    return Fraction(given.mantissa, 10**given.scale)
