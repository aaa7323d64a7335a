"""A payout rail that a person operates: an outbox of payouts, each line of its file one thing that happened.

A line is durable before anything is answered. What a crash has cut off was never answered, so the end of the file is cut back to
its last whole line; a line in the middle that cannot be read is damage. Everything is remembered for ever, up to PAYOUTS_MAX.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from quantumcore.contracts.errors import Conflict, Corrupted, NotFound, Unavailable
from quantumcore.ports.payout import Payout, PayoutState

PAYOUTS_MAX = 1_000_000
_LAST_WORDS = (PayoutState.CONFIRMED, PayoutState.FAILED, PayoutState.RECALLED)


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    key: str
    state: PayoutState
    account: int = 0
    currency: str = ""
    amount: str = ""


class OutboxRail:
    """The outbox in `path`; without one it is kept in memory. Used from one event loop."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._one = asyncio.Lock()
        self._known: dict[str, PayoutState] = {}
        self._payouts: dict[str, Payout] = {}
        if path is not None and path.exists():
            self._read(path)

    @property
    def states(self) -> Mapping[str, PayoutState]:
        """What became of every payout, by its key."""
        return self._known

    async def hand_over(self, payout: Payout) -> None:
        """Take a payout, once."""
        async with self._one:
            state = self._known.get(payout.key)
            if state is PayoutState.RECALLED:
                raise Conflict("payout.recalled", "the payout was recalled")
            if state is not None:
                if self._payouts[payout.key] != payout:
                    raise Conflict("idempotency.mismatch", "another payout has this key")
                return
            if len(self._known) >= PAYOUTS_MAX:
                raise Unavailable("payout.full", f"the rail remembers {PAYOUTS_MAX} payouts and takes no more")
            await self._write(_Line(payout.key, PayoutState.PENDING, payout.account, payout.currency, payout.amount))
            self._payouts[payout.key] = payout

    async def state(self, key: str) -> PayoutState | None:
        """Return what became of a payout."""
        return self._known.get(key)

    async def recall(self, key: str) -> PayoutState:
        """Take a payout back unless it has had its last word; one that never came is refused from now on."""
        async with self._one:
            state = self._known.get(key)
            if state in _LAST_WORDS:
                return state
            await self._write(_Line(key, PayoutState.RECALLED))
            return PayoutState.RECALLED

    async def settle(self, key: str, *, paid: bool) -> None:
        """Say the last word of a payout."""
        async with self._one:
            word, state = PayoutState.CONFIRMED if paid else PayoutState.FAILED, self._known.get(key)
            if key not in self._payouts or state is None:
                raise NotFound("payout.not_found", "no payout of this id was handed over", field="payout_id")
            if state is word:
                return
            if state is not PayoutState.PENDING:
                raise Conflict("payout.settled", f"the payout is {state.value} already", actual=state.value)
            await self._write(_Line(key, word))

    async def _write(self, line: _Line) -> None:
        if self._path is not None:
            await asyncio.to_thread(self._append, self._path, msgspec.json.encode(line) + b"\n")
        self._known[line.key] = line.state

    def _append(self, path: Path, line: bytes) -> None:
        try:
            with path.open("ab") as file:
                end = file.tell()
                try:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(end)
                    raise
        except OSError as error:
            raise Unavailable("payout.unavailable", f"{path.name} was not written: {error.strerror}") from error

    def _read(self, path: Path) -> None:
        """Learn what happened.

        Raises:
            Corrupted: A line that cannot be read, and others follow.
        """
        raw = path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):
            os.truncate(path, len(whole))
        for number, text in enumerate(whole.splitlines(), 1):
            try:
                line = msgspec.json.decode(text, type=_Line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Corrupted("corrupted", f"{path.name}, line {number} cannot be read") from error
            self._known[line.key] = line.state
            if line.state is PayoutState.PENDING:
                self._payouts[line.key] = Payout(line.key, line.account, line.currency, line.amount)
