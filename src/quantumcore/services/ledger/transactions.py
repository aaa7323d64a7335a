"""What operators ask of the books: transactions by hand, their reversal, whether an account is open, and its credit."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from quantumcore.contracts import wire
from quantumcore.contracts.days import DAY_NS, day_of, effective_day, shown_day
from quantumcore.contracts.errors import Conflict, Internal, NotFound, invalid
from quantumcore.contracts.ledger import (
    ACCOUNT_STATES,
    AccountState,
    CreditLimit,
    GetTransaction,
    RecordTransaction,
    ReverseTransaction,
    SetAccountState,
    SetCreditLimit,
    SignedEntry,
    TransactionLeg,
    TransactionView,
)
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.values import I64_MAX, Scaled, check_client_id
from quantumcore.ports.database import Database
from quantumcore.ports.follower import Follower
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.conversions import OWN, RESIDUE_PREFIX
from quantumcore.services.ledger.corrections import CLOSING_PREFIX, CORRECTS, corrected, correcting
from quantumcore.services.ledger.domain import COLLATERAL, CUSTOMER_CODES, HOUSE, NAMES
from quantumcore.services.ledger.engine import Engine, unheard_of
from quantumcore.services.ledger.groups import Groups
from quantumcore.services.ledger.office import taxes
from quantumcore.services.ledger.office.closed import ClosedDays
from quantumcore.services.ledger.pairing import Line, Side, check_balanced, legs_of
from quantumcore.services.ledger.teller import Teller
from quantumcore.services.ledger.transfers import check_account, refusal

MAX_ENTRIES = 200
MAX_PARTS = wire.PostGroup.MOST
MAX_TEXT_BYTES, USER_DATA_DIGITS = 128, 32
_HOUSE_CODES = frozenset(NAMES) - CUSTOMER_CODES - {COLLATERAL}


class Bookkeeper:
    """Makes commands and reads answers; it writes nothing, the projection does.

    Attributes:
        transactions: How many were posted, repeated, refused.
    """

    def __init__(
        self,
        engine: Engine,
        groups: Groups,
        database: Database,
        follower: Follower,
        teller: Teller,
        closed: ClosedDays,
        office: Database,
    ) -> None:
        self._engine = engine
        self._office = office
        self._closed = closed
        self._groups = groups
        self._database = database
        self._follower = follower
        self._teller = teller
        self.transactions: Counter[str] = Counter()

    async def record(self, request: RecordTransaction) -> TransactionView:
        """Post a transaction once.

        Raises:
            InvalidCommand, NotFound, Conflict: As contracts/ledger says; nothing happened.
            Unavailable, OutcomeUnknown: As matching says; after the latter, ask again with the same id.
        """
        return await self._post(await self.transaction(request))

    async def reverse(self, request: ReverseTransaction) -> TransactionView:
        """Post the mirror of a transaction.

        Raises:
            NotFound, Conflict, InvalidCommand, Unavailable: As `record`.
        """
        original, rows = await self._original(request)
        if original.reversed_by:
            self.transactions["repeated"] += 1
            return self.shown(self._engine.told_at(original.reversed_by))
        return await self._post(await self._mirror(request, original, rows))

    async def find(self, query: GetTransaction) -> TransactionView:
        """Return a transaction.

        Raises:
            NotFound: `transaction.not_found`.
            Unavailable: `ledger.behind`.
        """
        await self._follower.reached(max(query.at_least, self._groups.posted))
        row, _ = _known(await self._find(query.transaction_id))
        return self.shown(self._engine.told_at(row.sequence))

    async def set_state(self, request: SetAccountState) -> AccountState:
        """Open, freeze or close an account.

        Raises:
            InvalidCommand, NotFound, Conflict: As contracts/ledger says.
        """
        event = await self._sequence(await self.state(request), "set account state")
        return AccountState(str(request.account), request.state, event.sequence)

    async def set_credit(self, request: SetCreditLimit) -> CreditLimit:
        """Let a balance go as far below zero as the limit says.

        Raises:
            InvalidCommand, NotFound: As contracts/ledger says.
        """
        command = await self.credit(request)
        event = await self._sequence(command, "set credit")
        if not isinstance(event, wire.CreditChanged):
            raise unheard_of(event, command)
        currency = self._catalogue.currencies[event.currency]
        shown = currency.show(event.limit), currency.show(event.available)
        return CreditLimit(str(request.account), currency.code, *shown, event.sequence)

    # ------------------------------------------------------------------------------------------- commands

    async def transaction(self, request: RecordTransaction) -> wire.PostGroup:
        """Return the engine's command.

        Raises:
            InvalidCommand, NotFound: It cannot be; its field says why.
        """
        check_free(request.transaction_id, "transaction_id")
        if len(request.entries) > MAX_ENTRIES:
            bound = str(MAX_ENTRIES)
            raise invalid(
                "range", f"at most {bound} entries", field="entries", limit=bound, actual=str(len(request.entries))
            )
        if request.corrects:
            await self._check_closed(day_of(request.corrects, "corrects"))
        lines = [await self.line(entry, f"entries[{at}]") for at, entry in enumerate(request.entries)]
        check_balanced(lines, self._catalogue.currencies)
        return group_of(request, legs_of(lines))

    async def check(self, request: RecordTransaction) -> None:
        """Do nothing if it could be posted; raises as `transaction`, and `period.closed`."""
        await self._groups.check_open(await self.transaction(request))

    async def reversal(self, request: ReverseTransaction) -> wire.PostGroup:
        """Return the engine's command; raises as `transaction`."""
        return await self._mirror(request, *await self._original(request))

    async def _original(self, request: ReverseTransaction) -> tuple[Row[Any], list[Row[Any]]]:
        check_client_id(request.transaction_id, "transaction_id")
        if request.transaction_id.startswith(CLOSING_PREFIX):
            raise Conflict("period.closed", "a closed period stays closed", field="transaction_id")
        document = await self._office.read(lambda tx: taxes.find(tx, request.transaction_id))
        if document is not None and document.state is not taxes.State.FAILED:
            detail = "a tax document is taken back by another one whose amounts are negative"
            raise Conflict("tax.document.reversal", detail, field="transaction_id")
        await self._follower.reached(self._groups.posted)
        return _known(await self._find(request.transaction_id))

    async def _mirror(self, request: ReverseTransaction, original: Row[Any], rows: list[Row[Any]]) -> wire.PostGroup:
        period = await self._closed.period_of(original.effective_day or original.time_ns // DAY_NS)
        legs = [_turned(row) for row in reversed(rows)]
        asked = RecordTransaction(
            transaction_id=request.reversal_id or f"reversal-{original.sequence}",
            entries=[],
            code=request.code,
            text=request.text,
            corrects="" if period is None else shown_day(period),
            two_persons=request.two_persons,
        )
        check_free(asked.transaction_id, "reversal_id")
        return group_of(asked, legs, original.group_id)

    async def state(self, request: SetAccountState) -> wire.SetAccountTerms:
        """Return the engine's command; raises as `transaction`."""
        check_account(request.account, "account_id")
        state = ACCOUNT_STATES.get(request.state)
        if state is None:
            names = ", ".join(ACCOUNT_STATES)
            raise invalid("range", f"state must be one of {names}", field="state", actual=request.state[:64])
        return wire.SetAccountTerms(account=request.account, state=state)

    async def credit(self, request: SetCreditLimit) -> wire.SetCredit:
        """Return the engine's command; raises as `transaction`."""
        check_account(request.account, "account_id")
        currency = await self._teller.currency(request.currency)
        limit = await self.minor(request.limit, request.currency, "limit")
        if limit < 0:
            raise invalid("range", "limit must be at least 0", field="limit", limit="0", actual=request.limit)
        return wire.SetCredit(account=request.account, currency=currency.number, limit=limit)

    async def _check_closed(self, day: int) -> None:
        if day not in await self._closed.ends():
            detail = "no closed period ends on that day"
            raise NotFound("period.not_found", detail, field="corrects", actual=shown_day(day))

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

    async def _post(self, command: wire.PostGroup) -> TransactionView:
        return self.shown(await self._groups.post(command, self.transactions))

    async def _sequence(self, command: wire.Command, operation: str) -> wire.Event:
        event = (await self._engine.tell(command))[-1]
        if isinstance(event, wire.CommandRefused):
            raise refusal(event, operation)
        return event

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
            effective_date=shown_day(day) if day else None,
            user_data=posted.user_data.hex(),
            text="".join(texts),
            reverses=posted.reverses or None,
            legs=[self._made(event) for event in events if isinstance(event, wire.TransferMade)],
            status="posted",
            sequence=posted.sequence,
            time_ns=posted.time_ns,
            corrects=corrected(posted.user_data.hex()),
        )

    def _made(self, made: wire.TransferMade) -> TransactionLeg:
        currency = self._catalogue.currencies[made.currency]
        sides = ((made.debit_account, made.debit_code), (made.credit_account, made.credit_code))
        debit, credit = (_side(owner, code) for owner, code in sides)
        return TransactionLeg(debit, credit, currency.code, currency.show(made.amount))

    @property
    def _catalogue(self) -> Catalogue:
        return self._teller.catalogue


def _side(owner: int, code: int) -> str:
    if owner == HOUSE:
        return str(code)
    return f"{owner}:{'collateral' if code == COLLATERAL else 'balance'}"


def group_of(request: RecordTransaction, legs: list[wire.Leg], reverses: str = "") -> wire.PostGroup:
    """Return the engine's command.

    Raises:
        InvalidCommand: `field` says what is wrong.
    """
    if not 1 <= request.code <= 2**16 - 1:
        raise invalid("range", "code is 1 to 65535", field="code", limit="65535", actual=str(request.code))
    text = text_bytes(request.text)
    return wire.PostGroup(
        group_id=request.transaction_id,
        code=request.code,
        count=len(legs),
        flags=int(request.two_persons),
        effective_day=effective_day(request.effective_date),
        user_data=_user_data(request),
        reverses=reverses,
        text=text.ljust(MAX_TEXT_BYTES, b"\0"),
        legs=b"".join(leg.encode() for leg in legs),
    )


def text_bytes(given: str) -> bytes:
    """Return the text of a group.

    Raises:
        InvalidCommand: It is too long.
    """
    text = given.encode()
    if len(text) > MAX_TEXT_BYTES or "\0" in given:
        bound = str(MAX_TEXT_BYTES)
        detail = f"text is at most {bound} bytes of UTF-8, none of them zero"
        raise invalid("range", detail, field="text", limit=bound, actual=str(len(text)))
    return text


def check_free(name: str, field: str) -> None:
    """Raise InvalidCommand unless `name` can be the id of a transaction by hand."""
    check_client_id(name, field)
    if name.startswith((RESIDUE_PREFIX, CLOSING_PREFIX)):
        raise invalid("id", f"{field} begins as the ledger's own ids do", field=field, actual=name)


def _user_data(request: RecordTransaction) -> bytes:
    text = request.user_data
    try:
        raw = bytes.fromhex(text or "0" * USER_DATA_DIGITS)
    except ValueError:
        raw = b""
    if len(raw) * 2 != USER_DATA_DIGITS or (text and len(text) != USER_DATA_DIGITS):
        digits = str(USER_DATA_DIGITS)
        raise invalid(
            "range", f"user_data is {digits} hexadecimal digits", field="user_data", limit=digits, actual=text[:64]
        )
    if raw.startswith(CORRECTS) or (text and request.corrects):
        detail = "user_data is where the ledger writes which period is corrected: leave it away"
        raise invalid("range", detail, field="user_data", actual=text)
    return correcting(day_of(request.corrects, "corrects")) if request.corrects else raw


def _known(found: tuple[Row[Any], list[Row[Any]]] | None) -> tuple[Row[Any], list[Row[Any]]]:
    if found is None:
        raise NotFound("transaction.not_found", "transaction not found", field="transaction_id")
    return found


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
