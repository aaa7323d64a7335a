"""The counter of the ledger: takes what clients ask to the engine, and brings back its answer."""

from collections import Counter

from quantumcore.contracts import wire
from quantumcore.contracts.ledger import AccountView, MakeTransfer, OpenAccount, TransferView
from quantumcore.contracts.reference import Catalogue, Currency
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.follower import Follower
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.engine import Engine, unheard_of
from quantumcore.services.ledger.transfers import open_command, refusal, transfer_command


class Teller:
    """Makes commands and reads answers; it writes nothing, the projection does.

    Attributes:
        transfers: How many were posted, repeated, refused.
    """

    def __init__(self, engine: Engine, database: Database, definitions: Definitions, follower: Follower) -> None:
        self._engine = engine
        self._database = database
        self._definitions = definitions
        self._follower = follower
        self.transfers: Counter[str] = Counter()

    async def open_account(self, request: OpenAccount) -> AccountView:
        """Open an account; the same again answers the same.

        Raises:
            InvalidCommand: Number or owner has no such form.
            Conflict: `definition.exists_with_different`: somebody else has this number.
            Unavailable, OutcomeUnknown: As matching says.
        """
        command = open_command(request)
        event = (await self._engine.tell(command))[-1]
        match event:
            case wire.AccountOpened():
                opened = event.sequence
            case wire.CommandDone(outcome=1):
                opened = await self._opened_at(request.account, event.sequence)
            case wire.CommandRefused():
                raise refusal(event, "open account")
            case _:
                raise unheard_of(event, command)
        return AccountView(str(request.account), request.owner, opened)

    async def _opened_at(self, account: int, otherwise: int) -> int:
        """Return where the account was opened, as the tables know it: a repeated definition names no sequence."""
        await self._follower.reached(otherwise)
        return await self._database.read(lambda connection: queries.opened_at(connection, account)) or otherwise

    async def make_transfer(self, request: MakeTransfer) -> TransferView:
        """Move money; the same transfer_id with the same body answers the same.

        Raises:
            InvalidCommand, NotFound, Conflict: As contracts/ledger says.
            Unavailable, OutcomeUnknown: As matching says; after the latter, ask again with the same transfer_id.
        """
        command = transfer_command(request, await self.currency(request.currency))
        event = (await self._engine.tell(command))[-1]
        match event:
            case wire.TransferPosted():
                self.transfers["posted"] += 1
                return await self._posted(event)
            case wire.CommandDone(outcome=1):
                self.transfers["repeated"] += 1
                return await self._repeated(command, event.order_sequence)
            case wire.CommandRefused():
                self.transfers["refused"] += 1
                raise refusal(event, "transfer")
            case _:
                raise unheard_of(event, command)

    async def currency(self, code: str) -> Currency:
        """Return the currency of `code`; matching is asked once more before a no.

        Raises:
            NotFound: `currency.not_found`.
        """
        if code not in self._catalogue.codes:
            await self._definitions.refresh()
        return self._catalogue.currency(code)

    @property
    def catalogue(self) -> Catalogue:
        """Units, as far as matching has told them."""
        return self._catalogue

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue

    async def _posted(self, posted: wire.TransferPosted) -> TransferView:
        if posted.currency not in self._catalogue.currencies:
            await self._definitions.refresh()
        return queries.show_transfer(posted, self._catalogue)

    async def _repeated(self, command: wire.Transfer, sequence: int) -> TransferView:
        """Return the first answer: from the books, or from the log when it is not entered yet."""
        row = await self._database.read(
            lambda connection: queries.transfer(connection, command.account, command.transfer_id)
        )
        if row is not None:
            return queries.show_transfer(row, self._catalogue)
        event = self._engine.told_at(sequence)[-1]
        if not isinstance(event, wire.TransferPosted):
            raise unheard_of(event, command)
        return await self._posted(event)
