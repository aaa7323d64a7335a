"""The last two rungs: positions of who is worth less than nothing go to the insurance fund, or to who stands on the other side (money.md 4.4).

The fund is an account like any other, named in the settings: it holds what it has taken until somebody sells it. What a position goes for is its
worth at the mark and its part of what the account lacks, so that the account ends at exactly 0 and nothing is made or lost. Only accounts on margin
in the currency are asked to close against it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.marks import Mark
from quantumcore.contracts.matching import GetEngineMargin
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import Scaled
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.services.risk import store
from quantumcore.services.risk.margin import ladder
from quantumcore.services.risk.margin.amounts import ceiling
from quantumcore.services.risk.margin.book import Book, Place
from quantumcore.services.risk.margin.ladder import Action, Cover, Deleverage, Fund, Opposite, Take
from quantumcore.services.risk.margin.standing import STALE, TOO_LARGE
from quantumcore.services.risk.state import ONE, Holding

BETWEEN_ACCOUNTS = 3  # kind of a transfer
READ_BYTES = 256 << 10  # the loop is free again after each
MOST_TAKEN = 500
"""Positions, or parts of them, that go in one step; the next takes what is left."""


class Insurance(NamedTuple):
    """Who insures.

    Attributes:
        account: The fund's; 0: there is none, and who is worth less than nothing waits.
        floors: By currency code, decimals: what taking a position may not bring the fund below; 0 where nothing is said.
    """

    account: int = 0
    floors: Mapping[str, str] = {}


class TakeOvers:
    """Says what the fund has and who stands against a position, and makes commands of what the ladder decides."""

    def __init__(
        self,
        bus: Bus,
        database: Database,
        definitions: Definitions,
        book: Book,
        marks: Callable[[], Mapping[int, Mark]],
        insurance: Insurance,
        log: EventLog,
        reached: Callable[[int], Awaitable[int]],
    ) -> None:
        """`reached` waits a while for the tables, and so the log, to have a sequence, and returns what they have."""
        self._bus = bus
        self._database = database
        self._definitions = definitions
        self._book = book
        self._marks = marks
        self._insurance = insurance
        self._log = log
        self._reached = reached

    @property
    def insured(self) -> bool:
        """Whether there is a fund."""
        return self._insurance.account > 0

    async def fund(self, currency: int, *, refused: bool) -> Fund:
        """Return what the fund is worth in a currency, by the engine.

        Args:
            refused: Whether the engine has refused what the fund was to take.

        Raises:
            Unavailable: `risk.fund`: the fund has positions that nobody can value; or matching does not answer.
        """
        asked = GetEngineMargin(account=self._insurance.account, currencies=[currency])
        (standing,) = (await self._bus.request(asked)).standings
        if standing.margin_flags & (STALE | TOO_LARGE):
            raise Unavailable("risk.fund", "nobody knows what the insurance fund is worth", retry_after=1.0)
        known = self._catalogue.currencies[currency]
        floor = Scaled.parse(self._insurance.floors.get(known.code, "0"), "insurance_floor")
        minor = ceiling(floor.mantissa * 10**known.scale, 10**floor.scale)
        return Fund(money=standing.equity, floor=minor, refused=refused)

    async def opposites(self, account: ladder.Account, currency: int) -> list[Opposite]:
        """Return the positions on the other side of an account's, of others on margin in the currency.

        Looked at are store.HOLDERS accounts at most; the next step looks again.
        """
        wanted = {self._catalogue.symbols[one.symbol].number: one.lots for one in account.positions}

        def read(connection: Connection) -> store.Holdings:
            found = store.holders(connection, wanted)
            on_margin = [one for one in found if one != account.account and (one, currency) in self._book.profiles]
            return store.read_holdings(connection, on_margin)

        held = await self._database.read(read)
        equity = self._equities(held, currency)
        return [
            self._opposite(owner, instrument, holding, equity[owner])
            for (owner, instrument), holding in held.positions.items()
            if holding.lots * wanted.get(instrument, 0) < 0
        ]

    async def told(self, after: int, until: int) -> list[wire.Event]:
        """Return what the log tells of take-overs and transfers after one sequence, up to another.

        Raises:
            Unavailable: It is not in the log yet.
        """
        if await self._reached(until) < until:
            raise Unavailable("unavailable", f"the event log has not got sequence {until} yet", retry_after=1.0)
        found: list[wire.Event] = []
        while after < until and (batches := self._log.read(after, READ_BYTES)):
            found += [
                event
                for batch in batches
                for event in batch.events
                if event.sequence <= until and isinstance(event, wire.PositionTaken | wire.TransferPosted)
            ]
            after = batches[-1].last
            await asyncio.sleep(0)
        return found

    def commands(
        self, place: Place, positions: Sequence[ladder.Position], actions: Iterable[Action], name: str
    ) -> list[wire.Command]:
        """Return what a step sends: what holds what is to go is cancelled first, and what brings money goes before what costs some.

        Args:
            name: Of the step; what the fund pays without a position has it as its id, so that it is paid once.
        """
        giver, currency = place
        marks = {one.symbol: one for one in positions}
        gone = dict.fromkeys(marks, 0)
        cancels: list[wire.Command] = []
        taken: list[wire.TakeOver] = []
        covers: list[wire.Command] = []
        for action in actions:
            match action:
                case Take() | Deleverage() if len(taken) < MOST_TAKEN:
                    instrument, before = self._catalogue.symbols[action.symbol], gone[action.symbol]
                    gone[action.symbol] = after = before + action.lots
                    mark = marks[action.symbol].mark
                    worth = _worth(instrument, after, mark) - _worth(instrument, before, mark)
                    taker = action.account if isinstance(action, Deleverage) else self._insurance.account
                    taken.append(
                        wire.TakeOver(
                            instrument=instrument.number,
                            account=giver,
                            taker=taker,
                            lots=action.lots,
                            money=worth + action.amount,
                        )
                    )
                    if isinstance(action, Deleverage):
                        cancels.append(wire.MassCancel(account=taker, instrument=instrument.number))
                case Cover():
                    covers.append(
                        wire.Transfer(
                            account=self._insurance.account,
                            to_account=giver,
                            amount=action.amount,
                            currency=currency,
                            transfer_kind=BETWEEN_ACCOUNTS,
                            transfer_id=name,
                        )
                    )
                case _:
                    pass
        return [*cancels, *sorted(taken, key=lambda one: one.lots < 0), *covers]

    def _equities(self, held: store.Holdings, currency: int) -> Counter[int]:
        """Return what each owner is worth in a currency: his balance, and his positions at their marks."""
        found = Counter({owner: one.total for (owner, of), one in held.balances.items() if of == currency})
        for (owner, number), one in held.positions.items():
            instrument, mark = self._catalogue.instruments[number], self._marks().get(number)
            if instrument.quote.number == currency and mark is not None:
                found[owner] += _worth(instrument, one.lots, mark.price)
        return found

    def _opposite(self, owner: int, number: int, holding: Holding, equity: int) -> Opposite:
        instrument, mark = self._catalogue.instruments[number], self._marks()[number].price
        cost = holding.lots * mark if holding.cost is None else holding.cost // ONE  # who knows no cost has no profit
        return Opposite(
            account=owner,
            symbol=instrument.symbol,
            lots=holding.lots,
            profit=_worth(instrument, 1, holding.lots * mark - cost),
            entry=ceiling(abs(cost) * instrument.unit.numerator, instrument.unit.denominator),
            notional=abs(_worth(instrument, holding.lots, mark)),
            equity=equity,
        )

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue


def _worth(instrument: Instrument, lots: int, ticks: int) -> int:
    """Return what lots are worth at a price, in minor units, rounded down."""
    return lots * ticks * instrument.unit.numerator // instrument.unit.denominator
