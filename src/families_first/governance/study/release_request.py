"""A request for the release of outcomes: the sealed protocol, the proof of its sealing, and the locked keys.

It is a small table, one row a locked group: the same protocol and proof in each.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Contents
from families_first.governance.audit.checkpointing import make_checkpoint
from families_first.governance.audit.exporting import proof_of
from families_first.governance.desk import Desk
from families_first.governance.parcels import Addressee, SealedParcel, seal_parcel
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.manifest import SERIAL, Manifest
from families_first.governance.parcels.releases import is_protocol_id, protocol_file
from families_first.governance.parcels.trust import check_recipient, check_sender
from families_first.governance.study.protocols import registered_protocol

_TEXT: Final = ("protocol", "protocol_sha256", "text", "entry", "proof")
_LOCK: Final = ("serial", "group", "locked_key")
REQUEST_SCHEMA: Final = pa.schema([(name, pa.string()) for name in (*_TEXT, *_LOCK)])
MOST_LOCKS: Final = 10_000


class Lock(NamedTuple):
    """A locked group of a parcel, and its key as the owner locked it (base64)."""

    serial: str
    group: str
    key: str


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What researchers ask for.

    Attributes
    ----------
    protocol, protocol_sha256, text
        The protocol's id, the SHA-256 (hexadecimal) that was sealed, and the text.
    entry, proof
        The entry of the audit log that sealed it, as it was hashed, and the proof that the log has it.
    locks
        What is to be released.
    """

    protocol: str
    protocol_sha256: str
    text: str
    entry: str
    proof: str
    locks: tuple[Lock, ...]

    def as_table(self) -> pa.Table:
        """Return the rows that travel."""
        same = {name: getattr(self, name) for name in _TEXT}
        rows = [{**same, **dict(zip(_LOCK, lock, strict=True))} for lock in self.locks]
        return pa.Table.from_pylist(rows, schema=REQUEST_SCHEMA)

    @classmethod
    def of(cls, table: pa.Table, *, where: str) -> "ReleaseRequest":
        """Read the rows that travelled.

        Raises
        ------
        UserError
            PARCEL, when they are no request, or the text is not the one that the hash is of.
        """
        rows = table.to_pylist() if table.schema.names == REQUEST_SCHEMA.names else []
        if not 0 < len(rows) <= MOST_LOCKS or any(value is None for row in rows for value in row.values()):
            raise refused_request("This parcel does not hold a request for a release", where)
        if any(len({row[name] for row in rows}) > 1 for name in _TEXT):
            raise refused_request("This request is for more than one protocol", where)
        first = rows[0]
        locks = tuple(Lock(*(row[name] for name in _LOCK)) for row in rows)
        if not is_protocol_id(first["protocol"]) or not all(SERIAL.fullmatch(lock.serial) for lock in locks):
            raise refused_request("This parcel does not hold a request for a release", where)
        found = cls(**{name: first[name] for name in _TEXT}, locks=locks)
        if hashlib.sha256(found.text.encode()).hexdigest() != found.protocol_sha256:
            raise refused_request("The protocol's text is not the one that its hash is of", where)
        return found


def request_release(desk: Desk, protocol_id: str, agreement: str, locked: Sequence[Path]) -> SealedParcel:
    """Ask for the release of locked parcels, for a protocol that was sealed in this home.

    Parameters
    ----------
    agreement
        The agreement with whoever releases, by its id.
    locked
        The locked parcels, as the owners sent them. Nothing of them leaves but the keys.

    Raises
    ------
    UserError
        NOT_FOUND or REFUSED, when the protocol was not sealed or was changed since; PARCEL, when a file is no
        parcel for this home, nothing in it is locked, or more than one home would have to release.
    """
    home = desk.home
    sealed = registered_protocol(home, desk.log, protocol_id)
    manifests = {each.serial: each for each in (_manifest_for(desk, path) for path in locked)}
    by = {str(group.released_by) for each in manifests.values() for group in each.locked}
    if len(by) != 1:
        raise refused_request(
            "Name the locked parcels of one study"
            if not by
            else "These parcels are released by more than one home",
            protocol_id,
        )
    checkpoint = make_checkpoint(home, desk.log)
    ((_, leaf),) = desk.log.leaves(sealed.entry, sealed.entry + 1)
    request = ReleaseRequest(
        sealed.id,
        sealed.sha256,
        protocol_file(home, protocol_id).read_text(encoding="utf-8"),
        leaf.decode("ascii"),
        proof_of(desk.log, sealed.entry, checkpoint),
        tuple(
            Lock(serial, group.name, group.key) for serial, each in manifests.items() for group in each.locked
        ),
    )
    table = request.as_table()
    (releasing,) = by
    return seal_parcel(
        desk,
        table.to_batches(),
        schema=table.schema,
        agreement=agreement,
        to=[Addressee(releasing, Contents.PROTOCOL)],
    )


def _manifest_for(desk: Desk, path: Path) -> Manifest:
    parcel = read_parcel_file(path)
    check_sender(desk.home, parcel)
    check_recipient(desk.home, parcel)
    if not parcel.manifest.locked:
        raise refused_request("Nothing in this parcel is locked", path.name)
    return parcel.manifest


def refused_request(what: str, where: str) -> UserError:
    """Return the refusal of a request for a release."""
    return UserError(
        what,
        where=where,
        fix="Nothing was released. Name the parcels that the owners sent locked, and ask again.",
        code=ExitCode.PARCEL,
    )
