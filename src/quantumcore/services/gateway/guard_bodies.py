"""What a risk officer sends about guards of the engine: decimals and seconds as text, each record whole."""

from typing import Annotated, Literal

from msgspec import Meta

from quantumcore.contracts.risk_guards import PRODUCTS
from quantumcore.services.gateway.bodies import AccountText, Body, Decimal, Limit, SymbolText, Whole
from quantumcore.services.gateway.risk_bodies import Count, Reason

Cursor = Annotated[str, Meta(max_length=64)]


class InstrumentClassBody(Body, frozen=True, kw_only=True):
    """What the symbol is to the gate: under which symbol protections count it, its product, and what its short sales need."""

    underlying: SymbolText | None = None
    product: Count = 0
    needs_locate: bool = False
    price_test: bool = False
    outside_s: Decimal = "0"
    reason: Reason


class EntitlementsBody(Body, frozen=True, kw_only=True):
    """Which products the account may trade (null: all), and whether it may trade at all."""

    products: Annotated[list[Count], Meta(max_length=PRODUCTS)] | None = None
    enabled: bool = True
    reason: Reason


class RestrictionBody(Body, frozen=True, kw_only=True):
    """Onto the list of the account, the group, or the venue (neither is named), or off it."""

    account_id: AccountText | None = None
    group: Whole | None = None
    restricted: bool
    reason: Reason


class LocateBody(Body, frozen=True, kw_only=True):
    """How much the account may be short of; "0": nothing."""

    quantity: Decimal
    reason: Reason


class ThrottleBody(Body, frozen=True, kw_only=True):
    """Of the account, the session, or each one that has no other (neither is named): `rate` a second, `burst` at once; rate 0: not set."""

    account_id: AccountText | None = None
    session: Whole | None = None
    rate: Count
    burst: Count = 0
    reason: Reason


class PatternsBody(Body, frozen=True, kw_only=True):
    """What is looked at of the account over time; a number of 0 is off."""

    ratio: Count = 0
    free_orders: Count = 0
    ratio_s: Decimal = "0"
    executions: Count = 0
    executions_s: Decimal = "0"
    duplicates: Count = 0
    duplicates_s: Decimal = "0"
    reason: Reason


class ProtectionBody(Body, frozen=True, kw_only=True):
    """More than `fills`, `quantity` whole lots, or net `delta` or `vega` in money, in `window_s` freeze the account in the underlying for `frozen_s` ("0": until resumed).

    window_s "0": no protection.
    """

    window_s: Decimal
    fills: Count = 0
    quantity: Decimal = "0"
    frozen_s: Decimal = "0"
    delta: Decimal = "0"
    vega: Decimal = "0"
    reason: Reason


class ResumeBody(Body, frozen=True, kw_only=True):
    """Which pause is lifted: of executions, or of the protection in the underlying; `pause`: its sequence, if only that one is meant."""

    account_id: AccountText
    cause: Literal["executions", "protection"]
    underlying: SymbolText | None = None
    pause: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    reason: Reason


class GuardsQuery(Body, frozen=True, kw_only=True):
    """A page of records, of one account or symbol (of protections: underlying) if it is named."""

    account_id: AccountText | None = None
    symbol: SymbolText | None = None
    limit: Limit = 100
    cursor: Cursor = ""


class PausesQuery(Body, frozen=True, kw_only=True):
    """A page of pauses, of one account if it is named."""

    account_id: AccountText | None = None
    limit: Limit = 100
    cursor: Cursor = ""


class GuardChangesQuery(Body, frozen=True, kw_only=True):
    """A page of changes, newest first; of one account, symbol or `session-` and its number, if it is named (0: the venue)."""

    subject: Annotated[str, Meta(max_length=32)] = ""
    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=20)] = ""
