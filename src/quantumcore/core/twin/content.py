"""Reading commands: framing of the whole buffer, then the content of each command alone.

Bad framing is the caller's mistake and raises; bad content is the client's and is refused with BAD_COMMAND.
"""

import re
import struct
from collections.abc import Callable, Container
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import MAX_PLACES
from quantumcore.contracts.wire.layout import numbers_of
from quantumcore.core.twin import action_terms, codes, guard_content, margin_content
from quantumcore.core.twin.limit_records import LimitRecord
from quantumcore.core.twin.refusals import Refusal

PRICE_GIVEN = 1
QUANTITY_GIVEN = 2
STOP_GIVEN = 4
DISPLAY_GIVEN = 8
ACCOUNT_MAX = 2**32 - 1

_ID = re.compile(r"[A-Za-z0-9_-]{1,36}\Z", re.ASCII)
_HEADER = struct.Struct("<HBBIQ")
_WITH_INSTRUMENT = (
    wire.SubmitOrder,
    wire.MassCancel,
    wire.DefineInstrument,
    wire.SetInstrumentStatus,
    wire.SetMark,
    wire.SetReference,
    wire.SubmitLinkedOrders,
    wire.SetTradingRules,
    wire.BustTrade,
    wire.ApplyAction,
    wire.SetQuantityLimits,
    wire.SetMoneyLimits,
    wire.SetMarketSize,
    wire.SetMarketShares,
    wire.SetKill,
    wire.SetInstrumentClass,
    wire.SetRestriction,
    wire.SetLocate,
    wire.SetQuote,
    wire.SetMarginTerms,
    wire.SetRiskArray,
    wire.SetGreeks,
    wire.TakeOver,
)
_WITH_ACCOUNT = (
    wire.SubmitOrder,
    wire.ReplaceOrder,
    wire.CancelOrder,
    wire.MassCancel,
    wire.Transfer,
    wire.OpenAccount,
    wire.SetKillSwitch,
    wire.SetLimits,
    wire.CancelAllAfter,
    wire.EndSession,
    wire.SubmitLinkedOrders,
    wire.SubmitOrderBatch,
    wire.SetGroup,
    wire.PostGroup,
    wire.SetAccountTerms,
    wire.SetCredit,
    wire.PlaceHold,
    wire.AmendHold,
    wire.ReleaseHold,
    wire.ApplyAction,
    wire.SetFirm,
    wire.SetQuantityLimits,
    wire.SetMoneyLimits,
    wire.SetMarketShares,
    wire.SetKill,
    wire.SetEntitlements,
    wire.SetRestriction,
    wire.SetLocate,
    wire.SetThrottle,
    wire.SetPatterns,
    wire.SetProtection,
    wire.Resume,
    wire.SetAccountMargin,
    wire.SetRiskLimits,
    wire.OpenRiskDay,
    wire.AssessMargin,
    wire.TakeOver,
)
_SILENCE_NS = (10**9, 300 * 10**9)  # the shortest and the longest after which an account's orders go


def frames(commands: bytes) -> list[bytes]:
    """Return the commands of a buffer, one by one.

    Raises:
        InvalidCommand: A size below 16, over 16,384, not a multiple of 8, or past the end; nothing happened.
    """
    found, offset = [], 0
    while offset < len(commands):
        size = int.from_bytes(commands[offset : offset + 2], "little")
        if not wire.MIN_COMMAND <= size <= wire.MAX_COMMAND or size % 8 or offset + size > len(commands):
            raise InvalidCommand("request.invalid", f"no command can stand at byte {offset}: size {size}")
        found.append(commands[offset : offset + size])
        offset += size
    return found


def header_of(raw: bytes) -> tuple[int, int, int]:
    """Return kind, instrument and account, whatever the content is."""
    _, kind, _, instrument, account = _HEADER.unpack_from(raw)
    return kind, instrument, account


def read(raw: bytes, handled: Container[int]) -> wire.Command:
    """Return the command that `raw` spells; raises BAD_COMMAND when its kind is not `handled` or its content cannot be right."""
    kind = raw[2]
    known = wire.COMMANDS.get(kind)
    if known is None or kind not in handled or not known.fits(len(raw)):
        raise Refusal(Reason.BAD_COMMAND)
    layout = known.LAYOUT
    head, rest = raw[: layout.size], raw[layout.size :]
    values = list(layout.struct.unpack(head))
    if layout.struct.pack(*values) != head:  # packing writes reserved bytes as zero
        raise Refusal(Reason.BAD_COMMAND)
    for at, how in layout.transforms:
        values[at] = _READ[how](values[at])
    fields = dict(zip(layout.names[2:], values[2:], strict=True))
    if issubclass(known, wire.SubmitOrderBatch):
        fields["orders"] = rest
    if issubclass(known, wire.PostGroup):
        fields["legs"] = rest
    command = known(**fields)
    if not _uses_its_header(command) or not _CONTENT.get(kind, _anything)(command):
        raise Refusal(Reason.BAD_COMMAND)
    return command


def _text(raw: bytes) -> str:
    """Text is zero-padded ASCII; any other byte becomes one that no id, code or symbol admits."""
    return raw.rstrip(b"\0").decode("ascii", errors="replace")


_READ: dict[str, Callable[[bytes], Any]] = {
    "owner": lambda raw: int.from_bytes(raw, "big"),
    "numbers": numbers_of,
    "text": _text,
}


def _uses_its_header(command: wire.Command) -> bool:
    instrument_fits = command.instrument == 0 or isinstance(command, _WITH_INSTRUMENT)
    return instrument_fits and (command.account == 0 or isinstance(command, _WITH_ACCOUNT))


def _is_id(text: str) -> bool:
    return _ID.match(text) is not None


def _submit(command: wire.SubmitOrder) -> bool:
    # Unknown types and times in force are the gate's: BAD_TYPE, BAD_TIF.
    return (
        max(command.price_scale, command.quantity_scale) <= MAX_PLACES
        and command.side in (1, 2)
        and command.self_trade_prevention <= codes.NO_PREVENTION
        and command.flags & ~codes.FLAGS == 0
        and _is_id(command.client_id)
    )


def _submit_advanced(command: wire.SubmitAdvancedOrder) -> bool:
    scales = (command.stop_scale, command.trail_scale, command.offset_scale, command.display_scale)
    return (
        _submit(command)
        and max(*scales, command.min_quantity_scale, command.budget_scale) <= MAX_PLACES
        and command.trigger <= codes.MARK
        and command.trail_unit <= codes.BY_TICKS
        and command.peg <= 3
    )


def members_of(command: wire.SubmitLinkedOrders) -> list[wire.SubmitAdvancedOrder]:
    """Return the submissions that are sent as one; raises BAD_COMMAND when one cannot be right."""
    whole = (command.first, command.second, command.third)
    if any(any(raw) for raw in whole[command.count :]):
        raise Refusal(Reason.BAD_COMMAND)
    return [_member(raw) for raw in whole[: command.count]]


def orders_of(command: wire.SubmitOrderBatch) -> list[wire.SubmitAdvancedOrder]:
    """Return the submissions of a batch; raises BAD_COMMAND when one cannot be right."""
    each = command.EACH
    return [_member(command.orders[at : at + each]) for at in range(0, len(command.orders), each)]


def _member(raw: bytes) -> wire.SubmitAdvancedOrder:
    member = read(raw, (wire.SubmitAdvancedOrder.KIND,))
    if int.from_bytes(raw[:2], "little") != len(raw) or not isinstance(member, wire.SubmitAdvancedOrder):
        raise Refusal(Reason.BAD_COMMAND)
    return member


def _linked(command: wire.SubmitLinkedOrders) -> bool:
    return 1 <= command.link <= 3 and 2 <= command.count <= 3 and len(members_of(command)) == command.count


def _batch(command: wire.SubmitOrderBatch) -> bool:
    members = orders_of(command)
    ids = {member.client_id for member in members}
    return len(ids) == len(members) == command.count and all(m.account == command.account for m in members)


def _names_an_order(command: wire.ReplaceOrder | wire.CancelOrder) -> bool:
    if command.order_sequence:
        return command.client_id == ""
    return _is_id(command.client_id)


def _replace(command: wire.ReplaceOrder, known: int = PRICE_GIVEN | QUANTITY_GIVEN) -> bool:
    price_fits = bool(command.fields & PRICE_GIVEN) or (command.price, command.price_scale) == (0, 0)
    quantity_fits = bool(command.fields & QUANTITY_GIVEN) or (command.quantity, command.quantity_scale) == (0, 0)
    return (
        1 <= command.fields <= known
        and price_fits
        and quantity_fits
        and max(command.price_scale, command.quantity_scale) <= MAX_PLACES
        and _names_an_order(command)
    )


def _replace_advanced(command: wire.ReplaceAdvancedOrder) -> bool:
    stop_fits = bool(command.fields & STOP_GIVEN) or (command.stop_price, command.stop_scale) == (0, 0)
    display_fits = bool(command.fields & DISPLAY_GIVEN) or (command.display, command.display_scale) == (0, 0)
    return (
        _replace(command, known=PRICE_GIVEN | QUANTITY_GIVEN | STOP_GIVEN | DISPLAY_GIVEN)
        and stop_fits
        and display_fits
        and max(command.stop_scale, command.display_scale) <= MAX_PLACES
    )


def _cancel_all_after(command: wire.CancelAllAfter) -> bool:
    shortest, longest = _SILENCE_NS
    return command.timeout_ns == 0 or shortest <= command.timeout_ns <= longest


def _group(command: wire.PostGroup) -> bool:
    whole = len(command.legs) == command.count * command.EACH
    named = _is_id(command.group_id) and (command.reverses == "" or _is_id(command.reverses))
    return whole and named and command.code > 0 and command.flags <= 1


def _quantity_limits(command: wire.SetQuantityLimits) -> bool:
    limits = (command.max_order_lots, command.max_long, command.max_short, command.max_open_each)
    in_all = command.max_open_orders == -1 or (command.scope in (Scope.VENUE, Scope.ACCOUNT) and not command.instrument)
    return (
        _names_a_record(command, Scope.GROUP, command.group) and in_all and min(*limits, command.max_open_orders) >= -1
    )


def _money_limits(command: wire.SetMoneyLimits) -> bool:
    limits = (command.max_order_notional, command.max_open_notional, command.credit)
    of_a_firm = command.scope == Scope.FIRM
    return _names_a_record(command, Scope.FIRM, command.firm) and min(limits) >= -1 and (of_a_firm or limits[-1] == -1)


def _market_size(command: wire.SetMarketSize) -> bool:
    sizes = (command.open_interest, command.daily_volume)
    return min(sizes) >= 0 and max(sizes) <= wire.MAX_MARKET


def _market_shares(command: wire.SetMarketShares) -> bool:
    return (
        _names_a_record(command, Scope.GROUP, command.group) and max(command.interest, command.volume) <= wire.MAX_SHARE
    )


def _names_a_record(command: LimitRecord, many: Scope, number: int) -> bool:
    """Tell whether it names one record: of the venue, an account, an instrument, both, or of `many` with their number."""
    scope = command.scope
    if scope == Scope.VENUE:
        return (command.account, command.instrument, number) == (0, 0, 0)
    if scope == many:
        return (command.account, command.instrument) == (0, 0) and number > 0
    return number == 0 and (scope == Scope.ACCOUNT or (scope == Scope.INSTRUMENT and command.account == 0))


def _anything(_: wire.Command) -> bool:
    return True


_CONTENT: dict[int, Callable[[Any], bool]] = {
    wire.SubmitOrder.KIND: _submit,
    wire.SubmitAdvancedOrder.KIND: _submit_advanced,
    wire.ReplaceOrder.KIND: _replace,
    wire.ReplaceAdvancedOrder.KIND: _replace_advanced,
    wire.CancelAllAfter.KIND: _cancel_all_after,
    wire.EndSession.KIND: lambda command: command.session > 0,
    wire.CancelOrder.KIND: _names_an_order,
    wire.MassCancel.KIND: lambda command: command.side <= 2,
    wire.Transfer.KIND: lambda command: command.transfer_kind in (1, 2, 3) and _is_id(command.transfer_id),
    wire.OpenAccount.KIND: lambda command: 1 <= command.account <= ACCOUNT_MAX,
    wire.DefineInstrument.KIND: lambda command: (
        command.instrument_kind in (1, 2) and codes.CONTINUOUS <= command.status <= codes.CLOSED
    ),
    wire.SetInstrumentStatus.KIND: lambda command: 1 <= command.status <= codes.POST_CLOSE,
    wire.SubmitLinkedOrders.KIND: _linked,
    wire.SubmitOrderBatch.KIND: _batch,
    wire.BustTrade.KIND: lambda command: command.action in (1, 2) and command.trade_sequence > 0,
    wire.SetKillSwitch.KIND: lambda command: command.engaged <= 1,
    wire.PostGroup.KIND: _group,
    wire.SetAccountTerms.KIND: lambda command: 1 <= command.state <= 4,
    wire.ApplyAction.KIND: lambda command: _is_id(command.action_id) and action_terms.content_fits(command),
    wire.SetCredit.KIND: lambda command: command.limit >= 0,
    wire.SetQuantityLimits.KIND: _quantity_limits,
    wire.SetMoneyLimits.KIND: _money_limits,
    wire.SetMarketSize.KIND: _market_size,
    wire.SetMarketShares.KIND: _market_shares,
    wire.PlaceHold.KIND: lambda command: _is_id(command.hold_id),
    wire.AmendHold.KIND: lambda command: _is_id(command.hold_id),
    wire.ReleaseHold.KIND: lambda command: _is_id(command.hold_id),
    **guard_content.CONTENT,
    **margin_content.CONTENT,
}
