"""Buffers to commands and events. Decoded values own their data: overwriting the buffer afterwards changes nothing."""

import struct
from collections.abc import Iterator
from typing import Any

from quantumcore.contracts.errors import Corrupted, InvalidCommand
from quantumcore.contracts.wire.action_events import ActionApplied, PositionAdjusted
from quantumcore.contracts.wire.commands import (
    COMMAND_HEADER,
    AdvanceTime,
    BustTrade,
    CancelAllAfter,
    CancelOrder,
    Command,
    DefineCurrency,
    DefineInstrument,
    EndSession,
    MassCancel,
    OpenAccount,
    ReplaceAdvancedOrder,
    ReplaceOrder,
    SetGroup,
    SetInstrumentStatus,
    SetKillSwitch,
    SetLimits,
    SetMark,
    SetReference,
    SetTradingRules,
    SubmitAdvancedOrder,
    SubmitLinkedOrders,
    SubmitOrder,
    SubmitOrderBatch,
    Transfer,
)
from quantumcore.contracts.wire.events import (
    EVENT_HEADER,
    AccountOpened,
    AuctionUncrossed,
    CancelTimerSet,
    CommandDone,
    CommandRefused,
    CurrencyDefined,
    Event,
    GroupChanged,
    IndicativeChanged,
    InstrumentDefined,
    InstrumentStatusChanged,
    KillSwitchChanged,
    LimitsChanged,
    LimitStateChanged,
    MarkChanged,
    OrderAccepted,
    OrderCancelled,
    OrderEntered,
    OrderRefilled,
    OrderRejected,
    OrderReplaced,
    OrdersLinked,
    OrderTriggered,
    OrderWaits,
    ReferenceChanged,
    StopMoved,
    TermsAccepted,
    TradeBusted,
    TradePrinted,
    TradingRulesChanged,
    TransferPosted,
)
from quantumcore.contracts.wire.layout import Layout
from quantumcore.contracts.wire.money_commands import (
    AmendHold,
    ApplyAction,
    PlaceHold,
    PostGroup,
    ReleaseHold,
    SetAccountTerms,
    SetCredit,
)
from quantumcore.contracts.wire.money_events import (
    AccountTermsChanged,
    CreditChanged,
    GroupNoted,
    GroupPosted,
    HoldChanged,
    TransferMade,
)

COMMANDS: dict[int, type[Command]] = {
    c.KIND: c
    for c in (
        SubmitOrder,
        ReplaceOrder,
        CancelOrder,
        MassCancel,
        Transfer,
        OpenAccount,
        DefineCurrency,
        DefineInstrument,
        SetInstrumentStatus,
        SetKillSwitch,
        AdvanceTime,
        SetLimits,
        SubmitAdvancedOrder,
        ReplaceAdvancedOrder,
        SubmitLinkedOrders,
        CancelAllAfter,
        EndSession,
        SetMark,
        SetReference,
        SetTradingRules,
        SetGroup,
        BustTrade,
        SubmitOrderBatch,
        PostGroup,
        SetAccountTerms,
        SetCredit,
        PlaceHold,
        AmendHold,
        ReleaseHold,
        ApplyAction,
    )
}
EVENTS: dict[int, type[Event]] = {
    e.KIND: e
    for e in (
        CommandDone,
        CommandRefused,
        OrderAccepted,
        OrderRejected,
        OrderReplaced,
        OrderCancelled,
        TradePrinted,
        TransferPosted,
        AccountOpened,
        CurrencyDefined,
        InstrumentDefined,
        InstrumentStatusChanged,
        KillSwitchChanged,
        LimitsChanged,
        TermsAccepted,
        OrderTriggered,
        OrderEntered,
        OrderWaits,
        OrderRefilled,
        StopMoved,
        MarkChanged,
        ReferenceChanged,
        TradingRulesChanged,
        GroupChanged,
        IndicativeChanged,
        AuctionUncrossed,
        LimitStateChanged,
        CancelTimerSet,
        TradeBusted,
        OrdersLinked,
        TransferMade,
        GroupNoted,
        GroupPosted,
        AccountTermsChanged,
        CreditChanged,
        HoldChanged,
        PositionAdjusted,
        ActionApplied,
    )
}
for _command in COMMANDS.values():
    _command.LAYOUT = Layout(COMMAND_HEADER, _command.BODY)
for _event in EVENTS.values():
    _event.LAYOUT = Layout(EVENT_HEADER, _event.BODY)

_SIZE_KIND = struct.Struct("<HB")


def decode_command(buffer: Any, offset: int = 0) -> Command:
    """Return the command at `offset`.

    Raises:
        InvalidCommand: Unknown kind, a size that is not its kind's, a cut command, or text that is not ASCII.
    """
    size, kind = _SIZE_KIND.unpack_from(buffer, offset) if len(buffer) >= offset + _SIZE_KIND.size else (0, 0)
    known = COMMANDS.get(kind)
    if known is None or not known.fits(size) or len(buffer) < offset + size:
        raise InvalidCommand("request.invalid", f"no command of kind {kind} and size {size}")
    try:
        return known.decode(buffer, offset)
    except UnicodeDecodeError as error:
        raise InvalidCommand("request.invalid", f"a text that is not ASCII in a command of kind {kind}") from error


def iter_events(buffer: Any) -> Iterator[Event]:
    """Yield the events of `buffer` in order.

    Raises:
        Corrupted: Unknown kind, a size that is not its kind's, a cut event, or text that is not ASCII.
    """
    offset, end = 0, len(buffer)
    while offset < end:
        size, kind = _SIZE_KIND.unpack_from(buffer, offset) if end - offset >= 40 else (0, 0)
        known = EVENTS.get(kind)
        if known is None or known.LAYOUT.size != size or end - offset < size:
            raise Corrupted("corrupted", f"no event of kind {kind} and size {size} at byte {offset}")
        try:
            event = known(*known.LAYOUT.unpack_body(buffer, offset))
        except UnicodeDecodeError as error:
            raise Corrupted("corrupted", f"a text that is not ASCII at byte {offset}") from error
        yield event
        offset += size


def decode_events(buffer: Any) -> list[Event]:
    """Return the events of `buffer` in order; raises as iter_events does."""
    return list(iter_events(buffer))
