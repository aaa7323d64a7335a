"""A ledger whose withdrawals go through a rail, and a world around it that is cut off at any point."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from quantumcore.adapters.outbox_rail import OutboxRail
from quantumcore.contracts import wire
from quantumcore.contracts.ledger import MakeTransfer
from quantumcore.contracts.ledger_payouts import SagaStepDone
from quantumcore.services.ledger import saga_store
from quantumcore.services.ledger.engine import Engine
from quantumcore.services.ledger.payouts import Paying
from quantumcore.services.ledger.saga import Saga, Step, saga_id_of
from quantumcore.services.ledger.saga_driver import SagaDriver
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.settings import LedgerSettings, PayoutSettings
from tests.support.ledgers import open_ledger
from tests.support.small_venue import USD, SmallVenue

T = TypeVar("T")

OWNER = 70
START = 1_000_000  # 10,000.00
DAY_S = 86_400
SETTINGS = PayoutSettings(rail="operator", fees={"USD": "10.00"}, timeout_s=DAY_S)


class Killed(BaseException):
    """As if the process had ended here."""


class Cut:
    """Counts the points before and after everything that reaches outside, and raises at one of them."""

    def __init__(self, at: int = -1, error: Callable[[], BaseException] = Killed) -> None:
        self.at = at
        self.error = error
        self.count = 0

    async def around(self, work: Callable[[], Awaitable[T]]) -> T:
        self._point()
        done = await work()
        self._point()
        return done

    def _point(self) -> None:
        self.count += 1
        if self.count - 1 == self.at:
            raise self.error()


class Cutting:
    """Something whose methods `names` are cut; the rest is as it is."""

    def __init__(self, inner: Any, cut: Cut, *names: str) -> None:
        self._inner = inner
        self._cut = cut
        self._names = names

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in self._names:
            return method

        async def cut(*arguments: Any, **named: Any) -> Any:
            return await self._cut.around(lambda: method(*arguments, **named))

        return cut


class PayoutRoom:
    """The room in a small venue; `restart` makes what drives withdrawals anew over the same tables and the same rail.

    Attributes:
        heard: Every SagaStepDone that was told.
    """

    def __init__(self, venue: SmallVenue, service: LedgerService, sagas: Any, rail: Path) -> None:
        self.venue = venue
        self.service = service
        self.sagas = sagas
        self.rail_file = rail
        self.rail = OutboxRail(rail)
        self.heard: list[SagaStepDone] = []
        self.restart()

    def restart(self, cut: Cut | None = None) -> SagaDriver:
        """Begin again as a new process would, cut off where `cut` says."""
        cut = cut or Cut()
        self.rail = OutboxRail(self.rail_file)
        self.cut_rail = Cutting(self.rail, cut, "hand_over", "state", "recall")
        bus = Cutting(self.venue.bus, cut, "request")
        sagas = Cutting(self.sagas, cut, "write")
        clock, teller = self.venue.clock, self.service._teller
        self.driver = SagaDriver(bus, Engine(bus, self.venue.log), sagas, clock, teller, self.cut_rail)  # type: ignore[arg-type]
        desk = self.service._payouts
        desk._driver, desk._paying = self.driver, Paying(sagas, self.rail, SETTINGS)  # type: ignore[arg-type]
        return self.driver

    async def withdraw(self, name: str, amount: str = "500.00") -> Any:
        """Ask for a withdrawal as a client does."""
        request = MakeTransfer(transfer_id=name, kind="withdrawal", account=OWNER, currency="USD", amount=amount)
        return await self.service.make_transfer(request)

    async def saga(self, name: str) -> Saga:
        """Return how a withdrawal stands."""
        found = await self.sagas.read(lambda connection: saga_store.load(connection, saga_id_of(OWNER, name)))
        assert found is not None
        return found  # type: ignore[no-any-return]

    async def finish(self, name: str, word: str) -> Saga:
        """Drive to the end; while the rail has not said its word it is `paid`, `failed`, or never said."""
        for _ in range(200):
            saga = await self.saga(name)
            if saga.is_final or saga.stuck:
                return saga
            if saga.step is Step.AWAIT_WORD and word in ("paid", "failed"):
                await self.rail.settle(saga.saga_id, paid=word == "paid")
            self.venue.clock.turn(61 if word != "late" else DAY_S / 4)
            await self.driver.drive()
        raise AssertionError(f"{name} does not end: {saga}")

    def money(self) -> tuple[int, int]:
        """Return the owner's (total, held) in cents."""
        rows = {currency: (total, held) for currency, total, held in self.venue.engine.balances(OWNER)}
        return rows.get(USD, (0, 0))

    def set_money(self, amount: int = START) -> None:
        """Let the owner have so much."""
        change = amount - self.money()[0]
        kind = 1 if change > 0 else 2
        name = f"m-{self.venue.engine.sequence}"
        if change:
            transfer = wire.Transfer(
                account=OWNER, transfer_id=name, transfer_kind=kind, amount=abs(change), currency=USD
            )
            (event,) = self.venue.do(transfer)
            assert isinstance(event, wire.TransferPosted)


async def open_payouts(venue: SmallVenue) -> PayoutRoom:
    """Run the ledger with a rail in `venue`; withdrawals are driven by hand."""
    venue.do(wire.OpenAccount(account=OWNER, owner=OWNER))
    rail = venue.directory / "payouts.jsonl"
    service = await open_ledger(venue, LedgerSettings(payouts=SETTINGS), OutboxRail(rail))
    room = PayoutRoom(venue, service, service._office, rail)

    async def listen(notices: Any) -> None:
        room.heard.extend(notices)

    venue.bus.subscribe(SagaStepDone, listen)
    room.set_money()
    return room
