"""The events of engine.md section 15, who may and how often, as a case says them."""

from typing import TYPE_CHECKING, Any

from quantumcore.contracts import wire

if TYPE_CHECKING:
    from tests.support.case_events import Scales, Shown

MODES = {"off": 0, "all": 1, "reduce_only": 2}
CAUSES = {1: "executions", 2: "protection"}
VERBS = {
    40: "switch", 41: "class", 42: "entitle", 43: "restrict", 44: "locate", 45: "throttle", 46: "patterns",
    47: "protect", 48: "quote", 49: "resume",
}  # fmt: skip
OF_GUARDS = range(wire.KillChanged.KIND, wire.PauseChanged.KIND + 1)
_FOR_EVER = 2**63 - 1


def show(e: Any, s: "Scales", of: Any) -> "Shown":
    """Return an event of section 15 as a case says it; `of` makes a line of a head and pairs."""
    who = s.account(e.account) if e.account else "venue"
    names = {name: str(getattr(e, name)) for name in e.LAYOUT.names[8:]}
    match e:
        case wire.KillChanged():
            level = {1: "venue", 2: who, 3: "instrument", 5: f"firm {e.subject}", 7: f"session {e.subject}"}[e.scope]
            mode = next(name for name, number in MODES.items() if number == e.mode)
            return of("switch", f"{level} {mode}", count=str(e.count))
        case wire.PauseChanged():
            until = "resumed" if e.until_ns == _FOR_EVER else s.since(e.until_ns) if e.until_ns else "none"
            pairs = {"underlying": str(e.underlying), "until": until, "count": str(e.count)}
            return of("paused" if e.paused else "resumed", f"{who} {CAUSES[e.cause]}", **pairs)
        case wire.QuoteChanged():
            prices = (s.price(e.instrument, price) if price else "none" for price in (e.bid, e.ask))
            return of("quote", " ".join(prices))
        case wire.InstrumentClassChanged():
            return of("class", **names)
        case wire.EntitlementsChanged():
            return of("entitled", who, **names)
        case wire.RestrictionChanged():
            return of("restricted", **names)
        case wire.LocateChanged():
            return of("located", f"{who} {e.lots}")
        case wire.ThrottleChanged():
            return of("throttle", **names)
        case wire.PatternsChanged():
            return of("patterns", who, **names)
        case _:
            return of("protection", who, **names)
