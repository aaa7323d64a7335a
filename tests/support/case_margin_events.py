"""The events of engine.md section 17, margin, as a case says them."""

from typing import TYPE_CHECKING, Any

from quantumcore.contracts import wire

if TYPE_CHECKING:
    from tests.support.case_events import Scales, Shown

PROFILES = {"off": 0, "volatility": 1, "scenarios": 3}
RUNGS = {0: "none", 1: "warn", 2: "cancel", 3: "partial", 4: "full", 5: "fund"}
FLAGS = {1: "stale", 2: "too_large", 4: "day", 8: "loss", 16: "drawdown"}
VERBS = {50: "terms", 51: "array", 52: "margin", 53: "greeks", 54: "risk", 55: "day", 56: "assess", 57: "take_over"}
OF_MARGIN = range(wire.MarginTermsChanged.KIND, wire.PositionTaken.KIND + 1)
AMOUNTS = ("gross", "net", "delta", "gamma", "vega", "loss", "drawdown")
STANDING = ("equity", "initial", "maintenance", "opening", "deposits", "result", "peak")


def standing(e: Any, currency: int, s: "Scales") -> dict[str, str]:
    """Return the numbers of an assessment, or of the answer to a question for one, as pairs."""
    flags = [word for flag, word in FLAGS.items() if e.margin_flags & flag]
    return {
        **{name: s.money(currency, getattr(e, name)) for name in STANDING},
        "profile": _name(PROFILES, e.profile),
        "rung": RUNGS[e.rung],
        "flags": "+".join(flags) or "none",
    }


def show(e: Any, s: "Scales", of: Any) -> "Shown":
    """Return an event of section 17 as a case says it; `of` makes a line of a head and pairs."""
    who = s.account(e.account) if e.account else "venue"
    match e:
        case wire.MarginAssessed():
            place = f"{who} {s.currency(e.currency)}"
            return of("assessed", place, **standing(e, e.currency, s), count=str(e.count))
        case wire.PositionTaken():
            both = {who: e.position, s.account(e.taker): e.taker_position}
            return of(
                "taken",
                f"{who} {s.account(e.taker)} {s.quantity(e.instrument, e.lots)}",
                money=s.money(e.quote, e.money),
                asset=s.money(e.base, e.asset),
                **{name: s.quantity(e.instrument, lots) for name, lots in both.items()},
            )
        case wire.RiskDayOpened():
            return of("day", f"{who} {s.currency(e.currency)}", opening=s.money(e.currency, e.opening))
        case wire.AccountMarginChanged():
            return of("margin", f"{who} {s.currency(e.currency)} {_name(PROFILES, e.profile)}")
        case wire.RiskLimitsChanged():
            amounts = {name: s.money(e.currency, getattr(e, name)) for name in AMOUNTS if getattr(e, name) >= 0}
            rates = {name: str(getattr(e, name)) for name in ("share", "loss_rate", "drawdown_rate")}
            return of("risk", f"{who} {s.currency(e.currency)}", **amounts, **rates)
        case wire.RiskArrayChanged():
            return of("array", losses=",".join(map(str, e.losses)), least=str(e.short_minimum), given=str(e.given))
        case _:
            name = "terms" if isinstance(e, wire.MarginTermsChanged) else "greeks"
            return of(name, **{each: str(getattr(e, each)) for each in e.LAYOUT.names[8:]})


def _name(names: dict[str, int], number: int) -> str:
    return next((name for name, known in names.items() if known == number), str(number))
