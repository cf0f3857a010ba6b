"""Releasing outcomes: a second organisation unlocks them, for the one protocol that was sealed before.

The home that releases never has the parcels. It takes the outer layer off their keys, and what comes to light
is a key that only the researchers can open.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from families_first.errors import UserError
from families_first.governance.agreements import Contents
from families_first.governance.audit.event import Detail
from families_first.governance.desk import Act, Desk
from families_first.governance.identity import partners_of, receiver_of, signer_of
from families_first.governance.parcels import Addressee, ParcelRows, SealedParcel, reading_parcel, seal_parcel
from families_first.governance.parcels.column_keys import released_key
from families_first.governance.parcels.releases import Release
from families_first.governance.policy import Resource
from families_first.governance.study.protocols import HASH_DETAIL, RESOURCE, keep_protocol
from families_first.governance.study.proving import check_sealed
from families_first.governance.study.release_register import ReleasedRegister
from families_first.governance.study.release_request import Lock, ReleaseRequest, refused_request

RELEASING: Final = "release-outcomes"
RELEASE_SCHEMA: Final = pa.schema(
    [(name, pa.string()) for name in ("serial", "protocol", "protocol_sha256", "release")]
)


@dataclass(frozen=True, slots=True)
class Released:
    """What was released: for which protocol, of which parcels, and the parcel for the researchers."""

    protocol: str
    protocol_sha256: str
    serials: tuple[str, ...]
    parcel: SealedParcel


def release_outcomes(desk: Desk, path: Path, agreement: str, *, expected_sha256: str = "") -> Released:
    """Check a request for a release and answer it.

    Everything is checked before anything is unlocked: that the text is the one sealed; that the researchers'
    signed log has its sealing; that no other protocol was released for these parcels; that each key is of the
    parcel and group it is said to be of. A request that is refused can be handed in again.

    Parameters
    ----------
    path
        The parcel with the request.
    agreement
        The agreement with the researchers, by its id.
    expected_sha256
        The hash of the protocol as the researchers made it known; nothing is released for another. Not
        looked at when empty.

    Raises
    ------
    UserError
        PARCEL, when the request does not hold; REFUSED, when another protocol was released, or the policy
        says no; as :func:`reading_parcel` and :func:`seal_parcel` otherwise.
    """
    home, where = desk.home, path.name
    with reading_parcel(desk, path) as parcel:
        request = ReleaseRequest.of(rows_of(parcel, Contents.PROTOCOL, where), where=where)
        sender = partners_of(home)[parcel.manifest.sender.name]
        serials = tuple(dict.fromkeys(lock.serial for lock in request.locks))
        with _releasing(desk, request, len(serials)) as act:
            if expected_sha256 and expected_sha256.lower() != request.protocol_sha256:
                raise refused_request(
                    "This request is for another protocol than the one that you named", where
                )
            checkpoint = check_sealed(request, sender.verifier, where=where)
            register = ReleasedRegister.read(home)
            register.check(serials, request.protocol, request.protocol_sha256)
            keys = _unlocked(desk, request.locks, where)
            # Written first: of what was released once, no other release may follow, whatever happens next.
            keep_protocol(home, request.protocol, request.text.encode())
            register.with_all(serials, request.protocol, request.protocol_sha256).write(home)
            sealed = _answer(desk, request, keys, agreement, sender.name)
            act.note(
                log_entries=checkpoint.size,
                log_root=checkpoint.root.hex(),
                release=sealed.serial,
            )
    return Released(request.protocol, request.protocol_sha256, serials, sealed)


def rows_of(parcel: ParcelRows, contents: Contents, where: str) -> pa.Table:
    """Return all rows of a small parcel that should hold ``contents``.

    Raises
    ------
    UserError
        PARCEL, when it holds something else; nothing of it is then read.
    """
    if parcel.contents != contents:
        raise refused_request(f"This parcel holds {parcel.contents}, and not a {contents}", where)
    return pa.Table.from_batches(list(parcel.batches()))


@contextmanager
def _releasing(desk: Desk, request: ReleaseRequest, parcels: int) -> Iterator[Act]:
    details: dict[str, Detail] = {HASH_DETAIL: request.protocol_sha256, "parcels": parcels}
    with desk.act(RELEASING, Resource(RESOURCE, request.protocol), details=details) as act:
        try:
            yield act
        except UserError as refusal:
            act.note(exit_code=int(refusal.code))
            raise


def _unlocked(desk: Desk, locks: Sequence[Lock], where: str) -> dict[Lock, str]:
    identity = receiver_of(desk.home)
    found = {lock: released_key(lock.key, lock.serial, lock.group, identity) for lock in locks}
    if any(key is None for key in found.values()):
        raise refused_request(
            "A key in this request was not locked for this home, or is of another parcel than it says", where
        )
    return {lock: key for lock, key in found.items() if key is not None}


def _answer(
    desk: Desk, request: ReleaseRequest, keys: dict[Lock, str], agreement: str, to: str
) -> SealedParcel:
    by_serial: dict[str, dict[str, str]] = {}
    for lock, key in keys.items():
        by_serial.setdefault(lock.serial, {})[lock.group] = key
    signer = signer_of(desk.home)
    rows = [
        {
            "serial": serial,
            "protocol": request.protocol,
            "protocol_sha256": request.protocol_sha256,
            "release": Release(serial, request.protocol, request.protocol_sha256, groups).signed(signer),
        }
        for serial, groups in by_serial.items()
    ]
    table = pa.Table.from_pylist(rows, schema=RELEASE_SCHEMA)
    return seal_parcel(
        desk,
        table.to_batches(),
        schema=table.schema,
        agreement=agreement,
        to=[Addressee(to, Contents.RELEASE)],
    )
