"""The rules of an instrument's trading that an operator sets as a whole: allocation, bands, collars, interruptions."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

TIME, PRO_RATA, TOP_FIRST = 0, 1, 2  # allocation
ONE = 10**8  # rates are integers of 10^-8
DAY_NS = 24 * 3600 * 10**9


def set_trading_rules(venue: Venue, command: wire.SetTradingRules, out: Outbox) -> None:
    """Set all rules of an instrument at once; a rule that is 0 is off."""
    venue.instrument(command.instrument)
    if not _can_be(command):
        raise Refusal(Reason.BAD_RULES)
    venue.rules[command.instrument] = command
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    out.tell(wire.TradingRulesChanged, instrument=command.instrument, **body)


def _can_be(rules: wire.SetTradingRules) -> bool:
    rates = (rules.static_band, rules.price_collar, rules.dynamic_band, rules.velocity)
    times = (rules.limit_state_ns, rules.call_ns, rules.velocity_ns)
    return (
        rules.allocation <= TOP_FIRST
        and all(0 <= rate < ONE for rate in rates)
        and all(0 <= time <= DAY_NS for time in times)
        and (rules.dynamic_band == 0 or rules.call_ns > 0)
        and (rules.velocity == 0 or (rules.velocity_ns > 0 and rules.call_ns > 0))
    )
