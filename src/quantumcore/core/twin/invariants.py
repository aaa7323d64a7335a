"""What must be true between any two commands; a violation is a defect of the engine, never of a client."""

from collections import Counter, defaultdict

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes, dark, links, margin, pegs, positions, retries, triggers
from quantumcore.core.twin.accounts import CHART, CLOSED, CUSTODY, DEBIT_NATURE, ROUNDING
from quantumcore.core.twin.book import BUY, SELL, Place
from quantumcore.core.twin.guards import ALL, MAX_SESSIONS, MOST_FILLS, OFF
from quantumcore.core.twin.margin_records import MAX_ACCOUNTS
from quantumcore.core.twin.venue import Venue


def check(venue: Venue) -> None:
    """Raise Corrupted, with what is wrong, unless every invariant holds."""
    _check_books(venue)
    _check_positions(venue)
    _check_links(venue)
    _check_regimes(venue)
    _check_guards(venue)
    if venue.bounds.accounting:
        _check_holds(venue)
        _check_money(venue)
        _check_margin(venue)
    else:
        _check_no_accounting(venue)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Corrupted("corrupted", what)


def _check_books(venue: Venue) -> None:
    """Each working order is where it says, with something left; what is shown is never crossed while it trades."""
    resting = []
    for number, book in venue.books.items():
        bid, ask = book.best(BUY), book.best(SELL)
        trades = venue.status(number) == codes.CONTINUOUS
        crossed = bid is not None and ask is not None and bid >= ask
        _require(not (trades and crossed), f"instrument {number} is crossed: {bid} >= {ask}")
        for levels, place in ((book, Place.LIT), (book.dark, Place.DARK)):
            for side in (BUY, SELL):
                for order in levels.in_priority(side):
                    _require(
                        (order.instrument, order.side) == (number, side), f"order {order.sequence} rests elsewhere"
                    )
                    _require(order.place is place, f"order {order.sequence} does not know where it rests")
                    _require(
                        dark.is_dark(order) == (place is Place.DARK), f"order {order.sequence} rests in the wrong light"
                    )
                    _require(not trades or order.rests, f"order {order.sequence} may not rest")
                    resting.append(order.name)
        _check_waiting(venue, number)
        _require(not triggers.is_due(venue, number), f"instrument {number}: a trigger is met and has not fired")
    working = list(venue.orders())
    for order in working:
        _require(0 < order.leaves <= order.quantity, f"order {order.sequence} has {order.leaves} lots left")
        _require(0 <= order.reserve < order.leaves, f"order {order.sequence} shows nothing")
    there = [*resting, *(order.name for order in working if order.place is Place.WAITING)]
    _require(
        sorted(there) == sorted(order.name for order in working), "the books do not hold exactly the working orders"
    )
    slots = Counter(order.slot for order in working)
    _require(all(count == 1 for count in slots.values()), "two working orders share a slot")


def _check_waiting(venue: Venue, number: int) -> None:
    """The aftermath has left nothing to do: no dark order could trade, no peg belongs elsewhere."""
    idle = next(retries.ready(venue, number), None)
    # A dynamic band moves with the command after a trade; dark orders are looked at when something changes.
    banded = venue.regimes[number].rules.dynamic_band
    _require(idle is None or bool(banded), f"order {idle and idle.sequence} could trade and does not")
    pegs_there = {o.name for o in venue.orders_in(number) if o.cap and not links.waits_for_parent(o)}
    book = venue.books[number]
    _require(pegs_there == set(book.pegs), f"instrument {number}: pegs are not those that work")
    if venue.status(number) == codes.CONTINUOUS:
        for order in book.pegs.values():
            at_home = order.place is Place.WAITING or pegs.target(venue, order) == order.price
            _require(at_home, f"peg {order.sequence} stands at {order.price}")


def _check_positions(venue: Venue) -> None:
    """What one has bought another has sold, but for what actions did; no reduce-only order could open or flip a position."""
    sums: dict[int, int] = defaultdict(int)
    for (account, instrument), lots in venue.positions.items():
        sums[instrument] += lots
        for side in (BUY, SELL):
            over = positions.over(venue, account, instrument, side)
            _require(over <= 0, f"account {account} could pass zero in {instrument} by {over} lots")
    _require(
        all(lots == venue.adjusted.get(number, 0) for number, lots in sums.items()), "positions do not sum to nothing"
    )


def _check_links(venue: Venue) -> None:
    """Links tie orders that work; members wait as long as they have a parent, and nothing is left to be freed."""
    _require(not venue.freed, "a parent is done and its orders are not freed")
    for order in venue.orders():
        link = order.link
        if link is not None:
            tied = [*link.members, *([] if link.parent is None else [link.parent])]
            for other in tied:
                _require(
                    venue.works(other) and other.link is link, f"order {order.name} is tied to one that does not work"
                )
            _require(len(tied) > 1 and any(order is one for one in tied), f"order {order.name} is tied to nobody")
            _require(link.waits == (link.parent is not None), f"order {order.name} waits for nobody")


def _check_regimes(venue: Venue) -> None:
    """A limit state stands at the best price of continuous trading; only a volatility call ends by itself."""
    for number, regime in venue.regimes.items():
        status, state = venue.status(number), regime.limit_state
        if state is not None:
            _require(status == codes.CONTINUOUS, f"instrument {number}: a limit state in phase {status}")
            best = venue.books[number].best(state.side)
            _require(best == state.edge, f"instrument {number}: a limit state at {state.edge}, the best is {best}")
        _require(
            regime.call_until is None or status == codes.VOLATILITY_CALL, f"instrument {number}: phase {status} ends"
        )
        _require(status in codes.CALLS or regime.indicative == (0, 0, 0), f"instrument {number}: indicative")
        _require(not regime.cross_due, f"instrument {number}: orders of the cross were not tried")
        _require(not regime.cross or status == codes.CLOSING_CROSS, f"instrument {number}: a cross in phase {status}")


def _check_guards(venue: Venue) -> None:
    """Nothing works under a switch that stops everything; what is counted is no more than what is looked at."""
    guards = venue.guards
    for order in venue.orders():
        session = guards.sessions.get(order.session) if order.session else None
        switches = (
            venue.killed,
            venue.accounts[order.account].killed,
            guards.instruments.get(order.instrument, OFF),
            OFF if session is None else session.mode,
        )
        _require(ALL not in switches, f"order {order.name} works under a switch")
    _require(not guards.tripped, "somebody tripped and was not told")
    _require(len(guards.sessions) <= MAX_SESSIONS, "more sessions than can be kept")
    buckets = [*guards.buckets.values(), *(b for s in guards.sessions.values() for b in s.buckets.values())]
    _require(all(bucket.out >= 0 for bucket in buckets), "more in a bucket than it has")
    for key, protection in guards.protections.items():
        within = protection.window_ns or not protection.counted
        _require(bool(within) and len(protection.counted) <= MOST_FILLS, f"protection {key} counts too many fills")


def _check_holds(venue: Venue) -> None:
    """Each order holds what its formula says, each account what its orders hold and what is open of its holds."""
    held: dict[tuple[int, int], int] = defaultdict(int)
    for order in venue.orders():
        instrument = venue.instruments[order.instrument]
        needed = order.needed_hold(instrument)
        _require(order.hold == needed, f"order {order.sequence} holds {order.hold} and needs {needed}")
        spent = order.tally.spent(instrument.unit, order.rates.minimum)
        within = order.terms.budget == 0 or spent + order.hold <= order.terms.budget
        _require(within, f"order {order.sequence} spends more than its budget")
        held[order.account, venue.hold_currency(order)] += order.hold
    for hold in venue.holds:
        parts = (hold.placed, hold.captured, hold.released, hold.open)
        _require(min(parts) >= 0 and hold.placed <= I64_MAX, f"hold {hold.sequence}: {parts}")
        _require(not hold.failed or not any(parts), f"hold {hold.sequence} failed and has something")
        held[hold.account, hold.currency] += hold.open
    for number, account in venue.accounts.items():
        for currency, balance in account.balances.items():
            _require(
                balance.held == held.pop((number, currency), 0), f"account {number}: held is not its orders' and holds'"
            )
            _require(balance.held >= 0, f"account {number}: held {balance.held}")
            _require(balance.spare >= -balance.overdrawn, f"account {number}: held {balance.held} of {balance.total}")
            _require(min(balance.limit, balance.overdrawn) >= 0, f"account {number}: a limit below nothing")
        for currency, total in account.collateral.items():
            _require(total >= 0, f"account {number}: collateral {total} of currency {currency}")
        _check_state(venue, number)
    _require(not any(held.values()), "a hold without a balance")


def _check_state(venue: Venue, number: int) -> None:
    """What is closed is empty."""
    account = venue.accounts[number]
    if account.state == CLOSED:
        has_any = any(b.total or b.held for b in account.balances.values()) or any(account.collateral.values())
        _require(not has_any and not venue.working[number], f"account {number} is closed and not empty")


def _check_margin(venue: Venue) -> None:
    """Who may open may hold: what is needed to hold is never more than what is needed to open; a day's best is not below nothing."""
    _require(len(venue.margin.accounts) <= MAX_ACCOUNTS, "more accounts on margin than can be kept")
    for (account, currency), record in venue.margin.accounts.items():
        found = margin.look(venue, account, currency)
        _require(found.maintenance <= found.initial, f"account {account}: {found.maintenance} of {found.initial}")
        _require(found.maintenance >= 0, f"account {account}: needs {found.maintenance}")
        _require(record.day is None or record.day.peak >= 0, f"account {account}: a day's best is below nothing")


def _check_no_accounting(venue: Venue) -> None:
    """Nothing is held, owned or remembered."""
    _require(all(order.hold == 0 for order in venue.orders()), "an order holds")
    has_any = any(account.balances or account.collateral for account in venue.accounts.values())
    _require(not has_any, "an account has a balance")
    _require(
        len(venue.submissions) == 0 and not venue.transfers and not venue.groups and not len(venue.holds),
        "an id is remembered",
    )


def _check_money(venue: Venue) -> None:
    """Per currency, what came in is where it went."""
    for currency, house in venue.houses.items():
        balances = [a.balances[currency] for a in venue.accounts.values() if currency in a.balances]
        aside = sum(account.collateral.get(currency, 0) for account in venue.accounts.values())
        customers = sum(balance.total for balance in balances) + aside
        there = customers + house.fees - house.rebates + house.rounding
        _require(there == house.owed, f"currency {currency}: {there} there, {house.owed} came in")
        accounts = {code: house.balance(code) for code in CHART if code != CUSTODY}
        debits = sum(balance for code, balance in accounts.items() if code in DEBIT_NATURE)
        _require(debits * 2 == sum(accounts.values()) + customers, f"currency {currency}: debits are not credits")
        _require(accounts[ROUNDING] >= 0, f"currency {currency}: rounding {accounts[ROUNDING]}")
        floors = sum(balance.floor for balance in balances)
        _require(floors == house.floors, f"currency {currency}: floors {house.floors}, of accounts {floors}")
        _require(house.bound() <= I64_MAX, f"currency {currency}: a balance could pass 63 bits")
        _require(min(house.fees, house.rebates, house.rounding) >= 0, f"currency {currency}: the house is negative")
        _require(house.rebates <= house.fees, f"currency {currency}: rebates {house.rebates} of fees {house.fees}")
