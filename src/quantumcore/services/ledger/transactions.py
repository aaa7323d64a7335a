"""What operators ask of the books: transactions by hand, their reversal, whether an account is open, and its credit."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from quantumcore.contracts import matching, wire
from quantumcore.contracts.errors import (
    Conflict,
    Internal,
    InvalidCommand,
    NotFound,
    QuantumCoreError,
    Unavailable,
    invalid,
)
from quantumcore.contracts.ledger import (
    ACCOUNT_STATES,
    AccountState,
    CreditLimit,
    RecordTransaction,
    ReverseTransaction,
    SetAccountState,
    SetCreditLimit,
    SignedEntry,
    TransactionLeg,
    TransactionView,
)
from quantumcore.contracts.ledger_holds import CaptureHold
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.values import I64_MAX, Scaled, check_client_id
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.follower import Follower
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.domain import COLLATERAL, CUSTOMER_CODES, HOUSE, NAMES
from quantumcore.services.ledger.pairing import Line, Side, check_balanced, legs_of
from quantumcore.services.ledger.teller import Teller
from quantumcore.services.ledger.transfers import check_account, refusal

OWN = 0  # the engine's code of a customer's balance
MAX_ENTRIES = 200
MAX_PARTS = wire.PostGroup.MOST
MAX_TEXT_BYTES, USER_DATA_DIGITS = 128, 32
EPOCH = date(1970, 1, 1).toordinal()
_FIELDS = {1: "group", 2: "debit_account", 3: "credit_account", 4: "amount", 5: "code", 6: "hold"}
_FIELDS |= {7: "effective_date", 8: "user_data", 9: "text"}
_HOUSE_CODES = frozenset(NAMES) - CUSTOMER_CODES - {COLLATERAL}


class Bookkeeper:
    """Makes commands and reads answers; it writes nothing, the projection does.

    Attributes:
        transactions: How many were posted, repeated, refused.
    """

    def __init__(self, bus: Bus, log: EventLog, database: Database, follower: Follower, teller: Teller) -> None:
        self._bus = bus
        self._log = log
        self._database = database
        self._follower = follower
        self._teller = teller
        self._posted = 0  # the last sequence that this room has seen posted: its own writes it must see
        self.transactions: Counter[str] = Counter()

    async def record(self, request: RecordTransaction) -> TransactionView:
        """Post a transaction once.

        Raises:
            InvalidCommand, NotFound, Conflict: As contracts/ledger says; nothing happened.
            Unavailable, OutcomeUnknown: As matching says; after the latter, ask again with the same id.
        """
        check_client_id(request.transaction_id, "transaction_id")
        if len(request.entries) > MAX_ENTRIES:
            bound = str(MAX_ENTRIES)
            raise invalid(
                "range", f"at most {bound} entries", field="entries", limit=bound, actual=str(len(request.entries))
            )
        lines = [await self.line(entry, f"entries[{at}]") for at, entry in enumerate(request.entries)]
        check_balanced(lines, self._catalogue.currencies)
        return await self._post(group_of(request, legs_of(lines)), request.transaction_id)

    async def reverse(self, request: ReverseTransaction) -> TransactionView:
        """Post the mirror of a transaction.

        Raises:
            NotFound, Conflict, InvalidCommand, Unavailable: As `record`.
        """
        check_client_id(request.transaction_id, "transaction_id")
        await self._follower.reached(self._posted)
        found = await self._find(request.transaction_id)
        if found is None:
            raise NotFound("transaction.not_found", "transaction not found", field="transaction_id")
        original, rows = found
        legs = [_turned(row) for row in reversed(rows)]
        asked = RecordTransaction(
            transaction_id=request.reversal_id or f"reversal-{original.sequence}",
            entries=[],
            code=request.code,
            text=request.text,
            two_persons=request.two_persons,
        )
        check_client_id(asked.transaction_id, "reversal_id")
        return await self._post(group_of(asked, legs, original.group_id), asked.transaction_id)

    async def set_state(self, request: SetAccountState) -> AccountState:
        """Open, freeze or close an account.

        Raises:
            InvalidCommand, NotFound, Conflict: As contracts/ledger says.
        """
        check_account(request.account, "account_id")
        state = ACCOUNT_STATES.get(request.state)
        if state is None:
            names = ", ".join(ACCOUNT_STATES)
            raise invalid("range", f"state must be one of {names}", field="state", actual=request.state[:64])
        event = await self._sequence(wire.SetAccountTerms(account=request.account, state=state), "set account state")
        return AccountState(str(request.account), request.state, event.sequence)

    async def set_credit(self, request: SetCreditLimit) -> CreditLimit:
        """Let a balance go as far below zero as the limit says.

        Raises:
            InvalidCommand, NotFound: As contracts/ledger says.
        """
        check_account(request.account, "account_id")
        currency = await self._teller.currency(request.currency)
        limit = await self.minor(request.limit, request.currency, "limit")
        if limit < 0:
            raise invalid("range", "limit must be at least 0", field="limit", limit="0", actual=request.limit)
        command = wire.SetCredit(account=request.account, currency=currency.number, limit=limit)
        event = await self._sequence(command, "set credit")
        if not isinstance(event, wire.CreditChanged):
            raise Internal("internal", f"the engine answered {type(event).__name__} to SetCredit")
        shown = currency.show(event.limit), currency.show(event.available)
        return CreditLimit(str(request.account), currency.code, *shown, event.sequence)

    # ------------------------------------------------------------------------------------------- entries

    async def line(self, entry: SignedEntry, field: str) -> Line:
        """Return an entry as the engine counts it.

        Raises:
            InvalidCommand, NotFound: `field` says which of it is wrong.
        """
        known = _HOUSE_CODES if entry.account == HOUSE else frozenset({OWN, COLLATERAL})
        if entry.code not in known:
            codes = ", ".join(map(str, sorted(known)))
            whose = "the house" if entry.account == HOUSE else "a customer"
            detail = f"the code of {whose} is one of {codes}"
            raise invalid("range", detail, field=f"{field}.code", actual=str(entry.code))
        if entry.account != HOUSE:
            check_account(entry.account, f"{field}.account_id")
        currency = await self._teller.currency(entry.currency)
        amount = await self.minor(entry.amount, entry.currency, f"{field}.amount")
        return Line(Side(entry.account, entry.code), currency.number, amount)

    async def minor(self, text: str, code: str, field: str) -> int:
        """Return the signed minor units of a decimal string."""
        currency, value = await self._teller.currency(code), Scaled.parse(text, field)
        if value.scale > currency.scale:
            places = str(currency.scale)
            raise invalid("range", f"{code} has {places} places", field=field, limit=places, actual=text)
        minor: int = value.mantissa * 10 ** (currency.scale - value.scale)
        if abs(minor) > I64_MAX:
            limit = currency.show(I64_MAX)
            raise invalid("range", f"{field} needs more than 63 bits", field=field, limit=limit, actual=text)
        return minor

    # ------------------------------------------------------------------------------------------- posting

    async def _post(self, command: wire.PostGroup, name: str) -> TransactionView:
        return self.shown(await self.post(command, name))

    async def post(self, command: wire.PostGroup, name: str) -> list[wire.Event]:
        """Return what posting a group tells, or told when it was posted first; the last event is GroupPosted.

        Raises:
            NotFound, Conflict, InvalidCommand: The engine refused it.
            Unavailable: Nothing happened; or `ledger.behind`: it was posted before and cannot be read yet.
        """
        sequenced = await self._bus.request(matching.Sequence(command=command.encode()))
        events = wire.decode_events(sequenced.events)
        match events[-1]:
            case wire.GroupPosted():
                self.transactions["posted"] += 1
                self._posted = max(self._posted, events[-1].sequence)
                return events
            case wire.CommandDone(outcome=1, order_sequence=sequence):
                self.transactions["repeated"] += 1
                return told_at(self._log, sequence)
            case wire.CommandRefused() as refused:
                self.transactions["refused"] += 1
                raise await self._refusal(refused, command, name)
            case other:
                raise Internal("internal", f"the engine answered {type(other).__name__} to PostGroup")

    async def _sequence(self, command: wire.Command, operation: str) -> wire.Event:
        sequenced = await self._bus.request(matching.Sequence(command=command.encode()))
        event = wire.decode_events(sequenced.events)[-1]
        if isinstance(event, wire.CommandRefused):
            raise refusal(event, operation)
        return event

    async def _refusal(self, refused: wire.CommandRefused, command: wire.PostGroup, name: str) -> QuantumCoreError:
        """Return what the engine's refusal means: which account is unknown, which field of a repeat differs."""
        match Reason(refused.reason):
            case Reason.UNKNOWN_ACCOUNT:
                leg = command.each_leg()[refused.order_slot]
                unknown = [str(n) for n in (leg.debit_account, leg.credit_account) if n and not await self._opened(n)]
                who = ", ".join(unknown or [str(leg.debit_account or leg.credit_account)])
                return NotFound("account.not_found", f"account {who} not found", field="entries")
            case Reason.DUPLICATE_ID:
                differs = f"exists_with_different_{_FIELDS.get(refused.actual, 'body')}"
                detail = f"transaction {name} was posted with another body: {differs}"
                return Conflict("idempotency.mismatch", detail, field="transaction_id", actual=differs)
            case Reason.BAD_COMMAND:
                return InvalidCommand("request.invalid", "the engine does not understand this transaction")
            case _:
                return refusal(refused, "transaction")

    async def _opened(self, account: int) -> int:
        return await self._database.read(lambda connection: queries.opened_at(connection, account))

    # ------------------------------------------------------------------------------------------- reading

    async def _find(self, name: str) -> tuple[Row[Any], list[Row[Any]]] | None:
        def work(connection: Connection) -> tuple[Row[Any], list[Row[Any]]] | None:
            row = queries.transaction(connection, HOUSE, name)
            return None if row is None else (row, queries.transaction_legs(connection, row.sequence))

        return await self._database.read(work)

    def shown(self, events: Sequence[wire.Event]) -> TransactionView:
        """Return a posted transaction as its events tell it."""
        posted = events[-1]
        if not isinstance(posted, wire.GroupPosted):
            raise Internal("internal", f"the events of a transaction end with {type(posted).__name__}")
        texts = [
            event.text.rstrip(b"\0").decode(errors="replace") for event in events if isinstance(event, wire.GroupNoted)
        ]
        day = posted.effective_day
        return TransactionView(
            transaction_id=posted.group_id,
            code=posted.code,
            effective_date=date.fromordinal(EPOCH + day).isoformat() if day else None,
            user_data=posted.user_data.hex(),
            text="".join(texts),
            reverses=posted.reverses or None,
            legs=[self._made(event) for event in events if isinstance(event, wire.TransferMade)],
            status="posted",
            sequence=posted.sequence,
            time_ns=posted.time_ns,
        )

    def _made(self, made: wire.TransferMade) -> TransactionLeg:
        currency = self._catalogue.currencies[made.currency]
        sides = ((made.debit_account, made.debit_code), (made.credit_account, made.credit_code))
        debit, credit = (_side(owner, code) for owner, code in sides)
        return TransactionLeg(debit, credit, currency.code, currency.show(made.amount))

    @property
    def _catalogue(self) -> Catalogue:
        return self._teller.catalogue


def told_at(log: EventLog, sequence: int) -> list[wire.Event]:
    """Return the events of one command that was done before, from the event log.

    Raises:
        Unavailable: `ledger.behind`: they are not in the log yet.
    """
    for batch in log.read(sequence - 1, max_bytes=1):
        if batch.first <= sequence <= batch.last:
            return [event for event in batch.events if event.sequence == sequence]
    raise Unavailable("ledger.behind", f"what sequence {sequence} told cannot be read yet", retry_after=1)


def _side(owner: int, code: int) -> str:
    if owner == HOUSE:
        return str(code)
    return f"{owner}:{'collateral' if code == COLLATERAL else 'balance'}"


def group_of(request: RecordTransaction | CaptureHold, legs: list[wire.Leg], reverses: str = "") -> wire.PostGroup:
    """Return the engine's command.

    Raises:
        InvalidCommand: `field` says what is wrong.
    """
    if not 1 <= request.code <= 2**16 - 1:
        raise invalid("range", "code is 1 to 65535", field="code", limit="65535", actual=str(request.code))
    text = request.text.encode()
    if len(text) > MAX_TEXT_BYTES or "\0" in request.text:
        bound = str(MAX_TEXT_BYTES)
        detail = f"text is at most {bound} bytes of UTF-8, none of them zero"
        raise invalid("range", detail, field="text", limit=bound, actual=str(len(text)))
    return wire.PostGroup(
        group_id=request.transaction_id,
        code=request.code,
        count=len(legs),
        flags=int(isinstance(request, RecordTransaction) and request.two_persons),
        effective_day=_day(request.effective_date),
        user_data=_user_data(request.user_data),
        reverses=reverses,
        text=text.ljust(MAX_TEXT_BYTES, b"\0"),
        legs=b"".join(leg.encode() for leg in legs),
    )


def _day(text: str) -> int:
    """Return a date as days since 1970-01-01; none: 0, the day of the command."""
    if not text:
        return 0
    try:
        day = date.fromisoformat(text).toordinal() - EPOCH
    except ValueError as error:
        raise invalid("time", "effective_date is YYYY-MM-DD", field="effective_date", actual=text[:64]) from error
    if len(text) != len("YYYY-MM-DD") or day == 0:
        raise invalid(
            "time", "effective_date is YYYY-MM-DD, and not 1970-01-01", field="effective_date", actual=text[:64]
        )
    return day


def _user_data(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text or "0" * USER_DATA_DIGITS)
    except ValueError:
        raw = b""
    if len(raw) * 2 != USER_DATA_DIGITS or (text and len(text) != USER_DATA_DIGITS):
        digits = str(USER_DATA_DIGITS)
        raise invalid(
            "range", f"user_data is {digits} hexadecimal digits", field="user_data", limit=digits, actual=text[:64]
        )
    return raw


def _turned(row: Row[Any]) -> wire.Leg:
    """Return the mirror of an entry, in the engine's codes."""
    debit, credit = (OWN if code in CUSTOMER_CODES else code for code in (row.credit_code, row.debit_code))
    return wire.Leg(
        debit_account=row.credit_owner,
        credit_account=row.debit_owner,
        debit_code=debit,
        credit_code=credit,
        currency=row.currency,
        amount=row.amount,
    )
