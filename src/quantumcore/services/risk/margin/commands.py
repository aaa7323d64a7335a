"""From what people set for margin to the engine's commands: decimals become its integers, each bound by its field. Pure."""

from typing import Any, Protocol

from quantumcore.contracts import wire
from quantumcore.contracts.errors import invalid
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.contracts.risk_margin import (
    LOSSES,
    PROFILES,
    AccountMargin,
    LotGreeks,
    MarginSetting,
    MarginTerms,
    RiskArray,
    RiskDay,
    RiskLimits,
)
from quantumcore.contracts.values import I64_MAX, show
from quantumcore.services.risk.units import MODEL_PLACES, units

SHARE_PLACES = 6
SLOPE_PLACES = 12
MOST_SHARE = 10**7  # ten times the notional
MOST_SLOPE = 10**12
MOST_AGE_NS = 86_400 * 10**9
MOST_MODEL = 2**46
"""Of losses, minimums and greeks of a lot, in 10^-6 of the currency."""
GREEKS = ("delta", "gamma", "vega")
OF_MONEY = ("gross", "net", *GREEKS, "loss", "drawdown")
OF_SHARES = {"share": 10**6, "loss_rate": MOST_SHARE, "drawdown_rate": MOST_SHARE}


class Names(Protocol):
    """Numbers of what is named."""

    def symbol(self, symbol: str) -> Instrument:
        """Return an instrument; NotFound: there is none."""

    def currency(self, code: str) -> Currency:
        """Return a currency; NotFound: there is none."""


def subject_of(what: MarginSetting) -> str:
    """Return under what a setting is listed: a symbol, or an account."""
    match what:
        case MarginTerms() | RiskArray() | LotGreeks():
            return what.symbol
        case _:
            return str(what.account)


def command_of(what: MarginSetting, names: Names, made: tuple[int, ...] | None = None) -> wire.Command:
    """Return the command that sets `what`.

    Args:
        made: What a model has made of an array or of greeks, in 10^-6 of the currency.

    Raises:
        NotFound: A symbol or a currency.
        InvalidCommand: A bound, by its field.
    """
    match what:
        case MarginTerms():
            return _terms(what, names.symbol(what.symbol))
        case RiskArray():
            return _array(what, names.symbol(what.symbol), made)
        case LotGreeks():
            return _greeks(what, names.symbol(what.symbol), made)
        case AccountMargin():
            if what.profile not in PROFILES:
                listed = f"profile must be one of {', '.join(PROFILES)}"
                raise invalid("range", listed, field="profile", actual=what.profile[:64])
            currency = names.currency(what.currency).number
            return wire.SetAccountMargin(account=what.account, currency=currency, profile=PROFILES[what.profile])
        case RiskLimits():
            return _limits(what, names.currency(what.currency))
        case RiskDay():
            return wire.OpenRiskDay(account=what.account, currency=names.currency(what.currency).number)


def _terms(what: MarginTerms, instrument: Instrument) -> wire.SetMarginTerms:
    initial = units(what.initial, "initial", SHARE_PLACES, 0, MOST_SHARE)
    return wire.SetMarginTerms(
        instrument=instrument.number,
        initial=initial,
        maintenance=units(what.maintenance, "maintenance", SHARE_PLACES, 0, initial),
        slope=units(what.slope, "slope", SLOPE_PLACES, 0, MOST_SLOPE),
        mark_ns=units(what.mark_age_s, "mark_age_s", 9, 0, MOST_AGE_NS),
        array_ns=units(what.array_age_s, "array_age_s", 9, 0, MOST_AGE_NS),
        profile=int(what.always_volatility),
    )


def _array(what: RiskArray, instrument: Instrument, made: tuple[int, ...] | None) -> wire.SetRiskArray:
    if made is None and not what.losses:
        return wire.SetRiskArray(instrument=instrument.number, given=0)
    if made is None:
        if len(what.losses) != LOSSES:
            counts = {"limit": str(LOSSES), "actual": str(len(what.losses))}
            raise invalid("range", f"an array has {LOSSES} losses", field="losses", **counts)
        made = tuple(_model(text, f"losses[{at}]") for at, text in enumerate(what.losses))
    _bound(max(made, key=abs), "losses")
    minimum = units(what.short_minimum, "short_minimum", MODEL_PLACES, 0, MOST_MODEL)
    return wire.SetRiskArray(instrument=instrument.number, losses=made, short_minimum=minimum)


def _greeks(what: LotGreeks, instrument: Instrument, made: tuple[int, ...] | None) -> wire.SetGreeks:
    given = {name: _model(getattr(what, name), name) for name in GREEKS}
    if made is not None:
        for name, number in given.items():
            if number:
                raise invalid("range", "greeks are given, or made by a model", field=name, limit="0")
        given = dict(zip(GREEKS, made, strict=True))
        for name, number in given.items():
            _bound(number, name)
    return wire.SetGreeks(instrument=instrument.number, **given)


def _bound(number: int, field: str) -> None:
    """See that what a model has made can be told to the engine.

    Raises:
        InvalidCommand: It is beyond MOST_MODEL.
    """
    if abs(number) > MOST_MODEL:
        limits = {"limit": show(MOST_MODEL, MODEL_PLACES), "actual": show(number, MODEL_PLACES)}
        raise invalid("range", f"the model's {field} of a lot are beyond what the engine takes", field=field, **limits)


def _limits(what: RiskLimits, currency: Currency) -> wire.SetRiskLimits:
    given: dict[str, Any] = {}
    for name in OF_MONEY:
        text = getattr(what, name)
        if text is not None:
            given[name] = units(text, name, currency.scale, 0, I64_MAX)
    for name, most in OF_SHARES.items():
        text = getattr(what, name)
        if text is not None:
            given[name] = units(text, name, SHARE_PLACES, 1, most)
    scope = Scope.ACCOUNT if what.account else Scope.VENUE
    return wire.SetRiskLimits(account=what.account, scope=scope, currency=currency.number, **given)


def _model(text: str, field: str) -> int:
    return units(text, field, MODEL_PLACES, -MOST_MODEL, MOST_MODEL)
