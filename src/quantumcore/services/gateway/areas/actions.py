"""Corporate actions, expiry, exercise and funding: what an operator does to all who hold an instrument."""

import msgspec

from quantumcore.contracts import wire
from quantumcore.contracts.actions import (
    ACTION_NUMBERS,
    RIGHT_NUMBERS,
    GetAction,
    show_action,
)
from quantumcore.contracts.days import effective_day
from quantumcore.contracts.errors import Conflict, QuantumCoreError, invalid
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import I64_MAX, Scaled, check_client_id, show
from quantumcore.services.gateway.areas.reference import NOBODY, fresh
from quantumcore.services.gateway.codec import shown
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.money_bodies import ActionBody
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.sequencing import refusal
from quantumcore.services.gateway.units import multiple, rate

MAX_SEED = 2**64 - 1
_RATIO = ("numerator", "denominator", "price")
_NEEDS = {
    "split": _RATIO,
    "stock_dividend": _RATIO,
    "cash_dividend": ("amount",),
    "conversion": ("target", *_RATIO),
    "spin_off": ("target", *_RATIO, "rate"),
    "adjustment": _RATIO,
    "settlement": (),
    "exercise": ("target", "numerator", "strike", "right"),
    "funding": ("price", "rate"),
    "borrow_fee": ("price", "rate"),
}
_MAY = {
    "adjustment": ("target",),
    "settlement": ("price", "underlying_price", "strike", "right"),
    "exercise": ("account_id", "quantity", "seed"),
}
_CONFLICTS = (Reason.INSUFFICIENT, Reason.DUPLICATE_ID, Reason.ACCOUNT_FROZEN, Reason.ACCOUNT_CLOSED)


class ActionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An action that was done; what its kind does not use is null. clearing and rounding are what 430 (330) gave and 410 kept."""

    action_id: str
    kind: str
    symbol: str
    target: str | None
    effective_date: str | None
    ratio: str | None
    price: str | None
    amount: str | None
    rate: str | None
    right: str | None
    account_id: str | None
    quantity: str | None
    seed: str | None
    accounts: int
    currency: str
    clearing: str
    rounding: str
    asset: str
    target_asset: str | None
    sequence: int
    time: str


async def apply(gate: Gate, call: Call, body: ActionBody) -> ActionAnswer:  # noqa: ARG001  # as every handler
    """Do an action to all who hold, whole or not at all; the same id and body answers the same again."""
    check_client_id(body.action_id, "action_id")
    _check_fields(body)
    catalogue = await fresh(gate)
    command = _command(body, catalogue)
    sequenced = await gate.bus.request(Sequence(command=command.encode()))
    events = wire.decode_events(sequenced.events)
    for event in events:
        if isinstance(event, wire.CommandRefused):
            raise _refusal(event)
        if isinstance(event, wire.PositionAdjusted):
            gate.own_writes.wrote(event.account, event.sequence)
        if isinstance(event, wire.ActionApplied):
            gate.own_writes.wrote(NOBODY, event.sequence, body.symbol)
            return shown(ActionAnswer, show_action(event, catalogue))
    first = next(event.order_sequence for event in events if isinstance(event, wire.CommandDone))
    return shown(ActionAnswer, await gate.bus.request(GetAction(action_id=body.action_id, at_least=first)))


async def get(gate: Gate, call: Call) -> ActionAnswer:
    """Show what was done under an id."""
    action_id = check_client_id(call.params["id"], "action_id")
    at_least = gate.own_writes.at_least(NOBODY)
    return shown(ActionAnswer, await gate.bus.request(GetAction(action_id=action_id, at_least=at_least)))


def _check_fields(body: ActionBody) -> None:
    """Refuse what the kind needs and has not, and what it has and does not use."""
    needs, may = _NEEDS[body.kind], _MAY.get(body.kind, ())
    always = ("action_id", "kind", "symbol", "effective_date")
    for name in body.__struct_fields__:
        given = getattr(body, name) is not None
        if name in needs and not given:
            raise invalid("missing", f"{name} is missing: {body.kind} needs it", field=name)
        if given and name not in (*always, *needs, *may):
            raise invalid("range", f"{body.kind} has no {name}", field=name)
    if body.kind == "exercise":
        one = [getattr(body, name) is not None for name in ("account_id", "quantity", "seed")]
        if any(one) and not all(one):
            raise invalid("missing", "account_id, quantity and seed go together", field="account_id")


def _command(body: ActionBody, catalogue: Catalogue) -> wire.ApplyAction:
    instrument = catalogue.symbol(body.symbol)
    target = catalogue.symbol(body.target) if body.target is not None else None
    amount = _amount(body.amount) if body.amount is not None else Scaled(0, 0)
    return wire.ApplyAction(
        instrument=instrument.number,
        account=account_number(body.account_id, "account_id") if body.account_id is not None else 0,
        action_id=body.action_id,
        effective_day=effective_day(body.effective_date or ""),
        action=ACTION_NUMBERS[body.kind],
        right=RIGHT_NUMBERS[body.right] if body.right is not None and body.kind == "exercise" else 0,
        amount_scale=amount.scale,
        target=target.number if target is not None else 0,
        numerator=body.numerator or 0,
        denominator=body.denominator or 0,
        price=_price(body, target or instrument),
        amount=amount.mantissa,
        rate=rate(body.rate, "rate") if body.rate is not None else 0,
        quantity=_quantity(body.quantity, instrument) if body.quantity is not None else 0,
        seed=_seed(body.seed) if body.seed is not None else 0,
    )


def _price(body: ActionBody, priced: Instrument) -> int:
    """Return the price in ticks: of a settlement the one that is given, or the intrinsic value of the option."""
    if body.kind == "settlement":
        return _settlement(body, priced)
    name = "strike" if body.kind == "exercise" else "price"
    text = getattr(body, name)
    return _ticks(text, priced, name, least=int(body.kind in ("exercise", "funding", "borrow_fee"))) if text else 0


def _settlement(body: ActionBody, priced: Instrument) -> int:
    parts = (body.underlying_price, body.strike, body.right)
    if body.price is not None:
        if any(part is not None for part in parts):
            raise invalid("range", "a price is given, so nothing is to be computed", field="price")
        return _ticks(body.price, priced, "price")
    if body.underlying_price is None or body.strike is None or body.right is None:
        detail = "price is missing, or underlying_price, strike and right, of which it follows"
        raise invalid("missing", detail, field="price")
    underlying = Scaled.parse(body.underlying_price, "underlying_price")
    strike = Scaled.parse(body.strike, "strike")
    scale = max(underlying.scale, strike.scale)
    above = underlying.mantissa * 10 ** (scale - underlying.scale) - strike.mantissa * 10 ** (scale - strike.scale)
    intrinsic = max(0, above if body.right == "call" else -above)
    return _ticks(show(intrinsic, scale), priced, "underlying_price")


def _ticks(text: str, priced: Instrument, field: str, least: int = 0) -> int:
    ticks = multiple(text, Scaled(priced.tick, priced.tick_scale), field)
    if ticks < least:
        raise invalid(
            "range", f"{field} must be at least {least} ticks", field=field, limit=str(least), actual=text[:64]
        )
    return ticks


def _amount(text: str) -> Scaled:
    amount = Scaled.parse(text, "amount")
    if amount.mantissa <= 0:
        raise invalid("range", "amount must be over 0", field="amount", limit="0", actual=text[:64])
    return amount


def _quantity(text: str, instrument: Instrument) -> int:
    lots = multiple(text, Scaled(instrument.lot, instrument.lot_scale), "quantity")
    if not 0 < lots <= I64_MAX:
        raise invalid("range", "quantity must be over 0", field="quantity", limit="0", actual=text[:64])
    return lots


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > MAX_SEED:
        raise invalid("range", f"seed is 0 to {MAX_SEED}", field="seed", limit=str(MAX_SEED), actual=text[:64])
    return int(text)


def _refusal(event: wire.CommandRefused) -> QuantumCoreError:
    """Return the error that a refusal is; whose numbers do not fit is named."""
    error = refusal(event)
    if Reason(event.reason) in _CONFLICTS:
        error = Conflict(error.code, error.detail, limit=error.limit, actual=error.actual)
    if event.order_slot:
        error.detail = f"{error.detail} for account {event.order_slot}"
    return error
