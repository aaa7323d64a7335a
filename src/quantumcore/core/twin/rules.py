"""Setting how an instrument trades: its rules and its static reference."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.core.twin import gate, phases
from quantumcore.core.twin.fees import RATE_ONE
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.regime import TOP_FIRST, Rules
from quantumcore.core.twin.venue import Venue

DAY_NS = 24 * 3600 * 10**9


def set_rules(venue: Venue, command: wire.SetTradingRules, out: Outbox) -> None:
    """Replace all rules of an instrument; a limit state ends, velocity begins anew, a running call keeps its end."""
    venue.instrument(command.instrument)
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    rules = Rules(**body)
    if not _hold(rules):
        raise Refusal(Reason.BAD_RULES)
    regime = venue.regimes[command.instrument]
    out.tell(wire.TradingRulesChanged, instrument=command.instrument, **body)
    regime.rules = rules
    regime.prints.clear()
    venue.touched.add(command.instrument)  # a band that kept a dark order from trading may be gone
    phases.end_limit_state(venue, command.instrument, out)


def _hold(rules: Rules) -> bool:
    rates = (rules.static_band, rules.price_collar, rules.dynamic_band, rules.velocity)
    times = (rules.limit_state_ns, rules.call_ns, rules.velocity_ns)
    return (
        rules.allocation <= TOP_FIRST
        and all(0 <= rate < RATE_ONE for rate in rates)
        and all(0 <= time_ns <= DAY_NS for time_ns in times)
        and bool(rules.call_ns or not rules.dynamic_band)
        and bool((rules.call_ns and rules.velocity_ns) or not rules.velocity)
    )


def set_reference(venue: Venue, command: wire.SetReference, out: Outbox) -> None:
    """Set the static reference, or take it away with 0."""
    instrument = venue.instrument(command.instrument)
    if command.price:
        gate.check_price(instrument, command.price, Reason.BAD_MARK)
    venue.books[command.instrument].reference = command.price or None
    venue.touched.add(command.instrument)
    out.tell(wire.ReferenceChanged, instrument=command.instrument, price=command.price)
