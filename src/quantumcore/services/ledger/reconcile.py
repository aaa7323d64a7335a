"""The ledger against the engine: every balance, every hold, every sum, each pair of one sequence, tolerance zero.

The engine is asked first; then the ledger must have reached that answer's sequence and must not have moved the account
since. Under load an account may move in between: it is asked again, TRIES times.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from sqlalchemy import Connection

from quantumcore.contracts.errors import NotFound, Unavailable
from quantumcore.contracts.ledger import Difference, Reconciliation
from quantumcore.contracts.matching import EngineAccount, EngineTotals, GetEngineAccount, GetEngineTotals
from quantumcore.contracts.reference import Catalogue
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.follower import Follower
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.domain import HOUSE, Account, AccountKey

TRIES = 20
HOUSE_NAME = "house"
MAX_DIFFERENCES = 1_000  # a ledger that is wrong everywhere need not say so a million times

Stands = dict[AccountKey, Account]


class Reconciler:
    """Compares; changes nothing."""

    def __init__(self, bus: Bus, database: Database, follower: Follower, catalogue: Catalogue) -> None:
        self._bus = bus
        self._database = database
        self._follower = follower
        self._catalogue = catalogue

    async def run(self, pause: Callable[[int], Awaitable[None]] | None = None) -> Reconciliation:
        """Compare everything; `pause` is called after each account, with how many there were.

        Raises:
            Unavailable: `ledger.moving`: the ledger did not catch up with the engine, or an account never stood still.
        """
        sequence, found = await self._house()  # first: whoever was opened before is in the books afterwards
        numbers = await self._database.read(queries.all_owners)
        for count, number in enumerate(numbers, 1):
            found += await self._account(number)
            if pause is not None:
                await pause(count)
            if len(found) >= MAX_DIFFERENCES:
                break
        return Reconciliation(sequence, len(numbers), found[:MAX_DIFFERENCES])

    async def _account(self, number: int) -> list[Difference]:
        for _ in range(TRIES):
            engine = await self._engine_account(number)
            stands = await self._stood(number, engine.sequence)
            if stands is not None:
                theirs = {
                    b.currency: {"total": b.total, "held": b.held, "collateral": b.collateral} for b in engine.balances
                }
                return list(self._compare(str(number), queries.customer_sums(stands), theirs))
        raise Unavailable("ledger.moving", f"an account moved {TRIES} times while it was compared", retry_after=1)

    async def _engine_account(self, number: int) -> EngineAccount:
        try:
            return await self._bus.request(GetEngineAccount(account=number))
        except NotFound:  # an account that the engine has never opened: it has nothing there
            return EngineAccount(number, self._follower.cursor, [])

    async def _house(self) -> tuple[int, list[Difference]]:
        for _ in range(TRIES):
            engine = await self._bus.request(GetEngineTotals())
            stands = await self._stood(HOUSE, engine.sequence)
            if stands is not None:
                return engine.sequence, self._compare_house(stands, engine)
        raise Unavailable("ledger.moving", f"the house moved {TRIES} times while it was compared", retry_after=1)

    def _compare_house(self, stands: Stands, engine: EngineTotals) -> list[Difference]:
        names = ("customers", "held", "fees", "rebates", "rounding", "deposited")
        theirs = {
            total.currency: {name: getattr(total, name) for name in names}
            | {str(other.code): other.balance for other in total.others}
            for total in engine.totals
        }
        return list(self._compare(HOUSE_NAME, queries.house_sums(stands), theirs))

    async def _stood(self, owner: int, sequence: int) -> Stands | None:
        """Return what stands for `owner` at `sequence`; None when it has moved since."""
        if await self._follower.reached(sequence) < sequence:
            raise Unavailable("ledger.moving", f"the ledger is behind sequence {sequence}", retry_after=1)

        def work(connection: Connection) -> Stands:
            return queries.owner_view(connection, owner).accounts

        stands = await self._database.read(work)
        return None if any(account.changed > sequence for account in stands.values()) else stands

    def _compare(
        self,
        account: str,
        ours: Mapping[int, Mapping[str, int]],
        theirs: Mapping[int, Mapping[str, int]],
    ) -> Iterable[Difference]:
        """Yield what differs; what one side does not mention is nothing."""
        for currency in sorted(ours.keys() | theirs.keys()):
            one, other = ours.get(currency, {}), theirs.get(currency, {})
            known = self._catalogue.currencies.get(currency)
            for what in dict.fromkeys((*one, *other)):
                ledger, engine = one.get(what, 0), other.get(what, 0)
                if ledger != engine:
                    code = known.code if known else str(currency)
                    yield Difference(account, code, what, str(ledger), str(engine))
