"""The ledger against the engine: every balance, every hold of a client, every sum, each pair of one sequence, tolerance zero.

The engine is asked first; then the ledger must have reached that answer's sequence and must not have moved the account
since. Under load an account may move in between: it is asked again, TRIES times.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from sqlalchemy import Connection

from quantumcore.contracts.errors import NotFound, Unavailable
from quantumcore.contracts.ledger import Difference, Reconciliation
from quantumcore.contracts.matching import (
    EngineAccount,
    EngineHolds,
    EngineTotals,
    GetEngineAccount,
    GetEngineHolds,
    GetEngineTotals,
)
from quantumcore.contracts.reference import Catalogue
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.follower import Follower
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.domain import HOUSE, Account, AccountKey, ClientHold

TRIES = 20
HOUSE_NAME = "house"
MOST_HOLDS = 10_000  # that are looked at for one page of the engine's
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
        found += await self._holds()
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

    async def _holds(self) -> list[Difference]:
        """Compare every open hold of a client, page by page of the engine's."""
        found: list[Difference] = []
        first = looked = 0  # a row of the engine's, and the last sequence that was compared
        while len(found) < MAX_DIFFERENCES:
            page, ours, upto = await self._page(first, looked)
            theirs = {(h.sequence, h.account, h.currency): (h.placed, h.captured, h.released) for h in page.holds}
            found += self._compare_holds(ours, theirs)
            first, looked = page.following, upto
            if not first:
                break
        return found

    async def _page(self, first: int, looked: int) -> tuple[EngineHolds, list[ClientHold], int]:
        """Return a page, what stands of it, and up to which sequence: nothing of that has moved since the engine was asked."""
        for _ in range(TRIES):
            page = await self._bus.request(GetEngineHolds(first=first))
            await self._reach(page.sequence)
            upto = max((hold.sequence for hold in page.holds), default=looked) if page.following else page.sequence
            known = [hold.sequence for hold in page.holds]
            work = partial(queries.standing_holds, known=known, first=looked + 1, last=upto, limit=MOST_HOLDS)
            stands = (await self._database.read(work)).values()
            if all(hold.changed <= page.sequence for hold in stands):
                return page, [hold for hold in stands if hold.open], upto
        raise Unavailable("ledger.moving", f"holds moved {TRIES} times while they were compared", retry_after=1)

    def _compare_holds(
        self, ours: Iterable[ClientHold], theirs: Mapping[tuple[int, int, int], tuple[int, int, int]]
    ) -> Iterable[Difference]:
        stands = {(h.sequence, h.account, h.currency): (h.placed, h.captured, h.released) for h in ours}
        for sequence, account, currency in sorted(stands.keys() | theirs.keys()):
            key = (sequence, account, currency)
            nothing = (0, 0, 0)
            parts = zip(
                ("placed", "captured", "released"), stands.get(key, nothing), theirs.get(key, nothing), strict=True
            )
            for what, ledger, engine in parts:
                if ledger != engine:
                    code = self._code(currency)
                    yield Difference(str(account), code, f"hold {sequence} {what}", str(ledger), str(engine))

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
        await self._reach(sequence)

        def work(connection: Connection) -> Stands:
            return queries.owner_view(connection, owner).accounts

        stands = await self._database.read(work)
        return None if any(account.changed > sequence for account in stands.values()) else stands

    async def _reach(self, sequence: int) -> None:
        if await self._follower.reached(sequence) < sequence:
            raise Unavailable("ledger.moving", f"the ledger is behind sequence {sequence}", retry_after=1)

    def _code(self, currency: int) -> str:
        known = self._catalogue.currencies.get(currency)
        return known.code if known else str(currency)

    def _compare(
        self,
        account: str,
        ours: Mapping[int, Mapping[str, int]],
        theirs: Mapping[int, Mapping[str, int]],
    ) -> Iterable[Difference]:
        """Yield what differs; what one side does not mention is nothing."""
        for currency in sorted(ours.keys() | theirs.keys()):
            one, other = ours.get(currency, {}), theirs.get(currency, {})
            for what in dict.fromkeys((*one, *other)):
                ledger, engine = one.get(what, 0), other.get(what, 0)
                if ledger != engine:
                    yield Difference(account, self._code(currency), what, str(ledger), str(engine))
