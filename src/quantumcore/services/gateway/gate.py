"""What every handler of this room works with, made once per gateway."""

from collections.abc import Callable
from dataclasses import dataclass

from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.services.gateway.answer_cache import AnswerCache
from quantumcore.services.gateway.definitions import Definitions
from quantumcore.services.gateway.idempotency import Repeats
from quantumcore.services.gateway.identity import Identities
from quantumcore.services.gateway.limits import Limits, Peers
from quantumcore.services.gateway.metrics import GatewayMetrics
from quantumcore.services.gateway.own_writes import OwnWrites
from quantumcore.services.gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The bus inwards, and what the gateway knows by itself: all of it may be lost without harm.

    Attributes:
        not_ready: Why the house cannot serve now; empty when it can.
    """

    bus: Bus
    clock: Clock
    settings: GatewaySettings
    limits: Limits
    peers: Peers
    identities: Identities
    own_writes: OwnWrites
    answers: AnswerCache
    repeats: Repeats
    definitions: Definitions
    metrics: GatewayMetrics
    not_ready: Callable[[], list[str]]
