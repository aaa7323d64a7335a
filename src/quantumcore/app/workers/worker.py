"""A worker from inside: computes what it is asked, one thing at a time, until the other end of its socket is closed."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from quantumcore.adapters import logs
from quantumcore.adapters.bus_link import BusLink
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.services.risk.work import WORK

NICE = 10  # whoever trades goes first, and whoever follows


def _handler(compute: Callable[[Any], object]) -> Callable[[Any], Awaitable[object]]:
    async def answer(request: Any) -> object:
        return compute(request)  # the loop stands still meanwhile: nobody else asks this process

    return answer


async def _serve(handle: int) -> int:
    loop = asyncio.get_running_loop()
    bus = EmbeddedBus()
    for request, compute in WORK.items():
        bus.handle(request, _handler(compute))
    _, link = await loop.create_unix_connection(lambda: BusLink(bus), sock=socket.socket(fileno=handle))
    await link.ended.wait()
    return 0


def main(arguments: Sequence[str]) -> int:
    """Compute at the socket of handle `arguments[0]`, logging from level `arguments[1]` on."""
    os.nice(NICE)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are meant for the house, which ends us in its order
    logs.configure("quantumcore", arguments[1], sys.stderr)
    return asyncio.run(_serve(int(arguments[0])))
