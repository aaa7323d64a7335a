"""The chain as the events alone make it: entered into books in memory, so that tables which fit themselves can still be found wrong."""

from collections.abc import Sequence

from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.wire import CurrencyDefined, Event, InstrumentDefined
from quantumcore.services.ledger.audit.chain import Chain
from quantumcore.services.ledger.books import Books
from quantumcore.services.ledger.store import entry_row


class Rebuilt:
    """Books from the first event on, without tables. Memory: the accounts, and the orders that work.

    Attributes:
        sequence: The last that was entered.
        chain: Where it stands after that.
    """

    def __init__(self, shard: int = 0) -> None:
        self.sequence = 0
        self.chain = Chain(shard)
        self._catalogue = Catalogue()
        self._books = Books({}, {}, {}, set(), set())

    def enter(self, events: Sequence[Event]) -> None:
        """Enter whole sequences, the next ones.

        Raises:
            Corrupted: An event that cannot follow from what stands; it is named by its position.
        """
        if not events:
            return
        books = self._books
        for event in events:
            if isinstance(event, CurrencyDefined | InstrumentDefined):
                self._catalogue.apply(event)
        books.instruments, books.currencies = self._catalogue.instruments, self._catalogue.currencies
        books.enter(events)
        self.chain.extend([entry_row(row) for row in books.entries], events[-1].time_ns)
        self.sequence = events[-1].sequence
        self._forget()

    def _forget(self) -> None:
        """Let go of what is of no use for the next events."""
        books, chain = self._books, self.chain
        for name in books.touched_holds:
            if books.holds[name].done:
                del books.holds[name]
        for sequence in books.touched_client_holds:
            if books.client_holds[sequence].open == 0:
                del books.client_holds[sequence]
        written = books.entries, books.transfers, books.opened, books.transactions, books.conversions
        for each in (*written, chain.records, chain.blocks, chain.days):
            each.clear()
        books.touched.clear()
        books.touched_holds.clear()
        books.touched_client_holds.clear()
