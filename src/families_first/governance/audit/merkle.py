"""The Merkle tree of RFC 6962: leaves in order, one root, and short proofs about both.

A *compact range* is what must be remembered of ``n`` leaves so that the next can be added and the root told:
the roots of the perfect subtrees from left to right, one for each set bit of ``n``, at most 64 hashes of 32
bytes.

Source: RFC 6962 section 2.1 (tree and proofs), RFC 9162 sections 2.1.3.2 and 2.1.4.2 (verifying).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

HASH_BYTES = 32

RootOf = Callable[[int, int], bytes]
"""Gives the root of the leaves from one index up to, not including, another; the two differ."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf (32 bytes)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees side by side (32 bytes)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class CompactRange:
    """The roots of the perfect subtrees of ``size`` leaves, left to right; see the module."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def from_bytes(cls, size: int, kept: bytes) -> Self:
        """Read a range as :meth:`to_bytes` wrote it; :class:`ValueError` when it is not of that size."""
        if size < 0 or len(kept) != size.bit_count() * HASH_BYTES:
            raise ValueError("not the compact range of so many leaves")
        return cls(size, [kept[at : at + HASH_BYTES] for at in range(0, len(kept), HASH_BYTES)])

    def to_bytes(self) -> bytes:
        """Return the subtrees' roots one after the other."""
        return b"".join(self.peaks)

    def append(self, hashed_leaf: bytes) -> None:
        """Add the hash of the next leaf; at most log2(size) hashes are computed."""
        self.peaks.append(hashed_leaf)
        full = self.size
        while full & 1:
            right = self.peaks.pop()
            self.peaks[-1] = node_hash(self.peaks[-1], right)
            full >>= 1
        self.size += 1

    def root(self) -> bytes:
        """Return the root of all leaves; of none, the hash of nothing."""
        if not self.peaks:
            return hashlib.sha256().digest()
        found = self.peaks[-1]
        for left in reversed(self.peaks[:-1]):
            found = node_hash(left, found)
        return found

    def subtrees(self) -> dict[tuple[int, int], bytes]:
        """Return the roots by the leaves under them: first, and one past the last."""
        found, start = {}, 0
        for peak in self.peaks:
            end = start + (1 << ((self.size - start).bit_length() - 1))
            found[start, end] = peak
            start = end
        return found


def root_of_leaves(hashed_leaves: Iterable[bytes]) -> bytes:
    """Return the root over hashes of leaves, in order."""
    tree = CompactRange()
    for each in hashed_leaves:
        tree.append(each)
    return tree.root()


def inclusion_proof(index: int, size: int, root_of: RootOf) -> list[bytes]:
    """Return the hashes that lead from the leaf at ``index`` to the root of the first ``size`` leaves.

    Source: RFC 6962, section 2.1.1 (PATH). :class:`ValueError` when there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of that size")
    start, end, proof = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(root_of(middle, end))
            end = middle
        else:
            proof.append(root_of(start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, root_of: RootOf) -> list[bytes]:
    """Return the hashes that show the first ``old`` leaves to be the beginning of the first ``new``.

    Source: RFC 6962, section 2.1.2 (PROOF). Empty when ``old`` is nothing or all. :class:`ValueError` when
    ``old`` is the larger.
    """
    if not 0 <= old <= new:
        raise ValueError("a tree is consistent with larger ones only")
    start, end, whole, proof = 0, new, True, []
    while 0 < old < end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(root_of(middle, end))
            end = middle
        else:
            proof.append(root_of(start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(root_of(start, end))
    return proof[::-1]


def proves_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``proof`` leads from a leaf's hash at ``index`` to the root of ``size`` leaves.

    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(each, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, each)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def proves_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows the tree of ``old`` leaves to be the beginning of the tree of ``new``.

    Source: RFC 9162, section 2.1.4.2; nothing is the beginning of every tree, and needs no proof.
    """
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not proof and old_root == (new_root if old else CompactRange().root())
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, each)
        node, last = node >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(size: int) -> int:
    """Return the largest power of two below ``size``, which is at least two."""
    return 1 << ((size - 1).bit_length() - 1)
