r"""Merkle trees as RFC 6962 builds them: leaves and nodes have different prefixes, and an odd node is carried up. Pure.

        root
       /    \
      ab     c        three leaves: c has no sibling on its level, so it goes up as it is
     /  \
    a    b

Without the prefixes a node could be shown as a leaf, and a proof of something that was never recorded would hold.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

LEAF, NODE = b"\x00", b"\x01"
BLOCK_LEVEL = 10
BLOCK = 1 << BLOCK_LEVEL
"""Leaves under one node of level BLOCK_LEVEL: these nodes are kept, so that a proof need not read the whole day."""


def leaf(record_hash: bytes) -> bytes:
    """Return the leaf of a record's hash."""
    return sha256(LEAF + record_hash).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the node above two others."""
    return sha256(NODE + left + right).digest()


def above(nodes: Sequence[bytes]) -> list[bytes]:
    """Return the level above `nodes`; an odd last one is carried up."""
    raised = [sha256(NODE + left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=False)]
    if len(nodes) % 2:
        raised.append(nodes[-1])
    return raised


def root_of(nodes: Sequence[bytes]) -> bytes:
    """Return the root above `nodes`, of which there is at least one."""
    while len(nodes) > 1:
        nodes = above(nodes)
    return nodes[0]


def path_of(nodes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the siblings on the way from `nodes[index]` to the root, lowest first."""
    found = []
    while len(nodes) > 1:
        sibling = index ^ 1
        if sibling < len(nodes):
            found.append(nodes[sibling])
        nodes, index = above(nodes), index >> 1
    return found


def root_from(record_hash: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root to which `path` leads from leaf `index` of `count`; None when it has not the length of that way."""
    if not 0 <= index < count:
        return None
    reached, last, siblings = leaf(record_hash), count - 1, iter(path)
    while last:
        if index ^ 1 <= last:
            sibling = next(siblings, None)
            if sibling is None:
                return None
            reached = node(sibling, reached) if index & 1 else node(reached, sibling)
        index, last = index >> 1, last >> 1
    return reached if next(siblings, None) is None else None


class Tree:
    """A tree that grows at its right edge, of which only the nodes without sibling are kept: one per bit of `count`.

    Attributes:
        count: Leaves so far.
        edge: By level, the node that waits for its sibling; None where none does.
    """

    def __init__(self, count: int = 0, edge: Iterable[bytes | None] = ()) -> None:
        self.count = count
        self.edge: list[bytes | None] = list(edge)

    def extend(self, record_hashes: Sequence[bytes]) -> list[bytes]:
        """Add leaves; return the nodes of level BLOCK_LEVEL that are complete now. Cost: two hashes a leaf."""
        self.count += len(record_hashes)
        return self._raise([sha256(LEAF + one).digest() for one in record_hashes], 0)

    @classmethod
    def of_blocks(cls, blocks: Sequence[bytes], record_hashes: Sequence[bytes]) -> "Tree":
        """Return the tree over full blocks and, behind them, single records."""
        tree = cls(len(blocks) << BLOCK_LEVEL, [None] * BLOCK_LEVEL)
        tree._raise(list(blocks), BLOCK_LEVEL)
        tree.extend(record_hashes)
        return tree

    def _raise(self, nodes: list[bytes], level: int) -> list[bytes]:
        """Add nodes of `level` behind what is there, and what they complete above; return those of level BLOCK_LEVEL."""
        blocks: list[bytes] = []
        while nodes:
            if level == BLOCK_LEVEL:
                blocks = list(nodes)
            if level == len(self.edge):
                self.edge.append(None)
            waiting = self.edge[level]
            if waiting is not None:
                nodes.insert(0, waiting)
            self.edge[level] = nodes.pop() if len(nodes) % 2 else None
            nodes = above(nodes)
            level += 1
        return blocks

    def block(self) -> bytes | None:
        """Return the node of the last block if it is not full; None when there is no such."""
        return _folded(self.edge[:BLOCK_LEVEL])

    def root(self) -> bytes | None:
        """Return the root; None without leaves."""
        return _folded(self.edge)

    def pack(self) -> bytes:
        """Return the edge as bytes: the nodes that wait, lowest first; `count` says on which levels."""
        return b"".join(one for one in self.edge if one is not None)

    @classmethod
    def unpack(cls, count: int, packed: bytes) -> "Tree":
        """Return the tree that pack() wrote; None stands where a node is missing, so a damaged one has another root."""
        nodes = iter([packed[at : at + 32] for at in range(0, len(packed), 32)])
        return cls(count, [next(nodes, None) if count >> level & 1 else None for level in range(count.bit_length())])


def _folded(edge: Sequence[bytes | None]) -> bytes | None:
    """Return what stands above the edge: a lower node is always to the right of a higher one."""
    found: bytes | None = None
    for waiting in edge:
        if waiting is not None:
            found = waiting if found is None else node(waiting, found)
    return found
