"""Risk arrays and greeks that the room makes: at once when somebody says how, and anew whenever they are too old (money.md 4.3).

Too old is a minute, a move of the underlying by a sixth of its range, another volatility. What cannot be made (no mark, an option that has expired)
is left: the engine calls an array stale by its own terms, and lets nothing open on it; of greeks it keeps the last, which have no age there.
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
from quantumcore.contracts.risk_margin import MAX_MODELS, LotGreeks, LotModel, Modelled
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.risk.margin import models
from quantumcore.services.risk.margin.arrays import Stamp, is_stale
from quantumcore.services.risk.margin.commands import command_of
from quantumcore.services.risk.margin.contracts import Contract, contract_of

PACE_S = 0.25
AT_A_TIME = 50
"""What is made in one round; the others in the next."""
RETRY_NS = 10 * 10**9
"""How long what could not be made is left alone."""

ARRAYS, GREEKS = "arrays", "greeks"

Key = tuple[str, str]
"""What is made (ARRAYS or GREEKS), and of which symbol."""

_log = logging.getLogger(__name__)


class ModelDesk:
    """Makes what models make, and sends it to the engine.

    Attributes:
        contracts: What instruments are, by symbol: by the model of the array, else by that of the greeks.
        made: By kind, what became of what was made: made, or failed.
        sending: Held while something is on its way, so that what somebody sets is not overtaken by what was made before it.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        definitions: Definitions,
        marks: Callable[[], Mapping[int, Mark]],
        changed: Callable[[], None],
    ) -> None:
        """`changed` hears that contracts are others."""
        self.made: dict[str, Counter[str]] = {
            kind: Counter(dict.fromkeys(("made", "failed"), 0)) for kind in (ARRAYS, GREEKS)
        }
        self.contracts: dict[str, Contract] = {}
        self.sending = asyncio.Lock()
        self._bus = bus
        self._clock = clock
        self._definitions = definitions
        self._marks = marks
        self._changed = changed
        self._models: dict[Key, Modelled] = {}
        self._stamps: dict[Key, Stamp] = {}
        self._failed: dict[Key, int] = {}
        self._last: Key = ("", "")

    def begin(self, said: Iterable[Modelled]) -> None:
        """Take over what people have said; all of it is made anew."""
        for one in said:
            self._put(one)
        for symbol in {symbol for _, symbol in self._models}:
            self._read(symbol)
        self._changed()

    def put(self, what: Modelled) -> None:
        """Make it from now on, if `what` says how; otherwise leave it alone."""
        self._put(what)
        self._read(what.symbol)
        self._changed()

    def _put(self, what: Modelled) -> None:
        key = _key(what)
        self._stamps.pop(key, None)
        self._failed.pop(key, None)
        if what.model is None:
            self._models.pop(key, None)
        else:
            self._models[key] = what

    def _read(self, symbol: str) -> None:
        """Read what an instrument is."""
        self.contracts.pop(symbol, None)
        what = self._models.get((ARRAYS, symbol)) or self._models.get((GREEKS, symbol))
        if what is not None and what.model is not None:
            self.contracts[symbol] = contract_of(what.model)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how much is made, and what became of it."""
        arrays, greeks = self._count(ARRAYS), self._count(GREEKS)
        made = self.made
        yield counter("qc_risk_arrays", "Risk arrays that the room made, or could not make", made[ARRAYS], by="outcome")
        yield gauge("qc_risk_array_models", "Instruments whose risk arrays the room makes", arrays)
        yield counter(
            "qc_risk_greeks", "Greeks of lots that the room made, or could not make", made[GREEKS], by="outcome"
        )
        yield gauge("qc_risk_greek_models", "Instruments whose greeks the room makes", greeks)

    async def numbers(self, what: Modelled) -> tuple[int, ...]:
        """Return what a model makes now: of an array its losses, of greeks the three, in 10^-6 of the currency.

        Raises:
            InvalidCommand: A term of the model; `risk.price.missing`; MAX_MODELS others are made.
            NotFound: `instrument.not_found`.
            GreeksRefused: The option model has no answer.
        """
        kind, _ = key = _key(what)
        if key not in self._models and self._count(kind) >= MAX_MODELS:
            bounds = {"limit": str(MAX_MODELS), "actual": str(MAX_MODELS + 1)}
            raise invalid(
                "range", f"the room makes {kind} of at most {MAX_MODELS} instruments", field="model", **bounds
            )
        return (await self._make(what)).numbers

    async def run(self) -> None:
        """Make what is too old, for ever."""
        while True:
            await self.round()
            await self._clock.sleep(PACE_S)

    async def round(self) -> None:
        """Make some of what is too old, in turn, and send it as one batch."""
        async with self.sending:
            await self._round()

    async def _round(self) -> None:
        made: list[tuple[Key, Stamp, bytes]] = []
        for key in self._in_turn():
            if len(made) >= AT_A_TIME:
                break
            if not self._due(key):
                continue
            self._last, what = key, self._models[key]
            try:
                found = await self._make(what)
                command = command_of(what, self._definitions.catalogue, found.numbers)
            except QuantumCoreError as error:
                kind, symbol = key
                self.made[kind]["failed"] += 1
                self._failed[key] = self._clock.now()
                _log.warning("%s of %s are not made: %s", kind, symbol, error.detail)
                continue
            made.append((key, found.stamp, command.encode()))
        if not made:
            return
        try:
            outcomes = (await self._bus.request(SequenceBatch(commands=[one[2] for one in made]))).outcomes
        except QuantumCoreError as error:
            _log.warning("what models made is not set: %s", error.detail)
            return
        for (key, stamp, _), outcome in zip(made, outcomes, strict=True):
            if isinstance(wire.decode_events(outcome.events)[-1], wire.RiskArrayChanged | wire.GreeksChanged):
                self._stamps[key] = stamp
                self.made[key[0]]["made"] += 1

    def _in_turn(self) -> list[Key]:
        """Return what is made, that behind the last one first."""
        keys = sorted(self._models)
        return [one for one in keys if one > self._last] + [one for one in keys if one <= self._last]

    def _due(self, key: Key) -> bool:
        now, model, stamp = self._clock.now(), self._models[key].model, self._stamps.get(key)
        assert model is not None
        if now - self._failed.get(key, -RETRY_NS) < RETRY_NS:
            return False
        mark = self._mark(model)
        if stamp is None or mark is None:
            return True
        return is_stale(stamp, now_ns=now, spot=mark.price, volatility=models.volatility_of(model))

    async def _make(self, what: Modelled) -> models.Made:
        model = what.model
        assert model is not None
        underlying = self._definitions.catalogue.symbol(model.underlying)
        mark = self._mark(model)
        if mark is None:
            detail = f"{model.underlying} has no price"
            raise InvalidCommand("risk.price.missing", detail, field="underlying", actual=model.underlying)
        return await asyncio.to_thread(models.made, what, underlying, mark.price, self._clock.now())

    def _mark(self, model: LotModel) -> Mark | None:
        known = self._definitions.catalogue.symbols.get(model.underlying)
        return None if known is None else self._marks().get(known.number)

    def _count(self, kind: str) -> int:
        return sum(one == kind for one, _ in self._models)


def _key(what: Modelled) -> Key:
    return (GREEKS if isinstance(what, LotGreeks) else ARRAYS), what.symbol
