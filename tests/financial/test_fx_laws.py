"""What conversions move in the engine keeps the laws of foreign exchange.

Goal: the pool's difference is the sum of what conversions left, the record says so from the group's events alone, and whoever
changes at one table of quotes and back never has more than before.
Method: hypothesis invents rates as decimals; the groups are posted to the readable engine.
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reference import Catalogue
from quantumcore.core.twin.engine import Engine
from quantumcore.services.ledger.conversions import decimal_of, fraction_of, group_of, record_of, residue_group
from quantumcore.services.ledger.fx import Quote, Residues, convert, rate
from quantumcore.services.ledger.office.fx_desk import _check_table

ALICE, USD, EUR, RICH = 1, 1, 2, 10**16
TIME = 1_700_000_000_000_000_000


def decimal(mantissa: int, places: int) -> str:
    return decimal_of(Fraction(mantissa, 10**places))


DECIMALS = st.builds(decimal, st.integers(1, 10**9), st.integers(0, 9))


def quote(name: str, customer: str, mid: str, **changes: object) -> Quote:
    terms = {"quote_id": name, "sold": "USD", "bought": "EUR", "scale_sold": 2, "scale_bought": 2}
    rates = {"customer": rate(customer, "rate"), "mid": rate(mid, "mid"), "source": "a bank", "time_ns": TIME}
    return Quote(**{**terms, **rates, "expires_ns": TIME, **changes})  # type: ignore[arg-type]


def venue() -> tuple[Engine, Catalogue]:
    engine, catalogue = Engine(), Catalogue()
    for command in (
        wire.DefineCurrency(currency=USD, code="USD", scale=2),
        wire.DefineCurrency(currency=EUR, code="EUR", scale=2),
        wire.OpenAccount(account=ALICE, owner=ALICE),
        wire.Transfer(account=ALICE, amount=RICH, currency=USD, transfer_kind=1, transfer_id="first"),
    ):
        for event in wire.decode_events(engine.step(command.encode(), TIME)):
            catalogue.apply(event)
    return engine, catalogue


@given(made=st.lists(st.tuples(st.integers(1, 10**10), DECIMALS, DECIMALS), max_size=8))
def test_the_pools_difference_is_the_sum_of_the_residues(made):
    engine, catalogue = venue()
    residues, exact, given_out, moved = Residues(), Fraction(), 0, 0
    for number, (paid, one, other) in enumerate(made):
        customer, mid = sorted((one, other), key=Fraction)
        try:
            done = convert(paid, quote(f"q-{number}", customer, mid))
        except InvalidCommand:  # more than 63 bits
            continue
        if exact + paid * Fraction(mid) > 2**62:
            continue
        events = wire.decode_events(engine.step(group_of(ALICE, f"c-{number}", done, USD, EUR).encode(), TIME))
        posted, note = events[-1], next(one for one in events if isinstance(one, wire.GroupNoted))
        assert isinstance(posted, wire.GroupPosted), posted
        legs = [one for one in events if isinstance(one, wire.TransferMade)]
        record = record_of(posted, note.text.rstrip(b"\0").decode(), legs, catalogue.currencies)
        assert record is not None
        assert (record.paid, record.received, record.spread) == (paid, done.received, done.spread)
        assert (fraction_of(record.residue), record.customer, record.mid) == (done.residue, customer, mid)
        assert (record.quote_id, record.source, record.rate_time_ns) == (f"q-{number}", "a bank", TIME)
        residues = residues.after(done)
        exact += paid * Fraction(mid)
        given_out += done.received + done.spread
        if number % 3 == 2:
            residues, whole = residues.end_of_day()
            moved += whole
            if whole:
                engine.step(residue_group(f"2026-01-{number:02d}", {EUR: whole}).encode(), TIME)
    house = dict(engine.house(EUR))
    assert -house.get(400, 0) == given_out + moved
    assert house.get(410, 0) == moved
    assert given_out + moved + residues.left == exact


@given(paid=st.integers(1, 10**9), there=st.integers(10**3, 10**9), near=st.integers(999_000, 1_001_000))
def test_at_one_table_there_and_back_never_gains(paid, there, near):
    """Rates that would let somebody gain are no table."""
    out = decimal(there, 6)
    back = decimal(int(Fraction(10**12, there) * near), 12)
    table = [quote("a", out, out), quote("b", back, back, sold="EUR", bought="USD")]
    if Fraction(out) * Fraction(back) > 1:
        with pytest.raises(InvalidCommand, match="round_trip"):
            _check_table(table, 20)
        return
    _check_table(table, 20)
    received = convert(paid, table[0]).received
    assert received == 0 or convert(received, table[1]).received <= paid


@pytest.mark.parametrize("text", ["0.000000000000000001", "9223372036854775807", "0.85", "1", "123.456"])
def test_a_rate_is_written_as_it_was_given(text):
    assert decimal_of(rate(text, "rate")) == text


def test_the_longest_text_fits_a_group():
    done = convert(1, quote("q" * 36, "0.000000000000000001", "0.123456789012345678", source="s" * 40))
    group = group_of(ALICE, "c" * 36, done, USD, EUR)
    assert len(group.text) == 128
    assert group.text.rstrip(b"\0").endswith(b"s" * 40)
