"""Risk arrays that the room makes: at once when somebody says how, and anew whenever they are too old (money.md 4.3).

Too old is a minute, a move of the underlying by a sixth of its range, another volatility. What cannot be made (no mark, an option that has expired)
is left: the engine calls it stale by its own terms, and lets nothing open on it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import Metric

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, QuantumCoreError, invalid
from quantumcore.contracts.marks import Mark
from quantumcore.contracts.matching import SequenceBatch
from quantumcore.contracts.risk_margin import MAX_MODELS, ArrayModel, RiskArray
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.risk.margin import models
from quantumcore.services.risk.margin.arrays import Stamp, is_stale
from quantumcore.services.risk.margin.commands import command_of

PACE_S = 0.25
AT_A_TIME = 50
"""Arrays that are made in one round; the others in the next."""
RETRY_NS = 10 * 10**9
"""How long what could not be made is left alone."""

_log = logging.getLogger(__name__)


class ArrayDesk:
    """Makes arrays and sends them to the engine.

    Attributes:
        made: Arrays by what became of them: made, or failed.
        sending: Held while an array is on its way, so that what somebody sets is not overtaken by what was made before it.
    """

    def __init__(
        self, bus: Bus, clock: Clock, definitions: Definitions, marks: Callable[[], Mapping[int, Mark]]
    ) -> None:
        self.made: Counter[str] = Counter(dict.fromkeys(("made", "failed"), 0))
        self.sending = asyncio.Lock()
        self._bus = bus
        self._clock = clock
        self._definitions = definitions
        self._marks = marks
        self._models: dict[str, RiskArray] = {}
        self._stamps: dict[str, Stamp] = {}
        self._failed: dict[str, int] = {}
        self._last = ""

    def begin(self, arrays: Iterable[RiskArray]) -> None:
        """Take over what people have said; all of it is made anew."""
        for one in arrays:
            self.put(one)

    def put(self, what: RiskArray) -> None:
        """Make the array of a symbol from now on, if `what` says how; otherwise leave it alone."""
        self._stamps.pop(what.symbol, None)
        self._failed.pop(what.symbol, None)
        if what.model is None:
            self._models.pop(what.symbol, None)
        else:
            self._models[what.symbol] = what

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how many arrays are made, and what became of them."""
        yield counter("qc_risk_arrays", "Risk arrays that the room made, or could not make", self.made, by="outcome")
        yield gauge("qc_risk_array_models", "Instruments whose risk arrays the room makes", len(self._models))

    async def losses(self, what: RiskArray) -> tuple[int, ...]:
        """Return the array that a model makes now.

        Raises:
            InvalidCommand: A term of the model; `risk.price.missing`; MAX_MODELS others are made.
            NotFound: `instrument.not_found`.
            GreeksRefused: The option model has no answer.
        """
        assert what.model is not None
        if what.symbol not in self._models and len(self._models) >= MAX_MODELS:
            bounds = {"limit": str(MAX_MODELS), "actual": str(MAX_MODELS + 1)}
            raise invalid("range", f"the room makes at most {MAX_MODELS} arrays", field="model", **bounds)
        return (await self._make(what.model)).losses

    async def run(self) -> None:
        """Make what is too old, for ever."""
        while True:
            await self.round()
            await self._clock.sleep(PACE_S)

    async def round(self) -> None:
        """Make some of those that are too old, in turn, and send them as one batch."""
        async with self.sending:
            await self._round()

    async def _round(self) -> None:
        made: list[tuple[str, Stamp, bytes]] = []
        for symbol in self._in_turn():
            if len(made) >= AT_A_TIME:
                break
            if not self._due(symbol):
                continue
            self._last, what = symbol, self._models[symbol]
            assert what.model is not None
            try:
                found = await self._make(what.model)
                command = command_of(what, self._definitions.catalogue, found.losses)
            except QuantumCoreError as error:
                self.made["failed"] += 1
                self._failed[symbol] = self._clock.now()
                _log.warning("the risk array of %s is not made: %s", symbol, error.detail)
                continue
            made.append((symbol, found.stamp, command.encode()))
        if not made:
            return
        try:
            outcomes = (await self._bus.request(SequenceBatch(commands=[one[2] for one in made]))).outcomes
        except QuantumCoreError as error:
            _log.warning("risk arrays are not set: %s", error.detail)
            return
        for (symbol, stamp, _), outcome in zip(made, outcomes, strict=True):
            if isinstance(wire.decode_events(outcome.events)[-1], wire.RiskArrayChanged):
                self._stamps[symbol] = stamp
                self.made["made"] += 1

    def _in_turn(self) -> list[str]:
        """Return the symbols, those behind the last one that was made first."""
        symbols = sorted(self._models)
        return [one for one in symbols if one > self._last] + [one for one in symbols if one <= self._last]

    def _due(self, symbol: str) -> bool:
        now, model, stamp = self._clock.now(), self._models[symbol].model, self._stamps.get(symbol)
        assert model is not None
        if now - self._failed.get(symbol, -RETRY_NS) < RETRY_NS:
            return False
        mark = self._mark(model)
        if stamp is None or mark is None:
            return True
        return is_stale(stamp, now_ns=now, spot=mark.price, volatility=models.volatility_of(model))

    async def _make(self, model: ArrayModel) -> models.Made:
        underlying = self._definitions.catalogue.symbol(model.underlying)
        mark = self._mark(model)
        if mark is None:
            detail = f"{model.underlying} has no price"
            raise InvalidCommand("risk.price.missing", detail, field="underlying", actual=model.underlying)
        return await asyncio.to_thread(models.made, model, underlying, mark.price, self._clock.now())

    def _mark(self, model: ArrayModel) -> Mark | None:
        known = self._definitions.catalogue.symbols.get(model.underlying)
        return None if known is None else self._marks().get(known.number)
