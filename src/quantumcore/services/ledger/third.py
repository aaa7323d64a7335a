"""The ledger against trades and positions: what other rooms have made of the same events, account by account.

Only what is new is asked and summed: for each account stands in memory how far both sides are counted, and what they came
to. After a start all is counted anew, at most PAGES pages of an account in a round.
"""

from msgspec import Struct, field
from sqlalchemy import Connection, func, literal_column, select

from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.ledger_reports import Break
from quantumcore.contracts.order_queries import GetFills
from quantumcore.contracts.positions import GetPositions
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.follower import Follower
from quantumcore.services.ledger.postings import Why
from quantumcore.services.ledger.reports import HALVES, whole
from quantumcore.services.ledger.tables import entries
from quantumcore.services.ledger.tallies import Moved, Tallies, add_fills, add_moved, exact, unequal

PAGE = 1_000
PAGES = 50  # of one account in one round; what is left is counted in the next
NOT_YET, COMPARED = "not compared yet", "compared"
_BEYOND = 2**32  # no event of a sequence has so high a number


class _Counted(Struct):
    """How far an account is counted.

    Attributes:
        cursor: Of its fills.
        upto: Of the ledger: sequences.
        moved, moved_upto: Net quantity of each asset by the ledger, busts included, for positions.
    """

    cursor: str = ""
    upto: int = 0
    ledger: Tallies = field(default_factory=dict)
    trades: Tallies = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)
    moved_upto: int = 0


class ThirdParties:
    """Compares; changes nothing.

    Attributes:
        trades: Sides of trades counted so far.
        positions: COMPARED, or why not.
    """

    def __init__(self, bus: Bus, database: Database, follower: Follower, catalogue: Catalogue) -> None:
        self.trades = 0
        self.positions = NOT_YET
        self._bus = bus
        self._database = database
        self._follower = follower
        self._catalogue = catalogue
        self._accounts: dict[int, _Counted] = {}

    def begin(self) -> None:
        """Begin a round: whoever was not there in the last one may be there now."""
        self.positions = NOT_YET

    async def of_trades(self, account: int) -> list[Break]:
        """Return where the ledger and the fills of an account part.

        Raises:
            Unavailable: The orders room does not answer, or the ledger is behind it.
        """
        counted = self._accounts.setdefault(account, _Counted())
        for _ in range(PAGES):
            asked = GetFills(account=account, limit=PAGE, cursor=counted.cursor, ascending=True)
            page = await self._bus.request(asked)
            add_fills(counted.trades, page.items, self._instrument)
            self.trades += len(page.items)
            counted.cursor = page.next_cursor or f"{page.sequence}.{_BEYOND}.0"
            if page.next_cursor is None:
                break
        else:
            return []  # too much for one round: nothing can be said yet
        await self._reached(page.sequence)
        if page.sequence > counted.upto:
            add_moved(counted.ledger, await self._moved(account, counted.upto, page.sequence))
            counted.upto = page.sequence
        return [
            _break(account, one.code, one.what, one.ledger, one.trades, "trades")
            for one in unequal(counted.ledger, counted.trades)
        ]

    async def of_positions(self, account: int) -> list[Break]:
        """Return where the ledger's assets and the positions of an account part; nothing while that room does not answer.

        Raises:
            Unavailable: The ledger is behind that room.
        """
        if self.positions not in (NOT_YET, COMPARED):
            return []  # asked once a round
        try:
            found = await self._bus.request(GetPositions(account=account))
        except Unavailable as error:
            self.positions = f"not compared: {error.detail}"
            return []
        self.positions = COMPARED
        counted = self._accounts.setdefault(account, _Counted())
        await self._reached(found.sequence)
        if found.sequence > counted.moved_upto:
            for one in await self._moved(account, counted.moved_upto, found.sequence):
                if one.why in (Why.ASSET, Why.BUSTED_ASSET, Why.TAKEN_ASSET, Why.ADJUSTED_ASSET):
                    signed = -one.amount if one.debit else one.amount
                    counted.moved[one.code] = counted.moved.get(one.code, 0) + signed
            counted.moved_upto = found.sequence
        elif found.sequence < counted.moved_upto:
            return []  # that room was built anew and is on its way
        theirs: dict[str, int] = {}
        for position in found.positions:
            base = self._instrument(position.symbol).base
            theirs[base.code] = theirs.get(base.code, 0) + int(exact(position.quantity) * 10**base.scale)
        return [
            _break(account, code, "position", str(counted.moved.get(code, 0)), str(theirs.get(code, 0)), "positions")
            for code in sorted(counted.moved.keys() | theirs.keys())
            if counted.moved.get(code, 0) != theirs.get(code, 0)
        ]

    async def _reached(self, sequence: int) -> None:
        if await self._follower.reached(sequence) < sequence:
            raise Unavailable("ledger.moving", f"the ledger is behind sequence {sequence}", retry_after=1)

    async def _moved(self, account: int, after: int, upto: int) -> list[Moved]:
        """Return the sums of an account's postings in (after, upto] by kind, currency and side."""
        currencies = self._catalogue.currencies
        c = entries.c

        def work(connection: Connection) -> list[Moved]:
            found = []
            for side in ("debit", "credit"):
                owner = c[f"{side}_owner"]
                where = owner == account, owner != literal_column("0"), c.sequence > after, c.sequence <= upto
                sums = select(c.why, c.currency, func.count(), *HALVES).where(*where).group_by(c.why, c.currency)
                for why, currency, count, high, low in connection.execute(sums):
                    found.append(Moved(why, currencies[currency].code, side == "debit", count, whole(high, low)))
            return found

        return await self._database.read(work)

    def _instrument(self, symbol: str) -> Instrument:
        return self._catalogue.symbol(symbol)


def _break(account: object, code: str, what: str, ledger: str, other: str, against: str) -> Break:
    return Break(str(account), code, what, ledger, other, against, 0, 0)
