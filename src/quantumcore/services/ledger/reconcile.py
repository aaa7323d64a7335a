"""The ledger against the engine: every balance, hold, limit and state, every sum, each pair of one sequence, tolerance zero.

The engine is asked first, for a page of accounts at once; then the ledger must have reached that answer's sequence and must
not have changed an account since. Under load some may change in between: they are asked for again, TRIES times.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.ledger import ACCOUNT_STATES, Difference, Reconciliation
from quantumcore.contracts.matching import (
    MOST_ACCOUNTS,
    EngineAccount,
    EngineHolds,
    EngineTotals,
    GetEngineAccounts,
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
_STATES = {number: name for name, number in ACCOUNT_STATES.items()}
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

    async def run(self, pause: Callable[[], Awaitable[None]] | None = None) -> Reconciliation:
        """Compare everything; `pause` is called between two pages of accounts.

        Raises:
            Unavailable: `ledger.moving`: the ledger did not catch up with the engine, or an account never stood still.
        """
        sequence, found = await self._house()  # first: whoever was opened before is in the books afterwards
        numbers = await self._database.read(queries.all_owners)
        for begin in range(0, len(numbers), MOST_ACCOUNTS):
            if begin and pause is not None:
                await pause()
            found += await self._page(numbers[begin : begin + MOST_ACCOUNTS])
            if len(found) >= MAX_DIFFERENCES:
                break
        found += await self._holds()
        return Reconciliation(sequence, len(numbers), found[:MAX_DIFFERENCES])

    async def _page(self, numbers: Sequence[int]) -> list[Difference]:
        found: dict[int, list[Difference]] = {}
        moving = numbers
        for _ in range(TRIES):
            engine = await self._bus.request(GetEngineAccounts(accounts=list(moving)))
            await self._reach(engine.sequence)
            stood = await self._database.read(partial(queries.stood, numbers=moving))
            for theirs in engine.accounts:
                if stood[theirs.account].changed <= engine.sequence:
                    found[theirs.account] = list(self._compare_account(stood[theirs.account], theirs))
            moving = [number for number in moving if number not in found]
            if not moving:
                return [one for number in numbers for one in found[number]]
        raise Unavailable("ledger.moving", f"an account moved {TRIES} times while it was compared", retry_after=1)

    def _compare_account(self, stands: queries.Stood, engine: EngineAccount) -> Iterable[Difference]:
        theirs = {
            b.currency: {"total": b.total, "held": b.held, "collateral": b.collateral, "limit": b.limit}
            for b in engine.balances
        }
        yield from self._compare(str(engine.account), queries.customer_sums(stands), theirs)
        if engine.state and engine.state != stands.state:  # of one that it has never opened, balances say all
            states = (_STATES.get(state, str(state)) for state in (stands.state, engine.state))
            yield Difference(str(engine.account), "", "state", *states)

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
            page, ours, upto = await self._page_of_holds(first, looked)
            theirs = {(h.sequence, h.account, h.currency): (h.placed, h.captured, h.released) for h in page.holds}
            found += self._compare_holds(ours, theirs)
            first, looked = page.following, upto
            if not first:
                break
        return found

    async def _page_of_holds(self, first: int, looked: int) -> tuple[EngineHolds, list[ClientHold], int]:
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
