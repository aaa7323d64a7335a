"""What an order is beyond a plain one, as its events leave it. Pure, in ticks, lots, minor units and nanoseconds."""

from enum import IntEnum

import msgspec

from quantumcore.contracts.terms import AUCTION_TIMES, BRACKET, BY_PARENT, OTO, PEGGED, TRIGGERED_TYPES
from quantumcore.contracts.wire import (
    OrderEntered,
    OrderRefilled,
    OrderReplaced,
    OrdersLinked,
    OrderTriggered,
    OrderWaits,
    StopMoved,
    TermsAccepted,
)

PLAIN_FLAGS = 1  # none, or post_only
PLAIN_TYPES = frozenset({1, 2})
PLAIN_TIMES = frozenset({1, 3, 4})
WITHOUT_LIMIT = frozenset({1, 3, 6, 8})  # types: market, stop, trailing_stop, market_if_touched
SLIDE, REDUCE_ONLY, HIDDEN, ALL_OR_NONE, CANCEL_ON_DISCONNECT, SHORT_EXEMPT = 2, 4, 8, 16, 32, 64
ASKED_FOR = 0  # OrderReplaced reason
NO_REFERENCE = 1  # OrderWaits cause


class Waiting(IntEnum):
    """What an order waits for; the numbers stand in tables."""

    NOTHING = 0
    TRIGGER = 1
    AUCTION = 2
    REFERENCE = 3
    PARENT = 4


class Terms(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """An order's further terms and where it is.

    Attributes:
        trail: Ticks, or with trail_unit 2 a rate of 10^-8.
        working_price: A pegged order's place now; 0 before it has one.
        triggered_ns: When its trigger fired; 0 before.
        link, member: The kind of its link (0 none), and its place among `members`, which are slots.
    """

    flags: int = 0
    stop_price: int = 0
    trail: int = 0
    offset: int = 0
    display: int = 0
    display_range: int = 0
    min_quantity: int = 0
    budget: int = 0
    expires_ns: int = 0
    trigger: int = 0
    trail_unit: int = 0
    peg: int = 0
    waiting: int = 0
    refills: int = 0
    working_price: int = 0
    triggered_ns: int = 0
    link: int = 0
    member: int = 0
    members: tuple[int, ...] = ()

    def accepted(self, event: TermsAccepted, order_type: int, time_in_force: int) -> "Terms":
        """Return them as the engine has them now: at acceptance, and again when a replacement changed them."""
        waiting = self.waiting
        if event.waits and waiting == Waiting.NOTHING:
            waiting = _awaited(order_type, time_in_force)
        return msgspec.structs.replace(
            self,
            stop_price=event.stop_price,
            trail=event.trail,
            offset=event.offset,
            display=event.display,
            display_range=event.display_range,
            min_quantity=event.min_quantity,
            budget=event.budget,
            expires_ns=event.expires_ns,
            trigger=event.trigger,
            trail_unit=event.trail_unit,
            peg=event.peg,
            waiting=waiting,
        )

    def triggered(self, event: OrderTriggered, order_type: int) -> "Terms":
        """Return them after a trigger fired; what its parent freed may wait for a trigger or a reference of its own."""
        if event.source == BY_PARENT:
            waiting = Waiting.REFERENCE if order_type == PEGGED else Waiting.NOTHING
            if order_type in TRIGGERED_TYPES:
                waiting = Waiting.TRIGGER
            return msgspec.structs.replace(self, waiting=waiting)
        return msgspec.structs.replace(self, waiting=Waiting.NOTHING, triggered_ns=event.time_ns)

    def entered(self, event: OrderEntered) -> "Terms":
        """Return them in the book."""
        return msgspec.structs.replace(self, waiting=Waiting.NOTHING, working_price=event.price if self.peg else 0)

    def left(self, event: OrderWaits) -> "Terms":
        """Return them out of the book."""
        waiting = Waiting.REFERENCE if event.cause == NO_REFERENCE else Waiting.AUCTION
        return msgspec.structs.replace(self, waiting=waiting, working_price=0)

    def refilled(self, event: OrderRefilled) -> "Terms":
        """Return them after an iceberg showed anew."""
        return msgspec.structs.replace(self, refills=event.refills)

    def moved(self, event: StopMoved) -> "Terms":
        """Return them after the stop followed the market."""
        return msgspec.structs.replace(self, stop_price=event.stop_price)

    def replaced(self, event: OrderReplaced, price: int) -> "tuple[int, Terms]":
        """Return (the order's price, its terms) after a replacement.

        A peg's price is its cap, and what is told of one that waits. Of one in the book only a replacement that was asked for
        and cost it its place may have changed the cap; it comes back to the book by itself.
        """
        if not self.peg or self.waiting:
            return event.price, self
        if event.reason == ASKED_FOR and not event.priority_kept:
            return event.price, msgspec.structs.replace(self, working_price=0, waiting=Waiting.REFERENCE)
        return price, msgspec.structs.replace(self, working_price=event.price)

    def linked(self, event: OrdersLinked, slot: int) -> "Terms":
        """Return them as those of a member: the child of an OTO and the exits of a bracket wait for their parent."""
        members = event.slots
        member = members.index(slot)
        dependent = member > 0 and event.link in (OTO, BRACKET)
        return msgspec.structs.replace(
            self,
            link=event.link,
            member=member,
            members=members,
            waiting=Waiting.PARENT if dependent else self.waiting,
        )


def _awaited(order_type: int, time_in_force: int) -> Waiting:
    if order_type in TRIGGERED_TYPES:
        return Waiting.TRIGGER
    if time_in_force in AUCTION_TIMES:
        return Waiting.AUCTION
    return Waiting.REFERENCE if order_type == PEGGED else Waiting.AUCTION
