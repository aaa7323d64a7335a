"""What lies in the second store: signed roots that must follow one another, and their lists of hashes."""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from quantumcore.ports.second_store import SecondStore
from quantumcore.services.ledger.audit.findings import ALTERED, INSERTED, REMOVED, Finding
from quantumcore.services.ledger.audit.merkle import BLOCK
from quantumcore.services.ledger.audit.roots import (
    LEAVES_HEAD,
    NO_ROOT,
    ROOT_SUFFIX,
    Leaf,
    LeavesPlan,
    SignedRoot,
    day_number,
    decode_root,
    leaves_in,
    leaves_name,
)


class Damage(NamedTuple):
    """What is wrong in the second store, and from which day on nothing there can be trusted."""

    kind: str
    what: str
    day: str
    detail: str

    def finding(self, number: int, last: tuple[int, int, int] | None) -> Finding:
        """Return it as a finding behind record `number` - 1."""
        return Finding(self.kind, self.what, number, None, last, self.detail)


class Published:
    """The roots of a store, as far as each is signed and names the one before it.

    Attributes:
        roots: In order; nothing is missing between them.
        damage: What is wrong behind the last of them; None when nothing is.
    """

    def __init__(self, store: SecondStore | None, public_key: str) -> None:
        """Read every root; without a store nothing was ever published."""
        self.roots: list[SignedRoot] = []
        self.damage: Damage | None = None
        self._store = store
        self._digests: dict[str, list[bytes] | None] = {}
        for name in store.names() if store is not None else ():
            if name.endswith(ROOT_SUFFIX) and self.damage is None:
                self._take(name, self._read(name), public_key)

    def block(self, root: SignedRoot, block: int) -> bytes | None:
        """Return the records `block` * BLOCK and following of a day, packed; None unless they are what was signed."""
        name, plan = leaves_name_of(root), LeavesPlan(root)
        if name not in self._digests:
            head, trailer = self._read(name, 0, LEAVES_HEAD.size), self._read(name, plan.trailer()[0])
            self._digests = {name: plan.digests(head, trailer)}  # of one day at a time
        digests = self._digests[name]
        if digests is None or len(digests) != plan.blocks:
            return None
        content = self._read(name, *plan.block(block))
        return content if sha256(content).digest() == digests[block] else None

    def leaves_behind(self, root: SignedRoot, offset: int) -> Iterator[Leaf]:
        """Yield a day's records from `offset` on, as far as they are what was signed."""
        for block in range(offset // BLOCK, LeavesPlan(root).blocks):
            content = self.block(root, block)
            if content is None:
                return
            leaves = leaves_in(content)
            yield from leaves[offset % BLOCK if block == offset // BLOCK else 0 :]

    def _read(self, name: str, start: int = 0, size: int = -1) -> bytes:
        """Return what a file has there; nothing when it is not there."""
        return (self._store.read(name, start, size) if self._store is not None else None) or b""

    def _take(self, name: str, raw: bytes, public_key: str) -> None:
        day = name.removesuffix(ROOT_SUFFIX)
        root = decode_root(raw)
        before = self.roots[-1] if self.roots else None
        if root is None or not root.is_signed_by(public_key):
            self.damage = Damage(ALTERED, "root", day, f"the root of {day} is not one that this key has signed")
        elif root.day != day:
            self.damage = Damage(INSERTED, "root", day, f"the root of {root.day} lies in the place of {day}")
        elif root.previous_day != (before.day if before else ""):
            missing = root.previous_day or "before the first"
            self.damage = Damage(REMOVED, "root", missing, f"the root of {missing} is missing: that of {day} names it")
        elif root.previous_root != (before.root if before else NO_ROOT.hex()):
            self.damage = Damage(
                ALTERED, "root", day, f"the root of {day} follows another one than that of the day before"
            )
        else:
            self.roots.append(root)


def leaves_name_of(root: SignedRoot) -> str:
    """Return the name of the list that belongs to `root`."""
    return leaves_name(day_number(root.day))
