"""Operations: is it alive, is it ready, what does it count, where does the engine stand."""

# ruff: noqa: ARG001  # every handler is called with (gate, call, ...), whether it needs both or not

import msgspec

from quantumcore.contracts.matching import EngineStatus, GetEngineStatus, TakeSnapshot
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer, Encoded

SNAPSHOT_DEADLINE_S = 30.0
TEXT = b"text/plain; charset=utf-8"
METRICS = b"text/plain; version=0.0.4; charset=utf-8"


class ReadyAnswer(msgspec.Struct, frozen=True):
    """Whether requests can be served now, or why not."""

    ready: bool
    reasons: list[str]


async def health(gate: Gate, call: Call) -> Encoded:
    """Say OK while the loop turns."""
    return Encoded(b"OK", content_type=TEXT)


async def ready(gate: Gate, call: Call) -> Answer:
    """Say whether requests can be served, or why not."""
    reasons = gate.not_ready()
    return Answer(ReadyAnswer(not reasons, reasons), 503 if reasons else 200)


async def metrics(gate: Gate, call: Call) -> Encoded:
    """Show everything counted, in Prometheus' text format."""
    return Encoded(gate.metrics.text(), content_type=METRICS)


async def engine(gate: Gate, call: Call) -> EngineStatus:
    """Show where the engine stands: sequence, what is durable, state hash, depth."""
    return await gate.bus.request(GetEngineStatus())


async def snapshot(gate: Gate, call: Call) -> Answer:
    """Write a snapshot of the engine now."""
    await gate.bus.request(TakeSnapshot(), deadline_s=SNAPSHOT_DEADLINE_S)
    return Answer(None, 204)
