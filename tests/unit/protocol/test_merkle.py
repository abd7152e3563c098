"""The tree and its proofs, against the definitions of RFC 6962 written out as they stand there."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.protocol import merkle

LEAVES = [f"entry {index}".encode() for index in range(70)]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
sizes = st.integers(1, len(LEAVES))


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1."""
    if len(leaves) < 2:
        return sha256(b"\x00" + leaves[0] if leaves else b"").digest()
    k = split(leaves)
    return sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(leaves)
    if m < k:
        return [*path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def subproof(m: int, leaves: list[bytes], complete: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if m == len(leaves):
        return [] if complete else [tree_hash(leaves)]
    k = split(leaves)
    if m <= k:
        return [*subproof(m, leaves[:k], complete), tree_hash(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), tree_hash(leaves[:k])]


def split(leaves: list[bytes]) -> int:
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return k


def node(level: int, index: int) -> bytes:
    width = 1 << level
    assert (index + 1) * width <= len(LEAVES)
    return tree_hash(LEAVES[index * width : (index + 1) * width])


ROOTS = [tree_hash(LEAVES[:size]) for size in range(len(LEAVES) + 1)]


def flipped(data: bytes, bit: int) -> bytes:
    number = int.from_bytes(data, "big") ^ 1 << bit % (8 * len(data))
    return number.to_bytes(len(data), "big")


@pytest.mark.parametrize("size", range(9))
def test_roots_of_small_trees(size: int) -> None:
    assert merkle.Frontier().extend(HASHES[:size]).root() == ROOTS[size]
    assert merkle.root(size, node) == ROOTS[size]


def test_a_frontier_grows_leaf_by_leaf() -> None:
    frontier = merkle.Frontier()
    for size, leaf in enumerate(HASHES):
        assert (frontier.size, frontier.root()) == (size, ROOTS[size])
        frontier = frontier.append(leaf)
    assert frontier == merkle.Frontier().extend(HASHES)


@given(sizes, st.data())
def test_inclusion(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, node)
    assert proof == path(index, LEAVES[:size])
    assert merkle.verify_inclusion(HASHES[index], index, size, proof, ROOTS[size])


@given(sizes, st.data())
def test_inclusion_elsewhere_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, node)
    other_index = data.draw(st.integers(-2, size + 2).filter(lambda other: other != index))
    other_size = data.draw(st.integers(0, len(LEAVES)).filter(lambda other: other != size))
    assert not merkle.verify_inclusion(HASHES[index], other_index, size, proof, ROOTS[size])
    assert not merkle.verify_inclusion(HASHES[index], index, other_size, proof, ROOTS[other_size])


@given(sizes, st.data(), st.integers(0, 255))
def test_inclusion_with_one_bit_changed_is_refused(size: int, data: st.DataObject, bit: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    values = [HASHES[index], ROOTS[size], *merkle.inclusion_proof(index, size, node)]
    place = data.draw(st.integers(0, len(values) - 1))
    values[place] = flipped(values[place], bit)
    leaf, root, *proof = values
    assert not merkle.verify_inclusion(leaf, index, size, proof, root)


@given(sizes, st.data())
def test_inclusion_with_a_step_more_less_or_cut_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, node)
    wrong = [[*proof, HASHES[0]], [ROOTS[size], *proof]]
    if proof:
        wrong += [proof[1:], proof[:-1], [*proof[:-1], proof[-1][:31]]]
    assert not any(merkle.verify_inclusion(HASHES[index], index, size, steps, ROOTS[size]) for steps in wrong)


@given(sizes, st.data())
def test_consistency(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    proof = merkle.consistency_proof(old, new, node)
    assert proof == (subproof(old, LEAVES[:new], True) if old else [])
    assert merkle.verify_consistency(old, new, proof, ROOTS[old], ROOTS[new])


@given(sizes, st.data())
def test_consistency_of_other_sizes_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    proof = merkle.consistency_proof(old, new, node)
    other_old = data.draw(st.integers(-1, new + 2).filter(lambda other: other not in (0, old)))
    other_new = data.draw(st.integers(0, len(LEAVES)).filter(lambda other: other != new))
    assert not merkle.verify_consistency(other_old, new, proof, ROOTS[old], ROOTS[new])
    if old:
        assert not merkle.verify_consistency(old, other_new, proof, ROOTS[old], ROOTS[other_new])


@given(sizes, st.data(), st.integers(0, 255))
def test_consistency_with_one_bit_changed_is_refused(new: int, data: st.DataObject, bit: int) -> None:
    old = data.draw(st.integers(1, new))
    values = [ROOTS[old], ROOTS[new], *merkle.consistency_proof(old, new, node)]
    place = data.draw(st.integers(0, len(values) - 1))
    values[place] = flipped(values[place], bit)
    old_root, new_root, *proof = values
    assert not merkle.verify_consistency(old, new, proof, old_root, new_root)


@given(sizes, st.data())
def test_consistency_with_a_step_more_less_or_cut_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    proof = merkle.consistency_proof(old, new, node)
    wrong = [[*proof, HASHES[0]], [ROOTS[new], *proof]]
    if proof:
        wrong += [proof[1:], proof[:-1], [*proof[:-1], proof[-1][:31]], []]
    assert not any(merkle.verify_consistency(old, new, steps, ROOTS[old], ROOTS[new]) for steps in wrong)


def test_consistency_with_another_empty_tree_is_refused() -> None:
    assert not merkle.verify_consistency(0, 3, [], ROOTS[1], ROOTS[3])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_proof_of_a_leaf_outside(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion_proof(index, size, node)


@pytest.mark.parametrize(("old", "new"), [(3, 2), (-1, 2)])
def test_there_is_no_proof_of_shrinking(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="does not begin"):
        merkle.consistency_proof(old, new, node)
