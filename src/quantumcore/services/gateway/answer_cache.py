"""Public market answers, kept as bytes until the symbol's next event or a second, whichever is first."""

from collections import OrderedDict

from quantumcore.ports.clock import Clock

ANY = ""


class AnswerCache:
    """Bounded; the least recently used answer leaves first.

    A symbol's version rises with each of its events: an answer asked for before an event is never given after it.
    """

    def __init__(self, clock: Clock, ttl_s: float, entries: int, max_bytes: int = 1 << 26) -> None:
        self._clock = clock
        self._ttl = ttl_s
        self._limit = entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._versions: dict[str, int] = {}
        self._answers: OrderedDict[tuple[str, bytes, bool], tuple[int, float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def version(self, symbol: str) -> int:
        """Return the version of `symbol`, to be taken before its data are asked for."""
        return self._versions.get(symbol, 0)

    def moved(self, symbol: str) -> None:
        """Nothing told about `symbol` so far may be told again. Only symbols that exist may be named."""
        self._versions[symbol] = self._versions.get(symbol, 0) + 1
        if symbol != ANY:
            self._versions[ANY] = self._versions.get(ANY, 0) + 1

    def get(self, symbol: str, path: str, query: bytes, msgpack: bool) -> bytes | None:
        """Return the answer to the same question, if it still holds."""
        key = (path, query, msgpack)
        found = self._answers.get(key)
        if found is None:
            return None
        version, until, body = found
        if version != self.version(symbol) or self._clock.monotonic() >= until:
            self._bytes -= len(body)
            del self._answers[key]
            return None
        self._answers.move_to_end(key)
        return body

    def put(self, symbol: str, path: str, query: bytes, msgpack: bool, version: int, body: bytes) -> None:
        """Keep an answer whose data were asked for at `version`."""
        if self._ttl <= 0 or version != self.version(symbol):
            return
        replaced = self._answers.pop((path, query, msgpack), None)
        self._bytes += len(body) - (len(replaced[2]) if replaced else 0)
        self._answers[path, query, msgpack] = (version, self._clock.monotonic() + self._ttl, body)
        while self._answers and (len(self._answers) > self._limit or self._bytes > self._max_bytes):
            _, (_, _, oldest) = self._answers.popitem(last=False)
            self._bytes -= len(oldest)
