"""Taking a release in: from then on the parcels that it names open, as long as the protocol is as sealed."""

from dataclasses import dataclass
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Contents
from families_first.governance.desk import Desk
from families_first.governance.identity import partners_of, receiver_of
from families_first.governance.notes import Verifier
from families_first.governance.parcels import reading_parcel
from families_first.governance.parcels.column_keys import opened_key
from families_first.governance.parcels.releases import Release, keep_release
from families_first.governance.study.protocols import registered_protocol
from families_first.governance.study.releasing import RELEASE_SCHEMA, rows_of


@dataclass(frozen=True, slots=True)
class Accepted:
    """A release that was taken in: for which protocol, and the serials of the parcels that open now."""

    protocol: str
    protocol_sha256: str
    serials: tuple[str, ...]


def accept_release(desk: Desk, path: Path) -> Accepted:
    """Check a release and keep it in the home, all of it or nothing.

    Raises
    ------
    UserError
        PARCEL, when it is none, was not signed by its sender, or its keys are not for this home; REFUSED,
        when it is for another protocol than the one sealed here, or that was changed since.
    """
    home, where = desk.home, path.name
    with reading_parcel(desk, path) as parcel:
        table = rows_of(parcel, Contents.RELEASE, where)
        verifier = partners_of(home)[parcel.manifest.sender.name].verifier
        if table.schema.names != RELEASE_SCHEMA.names or not table.num_rows:
            raise _refused("This parcel does not hold a release", where)
        found = [(_release_in(row, verifier, where), str(row["release"])) for row in table.to_pylist()]
        first = found[0][0]
        if any(each.protocol != first.protocol for each, _ in found):
            raise _refused("This parcel holds releases for more than one protocol", where)
        sealed = registered_protocol(home, desk.log, first.protocol)
        if any(each.protocol_sha256 != sealed.sha256 for each, _ in found):
            raise _refused(
                f"This release is for another text of the protocol '{first.protocol}' than was sealed here",
                where,
                code=ExitCode.REFUSED,
            )
        identity = receiver_of(home)
        for release, _ in found:
            for group, key in release.keys.items():
                if opened_key(key, release.serial, group, identity) is None:
                    raise _refused("A key in this release is not for this home, or of another parcel", where)
        for release, note in found:
            keep_release(home, release, note)
        parcel.act.note(protocol=sealed.id, protocol_sha256=sealed.sha256, released=len(found))
    return Accepted(sealed.id, sealed.sha256, tuple(each.serial for each, _ in found))


def _release_in(row: dict[str, object], verifier: Verifier, where: str) -> Release:
    release = Release.read(str(row["release"]), verifier, where=where)
    told = (row["serial"], row["protocol"], row["protocol_sha256"])
    if told != (release.serial, release.protocol, release.protocol_sha256):
        raise _refused("A release in this parcel does not say what the parcel says of it", where)
    return release


def _refused(what: str, where: str, *, code: ExitCode = ExitCode.PARCEL) -> UserError:
    return UserError(
        what,
        where=where,
        fix="Nothing was taken in. Ask for the release again, and find out how this one came.",
        code=code,
    )
