"""Positions, events and lots as they are shown: decimal text, rounded once. Pure."""

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.marks import SOURCES, Mark
from quantumcore.contracts.positions import (
    Adjusted,
    AnyPositionEvent,
    Closed,
    Decreased,
    Increased,
    LotView,
    Opened,
    PositionView,
    PriceUpdated,
)
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import packed_id
from quantumcore.services.positions.adjustments import INCOME, RATIOS
from quantumcore.services.positions.domain import Cause, Change, Kind, Position
from quantumcore.services.positions.lots import Lot, Method
from quantumcore.services.positions.pnl import PLACES, average, contract_of, settlement, show_amount

_TRADED: dict[int, type[Opened | Increased | Decreased | Closed]] = {
    Kind.OPENED: Opened,
    Kind.INCREASED: Increased,
    Kind.DECREASED: Decreased,
    Kind.CLOSED: Closed,
}


def show_position(
    account: int, instrument: Instrument, position: Position, mark: Mark | None, now_ns: int, stale_ns: int
) -> PositionView:
    """Return a position valued at `mark`, at the time of the events it follows from."""
    contract = contract_of(instrument)
    currency = settlement(instrument)
    value = unrealised = None
    if mark is not None:
        try:
            value = show_amount(contract.worth(position.quantity, mark.price))
            unrealised = show_amount(position.unrealised(contract, mark.price))
        except InvalidCommand:
            value = unrealised = None  # an inverse contract at a price that is not over zero
    return PositionView(
        account_id=str(account),
        symbol=instrument.symbol,
        contract=contract.form.text,
        method=position.method.text,
        quantity=instrument.quantity(position.quantity),
        average=average(contract, position.quantity, position.cost),
        cost=show_amount(position.cost),
        currency=currency.code,
        multiplier=str(contract.multiplier),
        mark=instrument.price(mark.price) if mark else None,
        mark_source=SOURCES[mark.source] if mark else None,
        mark_sequence=mark.sequence if mark else 0,
        stale=mark is None or mark.stale(now_ns, stale_ns),
        value=value,
        realised=show_amount(position.realised),
        unrealised=unrealised,
        fees=show_amount(position.fees * 10 ** (PLACES - currency.scale)),
        funding=show_amount(position.funding),
        cycles=position.cycles,
        version=position.version,
        sequence=position.sequence,
        dividends=show_amount(position.dividends),
    )


def show_event(change: Change, instrument: Instrument, shard: int) -> AnyPositionEvent:
    """Return a change as its typed event."""
    if change.kind == Kind.PRICE_UPDATED:
        return PriceUpdated(
            sequence=change.sequence,
            index=change.index,
            part=change.part,
            version=change.version,
            time_ns=change.time_ns,
            price=instrument.price(change.price),
        )
    values = {
        "sequence": change.sequence,
        "index": change.index,
        "part": change.part,
        "version": change.version,
        "time_ns": change.time_ns,
        "price": instrument.price(change.price),
        "quantity": instrument.quantity(change.quantity),
        "fee": show_amount(change.fee * 10 ** (PLACES - settlement(instrument).scale)),
        "realised": show_amount(change.realised),
        **_why(change, shard),
        "quantity_after": instrument.quantity(change.stands_quantity),
        "cost_after": show_amount(change.stands_cost),
        "realised_after": show_amount(change.stands_realised),
    }
    if change.kind == Kind.ADJUSTED:
        return Adjusted(**values)  # type: ignore[arg-type]  # checked by msgspec's own test
    return _TRADED[change.kind](**values)  # type: ignore[arg-type]  # the same


def _why(change: Change, shard: int) -> dict[str, str]:
    """Return what did it: a trade, its correction, or an action."""
    cause = Cause(change.cause)
    name = cause.name.lower() if cause is not Cause.NONE else ""
    if cause <= Cause.REPRICED:
        return {"trade_id": packed_id(shard, change.trade, change.fill, 0), "cause": name}
    over, under = change.ratio
    return {
        "trade_id": "",
        "cause": name,
        "income": show_amount(change.income) if cause in INCOME else "",
        "ratio": f"{over}:{under}" if cause in RATIOS and over else "",
    }


def show_lot(lot: Lot, instrument: Instrument, catalogue: Catalogue) -> LotView:
    """Return a lot."""
    tags = [Method(lot.method).text, *(["washed"] if lot.washed else [])]
    return LotView(
        opened_by=packed_id(catalogue.shard, lot.sequence, lot.fill, 0),
        quantity=instrument.quantity(lot.quantity),
        cost=show_amount(lot.cost),
        price=instrument.price(lot.price),
        traded_ns=lot.traded_ns,
        held_ns=lot.held_ns,
        tags=tags,
    )
