"""The cases of the money rules, worked by hand, as the ledger enters them.

Goal: row by row the figures that a person computed: holds, captures, fees on cumulative notional, rounding.
Method: the readable engine makes the events; the ledger's books take them one by one, so that the states between the
fills of one step are seen too.
"""

from quantumcore.contracts import wire
from quantumcore.contracts.values import show
from quantumcore.core.twin.engine import Engine
from quantumcore.services.ledger.books import Books
from quantumcore.services.ledger.domain import (
    BANK,
    CUSTODY,
    CUSTOMER_ASSETS,
    CUSTOMER_CASH,
    FEE_INCOME,
    HOUSE,
    REBATES_PAID,
    ROUNDING,
    Account,
    AccountKey,
)
from tests.support.desk import ALICE, BOB, BTC, BUY, COIN, SELL, SHARE, USD, XYZ, Desk, coin, instrument

NOTHING = Account()


class Ledger:
    """Books beside a desk."""

    def __init__(self, *definitions: wire.DefineInstrument) -> None:
        self.events: list[wire.Event] = []
        self.desk = Desk(self._engine, *definitions)
        self.books = Books({}, {}, {}, set(), set())
        self.enter_all()

    def _engine(self, **bounds: int) -> Engine:
        ledger = self

        class Heard(Engine):
            def step(self, commands: bytes, time_ns: int) -> bytes:
                raw = super().step(commands, time_ns)
                ledger.events += wire.decode_events(raw)
                return raw

        return Heard(**bounds)

    def enter(self) -> wire.Event:
        """Enter the next event."""
        event = self.events.pop(0)
        self.books.enter([event])
        return event

    def enter_all(self) -> None:
        """Enter all that has happened."""
        while self.events:
            self.enter()

    def account(self, owner: int, currency: int, code: int) -> Account:
        return self.books.accounts.get(AccountKey(owner, currency, code), NOTHING)

    def row(self) -> tuple[str, ...]:
        """Alice USD posted, held, available; Alice BTC; Bob USD; Bob BTC posted, held; fee income."""
        alice, bob = self.account(ALICE, USD, CUSTOMER_CASH), self.account(BOB, BTC, CUSTOMER_ASSETS)
        total = alice.balance(CUSTOMER_CASH)
        return (
            show(total, 2),
            show(alice.held, 2),
            show(total - alice.held, 2),
            show(self.account(ALICE, BTC, CUSTOMER_ASSETS).balance(CUSTOMER_ASSETS), 8),
            show(self.account(BOB, USD, CUSTOMER_CASH).balance(CUSTOMER_CASH), 2),
            show(bob.balance(CUSTOMER_ASSETS), 8),
            show(bob.held, 8),
            show(self.account(HOUSE, USD, FEE_INCOME).balance(FEE_INCOME), 2),
        )

    def assert_sums(self, dollars: int, bitcoins: int) -> None:
        """USD and BTC of customers and house are what came in."""
        for currency, amount, outside in ((USD, dollars, BANK), (BTC, bitcoins, CUSTODY)):
            assert self.account(HOUSE, currency, outside).balance(outside) == amount
            rows = [row for key, row in self.books.accounts.items() if key.currency == currency and key.owner == HOUSE]
            assert sum(row.debits - row.credits for row in rows) == 0


def funded() -> Ledger:
    """Alice has 10,000.00 USD, Bob 1 BTC and two sell orders at rest; taker 10 bp, maker 5 bp."""
    ledger = Ledger(coin(taker_fee=100_000, maker_fee=50_000))
    ledger.desk.fund(ALICE, USD, 10_000_00)
    ledger.desk.fund(BOB, BTC, 10**8)
    ledger.desk.rest(BOB, SELL, "0.1", "19990.00", instrument=COIN)
    return ledger


def test_the_worked_case_row_by_row() -> None:
    ledger = funded()
    ledger.desk.rest(BOB, SELL, "0.2", "20000.00", instrument=COIN)
    ledger.enter_all()
    assert ledger.row() == ("10000.00", "0.00", "10000.00", "0.00000000", "0.00", "1.00000000", "0.30000000", "0.00")
    ledger.desk.submit(ALICE, BUY, "0.3", "20000.00", instrument=COIN)

    accepted = ledger.enter()
    hold = ledger.books.holds[accepted.sequence, accepted.order_slot]
    assert (hold.placed, hold.open) == (6_006_00, 6_006_00)
    assert ledger.row() == ("10000.00", "6006.00", "3994.00", "0.00000000", "0.00", "1.00000000", "0.30000000", "0.00")

    ledger.enter()
    hold = ledger.books.holds[accepted.sequence, accepted.order_slot]
    assert (hold.captured, hold.released, hold.open, hold.done) == (2_001_00, 1_00, 4_004_00, False)
    assert ledger.row() == (
        "7999.00",
        "4004.00",
        "3995.00",
        "0.10000000",
        "1998.00",
        "0.90000000",
        "0.20000000",
        "3.00",
    )
    ledger.assert_sums(10_000_00, 10**8)

    ledger.enter()
    hold = ledger.books.holds[accepted.sequence, accepted.order_slot]
    assert (hold.placed, hold.captured, hold.released, hold.open, hold.done) == (6_006_00, 6_005_00, 1_00, 0, True)
    assert ledger.row() == ("3995.00", "0.00", "3995.00", "0.30000000", "5996.00", "0.70000000", "0.00000000", "9.00")
    ledger.assert_sums(10_000_00, 10**8)
    assert not ledger.events


def test_the_worked_case_with_a_cancel_of_the_rest() -> None:
    """Only Bob's first order is at or below the limit."""
    ledger = funded()
    order = ledger.desk.submit(ALICE, BUY, "0.3", "20000.00", instrument=COIN)[0]
    ledger.desk.all(wire.CancelOrder(account=ALICE, order_sequence=order.sequence, order_slot=order.order_slot))  # type: ignore[attr-defined]
    ledger.enter_all()
    assert ledger.row() == ("7999.00", "0.00", "7999.00", "0.10000000", "1998.00", "0.90000000", "0.00000000", "3.00")
    hold = ledger.books.holds[order.sequence, order.order_slot]
    assert (hold.placed, hold.captured, hold.released, hold.done) == (6_006_00, 2_001_00, 4_005_00, True)


def test_a_fill_is_one_group_of_legs() -> None:
    ledger = funded()
    ledger.enter_all()
    ledger.books.entries.clear()
    ledger.desk.submit(ALICE, BUY, "0.1", "20000.00", instrument=COIN)
    ledger.enter_all()
    legs = [
        (row.leg.number, row.leg.why.text, tuple(row.leg.debit), tuple(row.leg.credit), row.leg.amount)
        for row in ledger.books.entries
    ]
    assert legs == [
        (0, "asset", (BOB, BTC, CUSTOMER_ASSETS), (ALICE, BTC, CUSTOMER_ASSETS), 10_000_000),
        (1, "principal", (ALICE, USD, CUSTOMER_CASH), (BOB, USD, CUSTOMER_CASH), 1_999_00),
        (2, "taker_fee", (ALICE, USD, CUSTOMER_CASH), (HOUSE, USD, FEE_INCOME), 2_00),
        (3, "maker_fee", (BOB, USD, CUSTOMER_CASH), (HOUSE, USD, FEE_INCOME), 1_00),
    ]


def fees_of(ledger: Ledger, why: str) -> list[int]:
    return [row.leg.amount for row in ledger.books.entries if row.leg.why.text == why]


def test_hundred_fills_of_1_23_at_10_bp_cost_13_cents_in_all() -> None:
    """A ceiling per fill would take a dollar."""
    ledger = Ledger(instrument(taker_fee=100_000))
    ledger.desk.rich()
    for _ in range(100):
        ledger.desk.rest(BOB, SELL, "1", "1.23")
    ledger.desk.submit(ALICE, BUY, "100", "1.23")
    ledger.enter_all()
    assert sum(fees_of(ledger, "taker_fee")) == 13
    assert ledger.account(HOUSE, USD, FEE_INCOME).balance(FEE_INCOME) == 13


def test_single_fills_at_10_bp_and_a_minimum() -> None:
    for price, fee, terms in (
        ("1.23", 1, {"taker_fee": 100_000}),
        ("99.99", 10, {"taker_fee": 100_000}),
        ("149.99", 15, {"taker_fee": 100_000}),
        ("155.55", 16, {"taker_fee": 100_000}),
        ("10001.00", 1_001, {"taker_fee": 100_000}),
        ("5000000.00", 5_000_00, {"taker_fee": 100_000}),
        ("150.00", 1_00, {"taker_fee": 10_000, "minimum_fee": 1_00}),
        ("20000.00", 2_00, {"taker_fee": 10_000, "minimum_fee": 1_00}),
    ):
        ledger = Ledger(instrument(**terms))
        ledger.desk.rich()
        ledger.desk.rest(BOB, SELL, "1", price)
        ledger.desk.submit(ALICE, BUY, "1", price)
        ledger.enter_all()
        assert fees_of(ledger, "taker_fee") == [fee], price


def test_one_fill_of_three_fractional_lots() -> None:
    """Three lots of 0.00001 at 20,000.01 in one fill: 0.61 paid, 0.60 received, rounding keeps 0.01."""
    ledger = Ledger(coin())
    ledger.desk.rich()
    ledger.desk.rest(BOB, SELL, "0.00003", "20000.01", instrument=COIN)
    ledger.enter_all()
    ledger.books.entries.clear()
    ledger.desk.submit(ALICE, BUY, "0.00003", "20000.01", instrument=COIN)
    ledger.enter_all()
    assert (fees_of(ledger, "principal"), fees_of(ledger, "rounding")) == ([60], [1])
    assert ledger.account(HOUSE, USD, ROUNDING).balance(ROUNDING) == 1


def test_the_rounding_leg_moves_what_was_paid_and_not_received() -> None:
    """One buy order meets three sell orders of one lot each: 0.21, 0.20, 0.20 paid, 0.20 received by each."""
    ledger = Ledger(coin())
    ledger.desk.rich()
    order = ledger.desk.rest(ALICE, BUY, "0.00003", "20000.01", instrument=COIN)
    ledger.enter_all()
    ledger.books.entries.clear()
    for _ in range(3):
        ledger.desk.submit(BOB, SELL, "0.00001", "20000.01", instrument=COIN)
    ledger.enter_all()
    assert fees_of(ledger, "principal") == [20, 20, 20]
    assert fees_of(ledger, "rounding") == [1]
    assert ledger.books.holds[order.sequence, order.order_slot].captured == 61


def test_a_rebate_goes_from_rebates_paid_to_the_maker() -> None:
    ledger = Ledger(instrument(SHARE, taker_fee=100_000, maker_fee=-50_000))
    ledger.desk.rich()
    ledger.desk.rest(BOB, SELL, "1", "1000.00")
    ledger.desk.submit(ALICE, BUY, "1", "1000.00")
    ledger.enter_all()
    assert fees_of(ledger, "maker_rebate") == [50]
    assert ledger.account(HOUSE, USD, REBATES_PAID).balance(REBATES_PAID) == 50


def test_what_is_only_bought_and_sold_is_an_asset_and_what_pays_is_cash() -> None:
    """Decided by the first movement, and never changed, also when an instrument later quotes in it."""
    ledger = Ledger(coin())
    for currency in (USD, BTC, XYZ):
        ledger.desk.fund(ALICE, currency, 1_000)
    ledger.desk.do(instrument(7, base=XYZ, quote=BTC, symbol="XYZ-BTC"))
    ledger.desk.fund(ALICE, BTC, 1_000)
    ledger.enter_all()
    assert ledger.books.codes == {USD: CUSTOMER_CASH, BTC: CUSTOMER_ASSETS, XYZ: CUSTOMER_CASH}
    assert ledger.account(HOUSE, BTC, CUSTODY).balance(CUSTODY) == 2_000


def test_what_is_bought_and_also_pays_is_cash() -> None:
    """Bitcoins are the base of one instrument and the quote of another."""
    ledger = Ledger(coin(), instrument(7, base=XYZ, quote=BTC, symbol="XYZ-BTC"))
    for currency in (BTC, XYZ):
        ledger.desk.fund(ALICE, currency, 1_000)
    ledger.enter_all()
    assert ledger.books.codes == {BTC: CUSTOMER_CASH, XYZ: CUSTOMER_ASSETS}
