"""The venue inside a program: `from quantumcore import Venue`.

Goal: what a notebook or a test needs is there, and it is the same engine with the same rules.
Method: examples whose figures are worked out by hand.
"""

from decimal import Decimal

import pytest

from quantumcore import Venue
from quantumcore.contracts.errors import InvalidCommand, NotFound, QuantumCoreError


@pytest.fixture
def venue() -> Venue:
    return Venue(max_orders=1 << 12)


def _pair(venue: Venue) -> tuple[int, int]:
    ann, bob = venue.open_account(), venue.open_account()
    venue.deposit(ann, "USD", "100000.00")
    venue.deposit(bob, "BTC", "1.5")
    return ann, bob


def test_the_packaged_instruments_are_there_or_those_that_are_named() -> None:
    with Venue(["BTC-USD"], max_orders=1 << 10) as small:
        assert list(small.book("BTC-USD")) == ["bids", "asks"]
        with pytest.raises(QuantumCoreError):
            small.book("AAPL")
    with pytest.raises(InvalidCommand):
        Venue(["NO-SUCH"], max_orders=1 << 10)


def test_an_order_rests_trades_and_settles(venue: Venue) -> None:
    ann, bob = _pair(venue)
    resting = venue.submit(ann, "BTC-USD", "buy", "0.5", "64000.00")
    assert (resting.status, resting.filled, resting.reason) == ("new", "0.00000", "")
    taken = venue.submit(bob, "BTC-USD", "sell", "0.2", "63990.00")
    assert (taken.status, taken.filled, len(taken.trades)) == ("filled", "0.20000", 1)
    assert venue.book("BTC-USD") == {"bids": [("64000.00", "0.30000", 1)], "asks": []}
    assert venue.balances(ann)["USD"] == ("87193.60", "19219.20")
    assert venue.balances(ann)["BTC"] == ("0.20000000", "0.00000000")
    assert venue.balances(bob)["USD"] == ("12787.20", "0.00")


def test_a_market_order_takes_what_there_is_and_no_more(venue: Venue) -> None:
    ann, bob = _pair(venue)
    venue.submit(ann, "BTC-USD", "buy", "0.6", "64000.00")
    venue.submit(bob, "BTC-USD", "sell", "0.1", "64000.00")  # a market order is bounded by the last price
    sold = venue.submit(bob, "BTC-USD", "sell", "0.7")
    assert (sold.status, sold.filled) == ("cancelled", "0.50000")
    assert sold.reason
    assert venue.book("BTC-USD") == {"bids": [], "asks": []}


def test_cancelling_frees_the_hold_and_a_second_time_there_is_nothing(venue: Venue) -> None:
    ann, _ = _pair(venue)
    placed = venue.submit(ann, "BTC-USD", "buy", "0.5", "64000.00")
    assert placed.order is not None
    assert Decimal(venue.balances(ann)["USD"][1]) == Decimal("32032.00")
    assert venue.cancel(ann, placed.order)
    assert venue.balances(ann)["USD"] == ("100000.00", "0.00")
    assert not venue.cancel(ann, placed.order)


def test_a_refused_order_names_the_reason_and_moves_nothing(venue: Venue) -> None:
    ann, _ = _pair(venue)
    before = venue.balances(ann)
    for quantity, price, reason in (("0.5", "64000.001", "order.price.off_tick"), ("9", "64000.00", "risk.no_funds")):
        placed = venue.submit(ann, "BTC-USD", "buy", quantity, price)
        assert (placed.order, placed.status, placed.reason) == (None, "rejected", reason)
    assert venue.balances(ann) == before


def test_post_only_and_fill_or_kill_keep_their_word(venue: Venue) -> None:
    ann, bob = _pair(venue)
    venue.submit(ann, "BTC-USD", "buy", "0.5", "64000.00")
    assert venue.submit(bob, "BTC-USD", "sell", "0.1", "64000.00", post_only=True).trades == []
    assert venue.submit(bob, "BTC-USD", "sell", "0.6", "64000.00", time_in_force="fok").trades == []
    assert venue.submit(bob, "BTC-USD", "sell", "0.4", "64000.00", time_in_force="fok").status == "filled"


def test_the_same_client_id_is_the_same_order(venue: Venue) -> None:
    ann, _ = _pair(venue)
    one = venue.submit(ann, "BTC-USD", "buy", "0.5", "100.00", client_order_id="mine")
    venue.submit(ann, "BTC-USD", "buy", "0.5", "100.00", client_order_id="mine")
    assert venue.book("BTC-USD")["bids"] == [("100.00", "0.50000", 1)]
    assert one.status == "new"


@pytest.mark.parametrize(
    ("currency", "amount"), [("USD", "1.001"), ("USD", "0"), ("USD", "-5"), ("USD", "x"), ("DOGE", "1")]
)
def test_a_bad_deposit_is_refused_and_changes_nothing(venue: Venue, currency: str, amount: str) -> None:
    ann, _ = _pair(venue)
    before = venue.balances(ann)
    with pytest.raises((InvalidCommand, NotFound)):
        venue.deposit(ann, currency, amount)
    assert venue.balances(ann) == before


def test_time_is_what_the_owner_says_and_the_same_words_give_the_same_state() -> None:
    hashes = set()
    for _ in range(2):
        venue = Venue(max_orders=1 << 10)
        venue.time_ns = 1_700_000_000_000_000_000
        ann, bob = _pair(venue)
        venue.submit(ann, "BTC-USD", "buy", "0.5", "64000.00")
        venue.submit(bob, "BTC-USD", "sell", "0.2", "63990.00")
        assert venue.events
        venue.engine.check()
        hashes.add(venue.engine.state_hash())
    assert len(hashes) == 1
