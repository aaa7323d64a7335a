"""Merkle trees of the ledger's audit.

Goal: the tree that grows, the tree built at once and the reference of RFC 6962 have one root; every leaf has a proof that
leads there, and nothing else leads there.
Method: every size up to 200 and every index; hypothesis for wrong proofs and for how the leaves arrive; a reference in the
words of the RFC.
"""

import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.services.ledger.audit.merkle import (
    BLOCK,
    Tree,
    leaf,
    node,
    path_of,
    root_from,
    root_of,
)

SIZES = range(1, 201)


def hashes(count: int) -> list[bytes]:
    return [sha256(number.to_bytes(4, "little")).digest() for number in range(count)]


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word: k is the largest power of two smaller than n."""
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def test_trees_of_every_size_have_the_root_of_the_rfc_and_a_proof_for_every_leaf():
    for size in SIZES:
        given_hashes = hashes(size)
        leaves = [leaf(each) for each in given_hashes]
        root = root_of(leaves)
        assert root == mth(given_hashes)
        tree = Tree()
        tree.extend(given_hashes)
        assert tree.root() == root
        for index in range(size):
            path = path_of(leaves, index)
            assert root_from(given_hashes[index], index, size, path) == root


@given(st.data())
def test_a_wrong_proof_never_leads_to_the_root(data: st.DataObject):
    """Another record, index or count of leaves, a path with a bit, a length or an order of its own."""
    size = data.draw(st.integers(1, 200))
    index = data.draw(st.integers(0, size - 1))
    given_hashes = hashes(size)
    leaves = [leaf(each) for each in given_hashes]
    root, path = root_of(leaves), path_of(leaves, index)
    what = data.draw(st.sampled_from(("record", "index", "flip", "longer", "shorter", "swapped")))
    record, at, wrong = given_hashes[index], index, list(path)
    if what == "record":
        record = data.draw(st.binary(min_size=32, max_size=32).filter(lambda each: each != record))
    elif what == "index":
        at = data.draw(st.integers(-1, 2 * size + 2).filter(lambda each: each != index))
    elif what == "flip" and wrong:
        which, bit = data.draw(st.integers(0, len(wrong) - 1)), data.draw(st.integers(0, 255))
        flipped = bytearray(wrong[which])
        flipped[bit // 8] ^= 1 << bit % 8
        wrong[which] = bytes(flipped)
    elif what == "longer":
        wrong.insert(data.draw(st.integers(0, len(wrong))), data.draw(st.binary(min_size=32, max_size=32)))
    elif what == "shorter" and wrong:
        wrong.pop(data.draw(st.integers(0, len(wrong) - 1)))
    elif len(wrong) > 1:
        wrong.reverse()
    else:
        return
    assert root_from(record, at, size, wrong) != root


@pytest.mark.parametrize("size", [2, 3, 8, 200])
def test_a_node_cannot_be_shown_as_a_leaf(size: int):
    """Second preimage: without the prefixes the two hashes below a node, taken as a record, would be a leaf of a smaller tree."""
    given_hashes = hashes(size)
    leaves = [leaf(each) for each in given_hashes]
    level = leaves
    while len(level) > 1:
        for index in range(0, len(level) - 1, 2):
            inside = level[index] + level[index + 1]
            path = path_of(level, index)[1:]
            count = -(-len(level) // 2)
            assert root_from(inside, index // 2, count, path) != root_of(leaves)
            assert leaf(inside) != node(level[index], level[index + 1])
        level = [*map(node, level[::2], level[1::2]), *(level[-1:] if len(level) % 2 else [])]


def test_however_the_leaves_arrive_the_tree_and_its_blocks_are_the_same(rng: random.Random):
    """Also when the edge is packed and unpacked in between, and when it is made of blocks."""
    for size in (1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 777):
        given_hashes = hashes(size)
        leaves = [leaf(each) for each in given_hashes]
        tree, blocks, done = Tree(), [], 0
        while done < size:
            more = rng.randrange(1, 500)
            blocks += tree.extend(given_hashes[done : done + more])
            done = min(size, done + more)
            tree = Tree.unpack(tree.count, tree.pack())
        assert tree.root() == root_of(leaves)
        assert blocks == [root_of(leaves[at : at + BLOCK]) for at in range(0, size - BLOCK + 1, BLOCK)]
        partial = tree.block()
        assert partial == (root_of(leaves[len(blocks) * BLOCK :]) if size % BLOCK else None)
        again = Tree.of_blocks(blocks, given_hashes[len(blocks) * BLOCK :])
        assert (again.count, again.pack(), again.root()) == (tree.count, tree.pack(), tree.root())
        nodes = [*blocks, *([partial] if partial else [])]
        for index in rng.sample(range(size), min(size, 50)):
            block = index // BLOCK
            path = path_of(leaves[block * BLOCK : (block + 1) * BLOCK], index % BLOCK) + path_of(nodes, block)
            assert root_from(given_hashes[index], index, size, path) == tree.root()
