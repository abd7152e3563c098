"""The Merkle tree of RFC 6962 section 2.1, its proofs, and their verification as RFC 9162 section 2.1 writes it.

A node is named by level and index: ``(0, i)`` is the hash of leaf i, ``(l, i)`` the root of the 2**l leaves from
i * 2**l on. Whoever makes a proof passes in a way to read complete nodes; tiles are one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from operator import add

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()

Nodes = Callable[[int, int], bytes]
"""The hash of the node at (level, index); asked only for nodes whose leaves all exist."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def leaf_row(entries: Iterable[bytes]) -> bytes:
    """The hashes of entries, one after the other."""
    hash_of = sha256
    return b"".join([hash_of(b"\x00" + entry).digest() for entry in entries])


def perfect_root(row: bytes) -> bytes:
    """The root over ``row``, a power of two of hashes one after the other."""
    if len(row) == HASH_BYTES:
        return row
    hash_of, pair = sha256, 2 * HASH_BYTES
    pairs: Iterable[bytes] = [row[at : at + pair] for at in range(0, len(row), pair)]
    while True:
        hashes = [hash_of(b"\x01" + both).digest() for both in pairs]
        if len(hashes) == 1:
            return hashes[0]
        pairs = map(add, hashes[::2], hashes[1::2])


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect trees that stand side by side, the largest first."""
    if not hashes:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


@dataclass(frozen=True, slots=True)
class Frontier:
    """What a tree needs to know to grow: its size, and the roots of its perfect subtrees, the largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Frontier":
        """The frontier with one more leaf, given by its hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The frontier with more leaves, given by their hashes."""
        size, hashes = self.size, list(self.hashes)
        for leaf in leaves:
            complete = size
            while complete & 1:
                leaf = sha256(b"\x01" + hashes.pop() + leaf).digest()
                complete >>= 1
            hashes.append(leaf)
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """The root of the tree."""
        return fold(self.hashes)


def root(size: int, nodes: Nodes) -> bytes:
    """The root of the tree of the first ``size`` leaves."""
    return _range_root(0, size, nodes)


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The path of RFC 6962 section 2.1.1 for leaf ``index`` in the tree of ``size``, from the leaf up."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    proof, low, high = [], 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(_range_root(middle, high, nodes))
            high = middle
        else:
            proof.append(_range_root(low, middle, nodes))
            low = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """The proof of RFC 6962 section 2.1.2 that the tree of ``new`` leaves begins with the tree of ``old``."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} does not begin with one of {old}")
    if old in (0, new):
        return []
    proof, low, high = [], 0, new
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(_range_root(middle, high, nodes))
            high = middle
        else:
            proof.append(_range_root(low, middle, nodes))
            low = middle
    if low:
        proof.append(_range_root(low, high, nodes))
    return proof[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``proof`` shows that the leaf hash is at ``index`` of the tree of ``size`` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size or any(len(step) != HASH_BYTES for step in (leaf, *proof)):
        return False
    place, last, computed = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            computed = node_hash(step, computed)
            place, last = _up_to_right_child(place, last)
        else:
            computed = node_hash(computed, step)
        place, last = place >> 1, last >> 1
    return last == 0 and computed == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether ``proof`` shows that the new tree begins with the old one (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new or any(len(step) != HASH_BYTES for step in proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not steps:
        return False
    return _consistent_roots(old, new, steps) == (old_root, new_root)


def perfect_nodes(low: int, high: int) -> Iterator[tuple[int, int]]:
    """The largest perfect subtrees that leaves ``low`` to ``high`` consist of, from left to right."""
    while low < high:
        level = (high - low).bit_length() - 1
        if low:
            level = min(level, (low & -low).bit_length() - 1)
        yield level, low >> level
        low += 1 << level


def _consistent_roots(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The two roots that a proof leads to, None when it has too many or too few steps."""
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_root = new_root = steps[0]
    for step in steps[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old_root, new_root = node_hash(step, old_root), node_hash(step, new_root)
            place, last = _up_to_right_child(place, last)
        else:
            new_root = node_hash(new_root, step)
        place, last = place >> 1, last >> 1
    return (old_root, new_root) if last == 0 else None


def _up_to_right_child(place: int, last: int) -> tuple[int, int]:
    """Past the levels at which the last node has no sibling and moves up unhashed."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _split(width: int) -> int:
    """The largest power of two smaller than ``width``."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_root(low: int, high: int, nodes: Nodes) -> bytes:
    return fold([nodes(level, index) for level, index in perfect_nodes(low, high)])
