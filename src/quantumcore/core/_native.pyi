"""The native core: engine and journal. See docs/reference/engine.md."""

from typing import Any, final

from typing_extensions import Buffer

class InvalidCommand(ValueError):
    """A command buffer with bad framing; nothing happened."""

class CorruptedSnapshot(RuntimeError):
    """A snapshot that is damaged, cut, or of another version; nothing was restored."""

class InvariantViolation(RuntimeError):
    """The engine contradicts itself; it refuses every further step."""

class EngineBusy(RuntimeError):
    """Another thread is inside the engine; nothing happened."""

def round_divide(numerator: int, denominator: int, mode: int) -> int:
    """Return numerator / denominator, rounded: 0 floor, 1 ceil, 2 half-up, 3 half-down, 4 half-even."""

def layouts() -> dict[str, dict[str, tuple[int, int]]]:
    """Return (offset, size) of every field of every command and event, as the compiler lays them out."""

@final
class Engine:
    """The deterministic machine: commands in, events out. One thread at a time."""

    def __init__(
        self,
        *,
        max_orders: int = 4194304,
        max_accounts: int = 16777216,
        max_client_ids: int = 16777216,
        max_transfers: int = 16777216,
        max_balances: int = 33554432,
        max_windows: int = 16384,
    ) -> None: ...
    def step(self, commands: Buffer, time_ns: int) -> bytes:
        """Judge and apply every command in order; return a copy of their events. The GIL is released meanwhile.

        Raises:
            InvalidCommand: The framing is bad; nothing happened.
            EngineBusy: Another thread is inside; nothing happened.
        """

    @property
    def sequence(self) -> int:
        """Of the last command, from 1; 0 before the first."""

    @property
    def time_ns(self) -> int:
        """Of the last command, UTC."""

    def state_hash(self) -> int:
        """Return the hash of all events so far."""

    def snapshot(self) -> bytes:
        """Return the whole state; equal states give equal bytes."""

    @staticmethod
    def restore(snapshot: Buffer) -> Engine:
        """Return an engine that goes on where `snapshot` stood, bit for bit, under the same bounds.

        Raises:
            CorruptedSnapshot: Not a whole snapshot of this version.
        """

    def check(self) -> None:
        """Walk everything.

        Raises:
            InvariantViolation: Names what does not hold.
        """

    def depth(self, instrument: int, side: int, n: int = 4294967295) -> list[tuple[int, int, int]]:
        """Return (price in ticks, lots, orders) of the best `n` levels, best first."""

    def orders(self, instrument: int, side: int) -> list[tuple[int, int, int, int, int]]:
        """Return (order_sequence, slot, account, price in ticks, leaves in lots) in priority."""

    def order(self, order_sequence: int, slot: int) -> tuple[int, int, int, int, int, int, int] | None:
        """Return (instrument, account, side, price, quantity, leaves, hold) of a working order."""

    def balances(self, account: int) -> list[tuple[int, int, int]]:
        """Return (currency, total, held) in minor units of what is not zero, ascending."""

    def totals(self, currency: int) -> tuple[int, int, int, int, int, int]:
        """Return (customers, held, fees, rebates, rounding, deposited) in minor units."""

    def accounts(self) -> list[int]:
        """Return the accounts, ascending."""

    def currencies(self) -> bytes:
        """Return a DefineCurrency command for each currency, ascending by id."""

    def instruments(self) -> bytes:
        """Return a DefineInstrument command for each instrument as it stands now, ascending by id."""

    def open_orders(self) -> int:
        """Return how many orders work."""

    def memory(self) -> dict[str, int]:
        """Return the bytes in use by part."""

class JournalError(RuntimeError):
    """Base of what can go wrong with a journal."""

class JournalFull(JournalError):
    """No room on disk; nothing happened; it may work when there is space again."""

class JournalFailed(JournalError):
    """A write or sync failed: this journal takes nothing more."""

class JournalClosed(JournalError):
    """Used after close."""

class JournalLocked(JournalError):
    """Another process writes this directory."""

class JournalOutOfOrder(JournalError):
    """The sequence is not the next one; nothing happened."""

class StaleEpoch(JournalError):
    """The caller's epoch is over; nothing happened."""

class JournalMissing(JournalError):
    """The records asked for are no longer in this directory."""

class CorruptedJournal(JournalError):
    """What was recorded cannot be right. args: message, segment, offset, reason."""

@final
class Journal:
    """The one writer of one journal directory. quantumcore.core.journal.Journal says what each call promises."""

    def __init__(
        self,
        directory: str,
        shard: int = 0,
        segment_bytes: int = 16777216,
        buffer_bytes: int = 4194304,
        trusted_sequence: int = 0,
    ) -> None: ...
    @property
    def last_sequence(self) -> int: ...
    @property
    def durable_sequence(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def block(self) -> int: ...
    @property
    def chain_head(self) -> bytes: ...
    @property
    def recovery(self) -> dict[str, Any]: ...
    def reserve(self, n_bytes: int, commands: int = 1) -> None: ...
    def append(self, sequence: int, time_ns: int, command: Buffer, epoch: int | None = None) -> None: ...
    def append_batch(self, commands: Buffer, first_sequence: int, time_ns: int, epoch: int | None = None) -> int: ...
    def sync(self) -> int: ...
    def raise_epoch(self, epoch: int, time_ns: int = 0) -> None: ...
    def read(self, after_sequence: int, max_bytes: int) -> bytes: ...
    def close(self) -> None: ...

@final
class JournalReader:
    """Reads a directory that another may be writing."""

    def __init__(self, directory: str, after_sequence: int = 0) -> None: ...
    @property
    def sequence(self) -> int: ...
    def read(self, max_bytes: int) -> bytes: ...

def verify_journal(directory: str) -> dict[str, Any]:
    """Walk all of a journal, write nothing, and return what quantumcore.core.journal.Verification holds."""

def crc32c(data: Buffer, portable: bool = False) -> int:
    """Return the CRC-32C of `data`; `portable` without the processor's instruction."""

def sha256(data: Buffer, portable: bool = False) -> bytes:
    """Return the SHA-256 of `data`; `portable` without the processor's extension."""
