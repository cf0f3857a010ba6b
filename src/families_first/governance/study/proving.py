"""Was this protocol sealed? What a home that releases outcomes checks before it believes the researchers.

Their audit log cannot be looked into, but it is a Merkle log: its entry, a path of hashes, and a root that
they signed show that the log has the entry, and they cannot take back that signature.

Sources: RFC 9162 section 2.1.3.2; C2SP tlog-proof, https://c2sp.org/tlog-proof.
"""

import base64
import binascii

from families_first.errors import UserError
from families_first.governance.audit.checkpoints import Checkpoint
from families_first.governance.audit.entry import Entry, entry_of
from families_first.governance.audit.exporting import PROOF_FORM
from families_first.governance.audit.merkle import leaf_hash, proves_inclusion
from families_first.governance.notes import Verifier
from families_first.governance.study.protocols import HASH_DETAIL, seals
from families_first.governance.study.release_request import ReleaseRequest, refused_request


def check_sealed(request: ReleaseRequest, verifier: Verifier, *, where: str) -> Checkpoint:
    """Check that the log of ``verifier`` has the sealing of the requested protocol; returns its checkpoint.

    Raises
    ------
    UserError
        PARCEL, with what is not proved.
    """
    entry = _entry(request, where)
    if not seals(entry, request.protocol) or entry.event.details.get(HASH_DETAIL) != request.protocol_sha256:
        raise refused_request("The entry of the audit log does not say that this protocol was sealed", where)
    index, path, note = _proof(request.proof, where)
    try:
        checkpoint = Checkpoint.read(note, verifier, where=where)
    except UserError:
        raise refused_request(
            f"The proof of the sealing is not of the audit log of '{verifier.name}', or is damaged", where
        ) from None
    leaf = leaf_hash(request.entry.encode())
    if index != entry.index or not proves_inclusion(leaf, index, checkpoint.size, path, checkpoint.root):
        raise refused_request("The audit log does not have the entry that seals this protocol", where)
    return checkpoint


def _entry(request: ReleaseRequest, where: str) -> Entry:
    try:
        return entry_of(request.entry.encode())
    except ValueError:
        raise refused_request("The entry that seals this protocol is damaged", where) from None


def _proof(text: str, where: str) -> tuple[int, list[bytes], str]:
    head, _, note = text.partition("\n\n")
    try:
        form, index, *path = head.split("\n")
        word, _, number = index.partition(" ")
        if (form, word) == (PROOF_FORM, "index") and number.isascii() and number.isdigit():
            return int(number), [base64.b64decode(each, validate=True) for each in path], note
    except (ValueError, binascii.Error):
        pass
    raise refused_request("The proof of the sealing is damaged", where)
