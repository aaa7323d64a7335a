"""What an instrument is to the gate, and which products an account may trade."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin.guards import Entitlements, InstrumentClass
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


def check(venue: Venue, account: int, instrument: int) -> None:
    """NOT_ENTITLED: the account may not trade, or not this product."""
    entitled = venue.guards.entitlements.get(account)
    if entitled is None:
        return
    product = venue.guards.class_of(instrument).product
    if not entitled.enabled or not entitled.products >> product & 1:
        raise Refusal(Reason.NOT_ENTITLED, Scope.ACCOUNT)


def set_class(venue: Venue, command: wire.SetInstrumentClass, out: Outbox) -> None:
    """Say what an instrument is: its underlying, its product, what its short sales need, and how old a reference may be."""
    venue.instrument(command.instrument)
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    venue.guards.classes[command.instrument] = InstrumentClass(
        underlying=command.underlying,
        product=command.product,
        flags=command.class_flags,
        outside_ns=command.outside_ns,
    )
    out.tell(wire.InstrumentClassChanged, instrument=command.instrument, **body)


def set_entitlements(venue: Venue, command: wire.SetEntitlements, out: Outbox) -> None:
    """Say which products an account may trade, and whether it may trade at all."""
    venue.account(command.account)
    venue.guards.entitlements[command.account] = Entitlements(command.products, bool(command.enabled))
    out.tell(wire.EntitlementsChanged, account=command.account, products=command.products, enabled=command.enabled)
