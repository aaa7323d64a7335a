"""What must be true between any two commands; a violation is a defect of the engine, never of a client."""

from collections import Counter, defaultdict

from quantumcore.contracts.errors import Corrupted
from quantumcore.core.twin import links, positions, triggers
from quantumcore.core.twin.book import BUY, SELL
from quantumcore.core.twin.venue import Venue


def check(venue: Venue) -> None:
    """Raise Corrupted, with what is wrong, unless every invariant holds."""
    _check_books(venue)
    _check_positions(venue)
    _check_links(venue)
    if venue.bounds.accounting:
        _check_holds(venue)
        _check_money(venue)
    else:
        _check_no_accounting(venue)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Corrupted("corrupted", what)


def _check_books(venue: Venue) -> None:
    """Never crossed; exactly the working orders rest or wait, each with something left."""
    resting = []
    for number, book in venue.books.items():
        bid, ask = book.best(BUY), book.best(SELL)
        _require(bid is None or ask is None or bid < ask, f"instrument {number} is crossed: {bid} >= {ask}")
        for side in (BUY, SELL):
            for order in book.in_priority(side):
                _require(0 < order.leaves <= order.quantity, f"order {order.sequence} rests with {order.leaves} lots")
                _require((order.instrument, order.side) == (number, side), f"order {order.sequence} rests elsewhere")
                resting.append(order.name)
        resting += [order.name for order in triggers.waiting(book)]
        _require(not triggers.is_due(venue, number), f"instrument {number}: a trigger is met and has not fired")
    orders = [order for orders in venue.working.values() for order in orders.values()]
    resting += [order.name for order in orders if links.waits_for_parent(order)]
    working = [order.name for order in orders]
    _require(sorted(resting) == sorted(working), "the books do not hold exactly the working orders that do not wait")
    slots = Counter(order.slot for orders in venue.working.values() for order in orders.values())
    _require(all(count == 1 for count in slots.values()), "two working orders share a slot")


def _check_positions(venue: Venue) -> None:
    """What one has bought another has sold; no reduce-only order could open or flip a position."""
    sums: dict[int, int] = defaultdict(int)
    for (account, instrument), lots in venue.positions.items():
        sums[instrument] += lots
        for side in (BUY, SELL):
            over = positions.over(venue, account, instrument, side)
            _require(over <= 0, f"account {account} could pass zero in {instrument} by {over} lots")
    _require(not any(sums.values()), "positions do not sum to nothing")


def _check_links(venue: Venue) -> None:
    """Links tie orders that work; members wait as long as they have a parent, and nothing is left to be freed."""
    _require(not venue.freed, "a parent is done and its orders are not freed")
    for order in [order for orders in venue.working.values() for order in orders.values()]:
        link = order.link
        if link is not None:
            tied = [*link.members, *([] if link.parent is None else [link.parent])]
            for other in tied:
                works = venue.working[order.account].get(other.name) is other
                _require(works and other.link is link, f"order {order.name} is tied to one that does not work")
            _require(len(tied) > 1 and any(order is one for one in tied), f"order {order.name} is tied to nobody")
            _require(link.waits == (link.parent is not None), f"order {order.name} waits for nobody")


def _check_holds(venue: Venue) -> None:
    """Each order holds what its formula says, each account what its orders hold."""
    held: dict[tuple[int, int], int] = defaultdict(int)
    for orders in venue.working.values():
        for order in orders.values():
            needed = order.needed_hold(venue.instruments[order.instrument])
            _require(order.hold == needed, f"order {order.sequence} holds {order.hold} and needs {needed}")
            held[order.account, venue.hold_currency(order)] += order.hold
    for number, account in venue.accounts.items():
        for currency, balance in account.balances.items():
            _require(balance.held == held.pop((number, currency), 0), f"account {number}: held is not its orders'")
            _require(0 <= balance.held <= balance.total, f"account {number}: held {balance.held} of {balance.total}")
    _require(not any(held.values()), "a hold without a balance")


def _check_no_accounting(venue: Venue) -> None:
    """Nothing is held, owned or remembered."""
    _require(all(o.hold == 0 for orders in venue.working.values() for o in orders.values()), "an order holds")
    _require(not any(account.balances for account in venue.accounts.values()), "an account has a balance")
    _require(len(venue.submissions) == 0 and not venue.transfers, "an id is remembered")


def _check_money(venue: Venue) -> None:
    """Per currency, what came in is where it went."""
    for currency, house in venue.houses.items():
        customers = sum(a.balances[currency].total for a in venue.accounts.values() if currency in a.balances)
        there = customers + house.fees - house.rebates + house.rounding
        _require(there == house.deposited, f"currency {currency}: {there} there, {house.deposited} came in")
        _require(min(house.fees, house.rebates, house.rounding) >= 0, f"currency {currency}: the house is negative")
        _require(house.rebates <= house.fees, f"currency {currency}: rebates {house.rebates} of fees {house.fees}")
