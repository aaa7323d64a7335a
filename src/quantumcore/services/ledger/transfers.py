"""From what a client asks to a command of the engine, and from the engine's answer to ours. Pure."""

import uuid

from quantumcore.contracts import wire
from quantumcore.contracts.errors import (
    Conflict,
    Internal,
    InvalidCommand,
    NotFound,
    QuantumCoreError,
    Unavailable,
    invalid,
)
from quantumcore.contracts.ledger import TRANSFER_KINDS, MakeTransfer, OpenAccount
from quantumcore.contracts.masking import mask
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.reference import Currency
from quantumcore.contracts.values import I64_MAX, Scaled, check_client_id, show

MAX_ACCOUNT = 2**32 - 1
BETWEEN = TRANSFER_KINDS["transfer"]

_ERRORS: dict[Reason, tuple[type[QuantumCoreError], str, str]] = {
    Reason.UNKNOWN_ACCOUNT: (NotFound, "account.not_found", "account not found"),
    Reason.UNKNOWN_CURRENCY: (NotFound, "currency.not_found", "currency not found"),
    Reason.INSUFFICIENT: (Conflict, "transfer.insufficient", "the account has less available"),
    Reason.ID_ALREADY_FAILED: (
        Conflict,
        "transfer.id_already_failed",
        "this id has failed: take a new one",
    ),
    Reason.ACCOUNT_FROZEN: (Conflict, "account.frozen", "the account is frozen"),
    Reason.ACCOUNT_CLOSED: (Conflict, "account.closed", "the account is closed"),
    Reason.ACCOUNT_NOT_EMPTY: (Conflict, "account.not_empty", "the account has working orders or a balance"),
    Reason.GROUP_NOT_FOUND: (NotFound, "transaction.not_found", "transaction not found"),
    Reason.REVERSAL_DIFFERS: (Conflict, "transaction.reversal_differs", "it is not the mirror of what it reverses"),
    Reason.HOLD_NOT_FOUND: (NotFound, "hold.not_found", "hold not found"),
    Reason.HOLD_CLOSED: (Conflict, "hold.closed", "nothing is open of the hold any more"),
    Reason.HOLD_EXCEEDED: (Conflict, "hold.exceeded", "less is open of the hold"),
    Reason.BAD_EXPIRY: (InvalidCommand, "hold.expires_at.bad", "the hold must end in the future"),
    Reason.DUPLICATE_ID: (Conflict, "idempotency.mismatch", "this id was used with another body"),
    Reason.EXISTS_DIFFERENT: (Conflict, "definition.exists_with_different", "the account belongs to somebody else"),
    Reason.BAD_AMOUNT: (InvalidCommand, "transfer.amount.bad", "the amount must be over zero"),
    Reason.BAD_COMMAND: (InvalidCommand, "request.invalid", "the engine does not understand this"),
    Reason.AMOUNT_OVERFLOW: (
        InvalidCommand,
        "order.amount.overflow",
        "what customers have of the currency would pass its limit",
    ),
    Reason.CAPACITY: (Unavailable, "engine.capacity", "the engine takes no more of this"),
}


def transfer_command(request: MakeTransfer, currency: Currency) -> wire.Transfer:
    """Return the engine's command.

    Raises:
        InvalidCommand: `field` says what is wrong.
    """
    kind = TRANSFER_KINDS.get(request.kind)
    if kind is None:
        names = ", ".join(TRANSFER_KINDS)
        raise invalid("range", f"kind must be one of {names}", field="kind", actual=request.kind[:64])
    check_client_id(request.transfer_id, "transfer_id")
    check_account(request.account, "account_id")
    if (kind == BETWEEN) != (request.to_account != 0) or request.to_account == request.account:
        raise invalid("range", "to_account_id names another account, of a transfer only", field="to_account_id")
    if kind == BETWEEN:
        check_account(request.to_account, "to_account_id")
    return wire.Transfer(
        account=request.account,
        amount=amount_of(request.amount, currency),
        to_account=request.to_account,
        currency=currency.number,
        transfer_kind=kind,
        transfer_id=request.transfer_id,
    )


def amount_of(text: str, currency: Currency) -> int:
    """Return the minor units of a decimal string.

    Raises:
        InvalidCommand: No decimal, more places than the currency has, not over zero, or more than 63 bits.
    """
    value = Scaled.parse(text, "amount")
    if value.scale > currency.scale:
        raise invalid(
            "range",
            f"{currency.code} has {currency.scale} places",
            field="amount",
            limit=str(currency.scale),
            actual=text,
        )
    amount: int = value.mantissa * 10 ** (currency.scale - value.scale)
    if amount <= 0:
        raise InvalidCommand(
            "transfer.amount.bad", "the amount must be over zero", field="amount", limit="0", actual=text
        )
    if amount > I64_MAX:
        raise invalid(
            "range",
            "amount needs more than 63 bits",
            field="amount",
            limit=currency.show(I64_MAX),
            actual=text,
        )
    return amount


def open_command(request: OpenAccount) -> wire.OpenAccount:
    """Return the engine's command.

    Raises:
        InvalidCommand: The owner is no UUID, or the number is none of an account.
    """
    check_account(request.account, "account_id")
    try:
        owner = uuid.UUID(request.owner).int
    except ValueError as error:
        raise invalid("range", "owner must be a UUID", field="owner") from error
    return wire.OpenAccount(account=request.account, owner=owner)


def check_account(number: int, field: str) -> None:
    """Raise InvalidCommand unless `number` can be an account's."""
    if not 1 <= number <= MAX_ACCOUNT:
        raise invalid(
            "range", f"{field} is 1 to {MAX_ACCOUNT}", field=field, limit=str(MAX_ACCOUNT), actual=str(number)
        )


def refusal(refused: wire.CommandRefused, operation: str) -> QuantumCoreError:
    """Return what the engine's refusal means to the client."""
    reason = Reason(refused.reason)
    kind, code, detail = _ERRORS.get(
        reason, (Internal, CODES.get(reason, "internal"), f"the engine refused: {reason.name}")
    )
    numbers = bool(refused.limit or refused.actual)
    return kind(
        code,
        detail,
        limit=show(refused.limit, refused.decimals) if numbers else "",
        actual=show(refused.actual, refused.decimals) if numbers else "",
        context={"operation": operation, "account": mask(str(refused.account)), "sequence": str(refused.sequence)},
    )
