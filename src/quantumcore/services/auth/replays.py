"""Signatures that were used already: remembered until their window has passed, and no longer."""

from quantumcore.contracts.errors import Unavailable

REMEMBERED_MAX = 250_000
BUCKET_NS = 1_000_000_000


class UsedSignatures:
    """Remembers each signature until its window ends, by the second in which it ends, so that forgetting costs nothing.

    At REMEMBERED_MAX it refuses (`overloaded`) rather than forget one that could still be replayed.
    """

    def __init__(self, limit: int = REMEMBERED_MAX) -> None:
        self._limit = limit
        self._count = 0
        self._buckets: dict[int, set[bytes]] = {}

    def __len__(self) -> int:
        return self._count

    def use(self, signature: bytes, end_ns: int, now_ns: int) -> bool:
        """Remember a good signature that counts until `end_ns`; tell whether it is its first use.

        Raises:
            Unavailable: `overloaded`: too many are remembered.
        """
        self._forget_before(now_ns // BUCKET_NS)
        second = end_ns // BUCKET_NS
        bucket = self._buckets.get(second)
        if bucket is not None and signature in bucket:
            return False
        if self._count >= self._limit:
            raise Unavailable(
                "overloaded", "too many signed requests within their windows", limit=str(self._limit), retry_after=1.0
            )
        if bucket is None:
            bucket = self._buckets[second] = set()
        bucket.add(signature)
        self._count += 1
        return True

    def _forget_before(self, second: int) -> None:
        # At most 61 buckets live at once: a window is at most 60 s.
        for ended in [each for each in self._buckets if each < second]:
            self._count -= len(self._buckets.pop(ended))
