"""Accounts on their way into the engine: numbered here first, then asked of the ledger room until it knows them.

OPENING ──the ledger room answers──▶ OPEN
"""

import asyncio
import logging

from quantumcore.contracts.errors import OutcomeUnknown, Refused, Unavailable
from quantumcore.contracts.ledger import OpenAccount
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.services.auth import store
from quantumcore.services.auth.trail import Origin, Unit, Writer

ASK_DEADLINE_S = 1.5  # within the 2 s of the one who asked us
ASK_AGAIN_S = 2.0

_log = logging.getLogger(__name__)


class Openings:
    """Opens accounts; those whose answer did not arrive are asked for again every 2 s, and after a restart at once."""

    def __init__(self, bus: Bus, database: Database, clock: Clock, writer: Writer) -> None:
        self._bus = bus
        self._database = database
        self._clock = clock
        self._writer = writer
        self._woken = asyncio.Event()

    async def open(self, account: int, owner: str) -> None:
        """Return once the engine knows the account.

        Raises:
            OutcomeUnknown: The account is numbered and granted, but the ledger room did not answer in time; it will be
                asked again.
        """
        try:
            await self._ask(account, owner)
        except (Unavailable, OutcomeUnknown) as error:
            self._woken.set()
            raise OutcomeUnknown(
                detail="the account is being opened; ask again with the same message", retry_after=ASK_AGAIN_S
            ) from error

    async def run(self) -> None:
        """Ask for what is left, for ever."""
        self._woken.set()
        while True:
            await self._woken.wait()
            self._woken.clear()
            if not await self.open_left():
                self._woken.set()
                await self._clock.sleep(ASK_AGAIN_S)

    async def open_left(self) -> bool:
        """Ask once for each account that is not open (at most 100 per call); tell whether it is no use to ask again soon."""
        left = await self._database.read(store.opening_accounts)
        refused = 0
        for account, owner in left:
            try:
                await self._ask(account, owner)
            except (Unavailable, OutcomeUnknown):
                _log.warning("%d accounts wait for the ledger room", len(left))
                return False
            except Refused:  # it will say the same tomorrow; the others must not wait behind it
                refused += 1
                _log.exception("the ledger room refuses to open an account of user %s", owner)
        return refused > 0 or len(left) < store.OPENING_BATCH

    async def _ask(self, account: int, owner: str) -> None:
        await self._bus.request(OpenAccount(account=account, owner=owner), deadline_s=ASK_DEADLINE_S)

        def opened(unit: Unit) -> None:
            if store.mark_opened(unit.tx, account):
                unit.changed(owner, [])

        await self._writer.write(Origin(), opened)
