"""What holds of every tree: the compact range gives the defined root; proofs hold, and false ones do not."""

import hashlib

from hypothesis import assume, given
from hypothesis import strategies as st

from families_first.governance.audit.merkle import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    proves_consistency,
    proves_inclusion,
    root_of_leaves,
)

SIZES = st.integers(1, 130)
HASHED = [leaf_hash(number.to_bytes(2, "big")) for number in range(300)]


def defined_root(leaves: list[bytes]) -> bytes:
    """Return the root as RFC 6962, section 2.1, defines it."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


def root_of(start: int, end: int) -> bytes:
    return root_of_leaves(HASHED[start:end])


@given(st.integers(0, 300))
def test_the_compact_range_gives_the_root_of_the_definition_and_survives_being_kept(size: int) -> None:
    tree = CompactRange()
    for leaf in HASHED[:size]:
        tree.append(leaf)
    assert tree.root() == defined_root(HASHED[:size])
    assert len(tree.peaks) == size.bit_count()
    kept = CompactRange.from_bytes(size, tree.to_bytes())
    assert kept == tree
    for (start, end), root in tree.subtrees().items():
        assert root == defined_root(HASHED[start:end])


@given(SIZES, st.data())
def test_every_leaf_can_be_proved_and_only_at_its_place(size: int, data: st.DataObject) -> None:
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    root = defined_root(HASHED[:size])
    proof = inclusion_proof(index, size, root_of)
    assert len(proof) <= (size - 1).bit_length()
    assert proves_inclusion(HASHED[index], index, size, proof, root)
    assert not proves_inclusion(HASHED[200], index, size, proof, root)
    assert not proves_inclusion(HASHED[index], size, size, proof, root)
    if other != index:
        assert not proves_inclusion(HASHED[index], other, size, proof, root)


@given(SIZES, SIZES)
def test_every_tree_is_proved_to_begin_a_larger_one_and_no_other_is(one: int, another: int) -> None:
    old, new = sorted((one, another))
    old_root, new_root = defined_root(HASHED[:old]), defined_root(HASHED[:new])
    proof = consistency_proof(old, new, root_of)
    assert proves_consistency(old, new, old_root, new_root, proof)
    changed = defined_root([HASHED[200], *HASHED[1:old]])
    assert not proves_consistency(old, new, changed, new_root, proof)
    assert not proves_consistency(new + 1, new, old_root, new_root, proof)


@given(SIZES, SIZES, st.data())
def test_a_proof_that_was_changed_proves_nothing(one: int, another: int, data: st.DataObject) -> None:
    old, new = sorted((one, another))
    assume(old < new)
    old_root, new_root = defined_root(HASHED[:old]), defined_root(HASHED[:new])
    proof = consistency_proof(old, new, root_of)
    place = data.draw(st.integers(0, len(proof) - 1))
    flipped = bytes([proof[place][0] ^ 8]) + proof[place][1:]
    for wrong in (
        [*proof[:place], flipped, *proof[place + 1 :]],
        [*proof[:place], *proof[place + 1 :]],
        [*proof, new_root],
        [old_root, *proof],
    ):
        assert not proves_consistency(old, new, old_root, new_root, wrong)
