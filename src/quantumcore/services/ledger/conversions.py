"""A conversion as a linked group, and its record as that group's events alone make it again. Pure.

The group is in the name space of the customer: its id is the conversion's, its code CONVERSION, its text
`quote_id rate mid source`, its user data the rate's time in 8 bytes. So no table but those of the projection is needed to
know years later what was exchanged at which rate.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reference import Currency
from quantumcore.contracts.values import MAX_PLACES, Scaled
from quantumcore.contracts.wire import GroupPosted, Leg, PostGroup, TransferMade
from quantumcore.services.ledger.domain import FX_POOL, FX_SPREAD, HOUSE, ROUNDING
from quantumcore.services.ledger.fx import Conversion, rate

OWN = 0  # the engine's code of a customer's balance
CONVERSION, RESIDUE = 400, 410  # why, in the ledger's own numbers: the account that it is about
RESIDUE_PREFIX = "fx-residue-"
USER_DATA_BYTES, TIME_BYTES = 16, 8
TEXT_BYTES = 128
_PARTS = 4


class Record(NamedTuple):
    """What was exchanged: currencies by number, amounts in minor units.

    Attributes:
        residue: Of a minor unit of `bought`, "numerator/denominator".
        customer, mid: Decimals, exact.
        rate_time_ns: Of when the rate was.
    """

    account: int
    conversion_id: str
    quote_id: str
    sold: int
    bought: int
    paid: int
    received: int
    spread: int
    residue: str
    customer: str
    mid: str
    source: str
    rate_time_ns: int
    sequence: int
    time_ns: int


def group_of(account: int, conversion_id: str, made: Conversion, sold: int, bought: int) -> PostGroup:
    """Return the engine's command."""
    quote = made.quote
    legs = [
        _leg(sold, made.paid, debit=(account, OWN), credit=(HOUSE, FX_POOL)),
        _leg(bought, made.received, debit=(HOUSE, FX_POOL), credit=(account, OWN)),
        _leg(bought, made.spread, debit=(HOUSE, FX_POOL), credit=(HOUSE, FX_SPREAD)),
    ]
    text = f"{quote.quote_id} {decimal_of(quote.customer)} {decimal_of(quote.mid)} {quote.source}".encode()
    assert len(text) <= TEXT_BYTES, "a quote's parts are bounded so that they fit"
    return PostGroup(
        account=account,
        group_id=conversion_id,
        code=CONVERSION,
        count=len(legs),
        user_data=quote.time_ns.to_bytes(TIME_BYTES, "big").ljust(USER_DATA_BYTES, b"\0"),
        text=text.ljust(TEXT_BYTES, b"\0"),
        legs=b"".join(leg.encode() for leg in legs),
    )


def record_of(
    posted: GroupPosted, note: str, made: Sequence[TransferMade], currencies: Mapping[int, Currency]
) -> Record | None:
    """Return the record of a group that is a conversion; of any other None."""
    account, parts = posted.account, note.split(" ", _PARTS - 1)
    if not account or posted.code != CONVERSION or posted.reverses or len(parts) != _PARTS:
        return None
    quote_id, customer, mid, source = parts
    pool, own = (HOUSE, FX_POOL), (account, OWN)
    if [_sides(one) for one in made] != [(own, pool), (pool, own), (pool, (HOUSE, FX_SPREAD))]:
        return None
    paid, received, spread = made
    try:
        worth = rate(mid, "mid")
        rate(customer, "rate")
    except InvalidCommand:
        return None
    sold, bought = currencies[paid.currency], currencies[received.currency]
    residue = paid.amount * worth * Fraction(10**bought.scale, 10**sold.scale) - received.amount - spread.amount
    if spread.currency != received.currency or not 0 <= residue < 1:
        return None
    return Record(
        account=account,
        conversion_id=posted.group_id,
        quote_id=quote_id,
        sold=sold.number,
        bought=bought.number,
        paid=paid.amount,
        received=received.amount,
        spread=spread.amount,
        residue=fraction_text(residue),
        customer=customer,
        mid=mid,
        source=source,
        rate_time_ns=int.from_bytes(posted.user_data[:TIME_BYTES], "big"),
        sequence=posted.sequence,
        time_ns=posted.time_ns,
    )


def residue_group(day: str, units: Mapping[int, int]) -> PostGroup:
    """Return what moves whole units of residue from each currency's pool to `rounding` at the end of a day."""
    legs = [
        _leg(currency, amount, debit=(HOUSE, FX_POOL), credit=(HOUSE, ROUNDING))
        for currency, amount in sorted(units.items())
    ]
    text = f"whole units of conversions' residues at the end of {day}".encode()
    return PostGroup(
        group_id=residue_id(day),
        code=RESIDUE,
        count=len(legs),
        text=text.ljust(TEXT_BYTES, b"\0"),
        legs=b"".join(leg.encode() for leg in legs),
    )


def residue_id(day: str) -> str:
    """Return the id of the group of a day, YYYY-MM-DD."""
    return f"{RESIDUE_PREFIX}{day}"


def decimal_of(value: Fraction) -> str:
    """Return a rate that was given as a decimal as the decimal again, canonical."""
    for places in range(MAX_PLACES + 1):
        scaled = value * 10**places
        if scaled.denominator == 1:
            return Scaled(scaled.numerator, places).text()
    raise AssertionError("no rate has more places than a decimal may have")


def fraction_text(value: Fraction) -> str:
    """Return an exact rational as text."""
    return f"{value.numerator}/{value.denominator}"


def fraction_of(text: str) -> Fraction:
    """Return the rational that `fraction_text` has written."""
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator))


def _leg(currency: int, amount: int, *, debit: tuple[int, int], credit: tuple[int, int]) -> Leg:
    return Leg(
        debit_account=debit[0],
        debit_code=debit[1],
        credit_account=credit[0],
        credit_code=credit[1],
        currency=currency,
        amount=amount,
    )


def _sides(made: TransferMade) -> tuple[tuple[int, int], tuple[int, int]]:
    return (made.debit_account, made.debit_code), (made.credit_account, made.credit_code)
