"""How an account behaves over time: orders for each trade, trades in a row, the same order again and again (engine.md section 15)."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin.guards import EXECUTIONS, MAX_PATTERNS, Patterns
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


def check_orders(venue: Venue, account: int, now_ns: int) -> None:
    """REPEAT_LIMIT: the account is paused, or has sent too many orders for the trades that it made."""
    patterns = venue.guards.patterns.get(account)
    if patterns is None:
        return
    if patterns.paused:
        raise Refusal(Reason.REPEAT_LIMIT, Scope.ACCOUNT)
    if patterns.ratio:
        here = _in_window(patterns, now_ns)
        orders = patterns.orders + 1 if here else 1
        most = max(patterns.free_orders, patterns.ratio * patterns.fills if here else 0)
        if orders > most:
            raise Refusal(Reason.REPEAT_LIMIT, Scope.ACCOUNT, limit=most, actual=orders)


def check_duplicate(venue: Venue, command: wire.SubmitOrder, now_ns: int) -> None:
    """DUPLICATE_ORDER: the account has just sent the same often enough."""
    patterns = venue.guards.patterns.get(command.account)
    if patterns is None or not patterns.duplicates:
        return
    same, since = _body(command), now_ns - patterns.duplicates_ns
    before = sum(at > since and body == same for at, body in patterns.submissions)
    if before >= patterns.duplicates:
        raise Refusal(Reason.DUPLICATE_ORDER, Scope.ACCOUNT, limit=patterns.duplicates, actual=before + 1)


def count_order(venue: Venue, account: int, now_ns: int) -> None:
    """Count a submission or replacement."""
    patterns = venue.guards.patterns.get(account)
    if patterns is not None and patterns.ratio:
        _turn(patterns, now_ns)
        patterns.orders += 1


def count_submission(venue: Venue, command: wire.SubmitOrder, now_ns: int) -> None:
    """Remember what was sent."""
    patterns = venue.guards.patterns.get(command.account)
    if patterns is not None and patterns.duplicates:
        patterns.submissions.append((now_ns, _body(command)))


def note_fill(venue: Venue, account: int, now_ns: int) -> None:
    """Count a fill; the one that is one too many in its time pauses the account."""
    patterns = venue.guards.patterns.get(account)
    if patterns is None:
        return
    if patterns.ratio:
        _turn(patterns, now_ns)
        patterns.fills += 1
    if patterns.executions:
        times = patterns.fill_times
        times.append(now_ns)
        since = now_ns - patterns.executions_ns
        if len(times) >= patterns.executions and times[-patterns.executions] > since and not patterns.paused:
            patterns.paused = True
            venue.guards.tripped.append((EXECUTIONS, account, 0))


def _in_window(patterns: Patterns, now_ns: int) -> bool:
    return patterns.window == now_ns - now_ns % patterns.ratio_ns


def _turn(patterns: Patterns, now_ns: int) -> None:
    """Begin to count anew when another window has begun."""
    if not _in_window(patterns, now_ns):
        patterns.window, patterns.orders, patterns.fills = now_ns - now_ns % patterns.ratio_ns, 0, 0


def _body(command: wire.SubmitOrder) -> tuple[int, ...]:
    """Return what makes two submissions the same; zeros at the end of a decimal say nothing."""
    price, quantity = _shortest(command.price, command.price_scale), _shortest(command.quantity, command.quantity_scale)
    return command.instrument, command.side, *price, *quantity


def _shortest(mantissa: int, scale: int) -> tuple[int, int]:
    while scale and mantissa % 10 == 0:
        mantissa, scale = mantissa // 10, scale - 1
    return mantissa, scale


def set_patterns(venue: Venue, command: wire.SetPatterns, out: Outbox) -> None:
    """Replace what is looked at of an account; what was counted stays, and so does a pause."""
    venue.account(command.account)
    known = venue.guards.patterns
    if command.account not in known and len(known) >= MAX_PATTERNS:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
    patterns = known.setdefault(command.account, Patterns())
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    for name, value in body.items():
        setattr(patterns, name, value)
    out.tell(wire.PatternsChanged, account=command.account, **body)
