"""Opening: every check in its order, and only then the rows; into the vault, or to the caller."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from families_first.governance.desk import Act, Desk
from families_first.governance.home import Home
from families_first.governance.identity import Identity, ensure_identity, receiver_of
from families_first.governance.parcels.agreed import AgreementText, Share, find_agreed
from families_first.governance.parcels.body import read_body
from families_first.governance.parcels.column_keys import FOOTER, opened_key
from families_first.governance.parcels.container import ParcelFile, read_parcel_file
from families_first.governance.parcels.manifest import Column, Manifest, Recipient
from families_first.governance.parcels.refusals import (
    ParcelRefusedError,
    Reason,
    distrusted,
    not_released,
)
from families_first.governance.parcels.register import Register
from families_first.governance.parcels.releases import Release, check_protocol, groups_open, release_for
from families_first.governance.parcels.routes import allowed, parcel_resource, refusals_logged
from families_first.governance.parcels.trust import check_purpose, check_recipient, check_sender
from families_first.governance.policy import Resource
from families_first.governance.purposes import Purpose
from families_first.governance.vault import Vault

OPENING = "open-parcel"
TABLE = "rows"
"""The table of the dataset that an opened parcel becomes."""

_NOT_READABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class OpenedParcel:
    """A parcel whose rows are in the vault: dataset kind ``parcel``, named by the serial, table
    :data:`TABLE`.

    ``columns`` are those that this home could open.
    """

    serial: str
    manifest: Manifest
    contents: str
    columns: tuple[Column, ...]
    rows: int


@dataclass(slots=True)
class ParcelRows:
    """The rows of a parcel that passed every check, to be read once, to the end, while the act is under way.

    Attributes
    ----------
    act
        The act of opening, which is under way.
    manifest, note
        What the parcel says of itself, and the signed note that says it.
    contents
        What this home gets.
    columns
        The columns that this home can open.
    locked
        The columns that it could open if they were released.
    release
        The release by which locked columns are read; None where none are.
    retention_class
        The class under which the agreement has the rows kept.
    begun_before
        Whether an earlier opening of this very parcel was cut short.
    rows_given
        How many rows were given so far; None before the first piece.
    """

    act: Act
    manifest: Manifest
    note: str
    contents: str
    columns: tuple[Column, ...]
    locked: tuple[Column, ...]
    release: Release | None
    retention_class: str
    begun_before: bool
    _batches: Iterator[pa.RecordBatch]
    rows_given: int | None = field(default=None, init=False)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows; at least one batch, which has no rows where the parcel has none.

        Raises
        ------
        UserError
            REFUSED, when the act has ended.
        """
        while True:
            self.act.check_open()
            batch = next(self._batches, None)
            if batch is None:
                return
            self.rows_given = (self.rows_given or 0) + batch.num_rows
            yield batch


def open_parcel(desk: Desk, path: Path) -> OpenedParcel:
    """Check a parcel and put its rows into the vault, whole or not at all. No row is written in plain text.

    Raises
    ------
    UserError
        As :func:`reading_parcel`; HOME, when the home has not the agreement's retention class.
    """
    with reading_parcel(desk, path) as parcel:
        serial = parcel.manifest.serial
        vault = Vault(parcel.act)
        if parcel.begun_before:
            vault.remove_named("parcel", serial)  # it may have come as far as the vault
        with vault.draft("parcel", serial, retention_class=parcel.retention_class) as draft:
            for batch in parcel.batches():
                draft.write(TABLE, batch)
            draft.about.update(manifest=parcel.note)
    return OpenedParcel(serial, parcel.manifest, parcel.contents, parcel.columns, parcel.manifest.body.rows)


@contextlib.contextmanager
def reading_parcel(desk: Desk, path: Path) -> Iterator[ParcelRows]:
    """Check a parcel and give its rows in batches. The parcel counts as opened once the block took any.

    If the block fails, or the machine stops, the parcel can be opened again: the log then has the failure and
    how many rows were given, or an act without an end. A block that ends well and took only some of the rows
    has opened the parcel; one that took none has not. The home is held for writing throughout.

    Checks come in this order, and each refusal is logged: the file's form; the sender is a known partner
    and its signature holds; this home is a recipient; the purpose; the policy opens the way; an agreement
    in force covers it, by the text that the sender quoted; the serial is new; what is locked was released,
    for a protocol that is as it was sealed; the body is the one signed for; its keys and its rows.

    Columns that are locked and not released are not given. A parcel of which some are can be opened again,
    and whole, once they are released; one of which all are is refused, and does not count as opened.

    Raises
    ------
    UserError
        PARCEL, REFUSED (the policy) or AGREEMENT, with the first that fails; RESOURCE, when another command
        holds the home.
    """
    home = desk.home
    own = ensure_identity(home)
    with refusals_logged(desk, OPENING, _NOT_READABLE):
        parcel = read_parcel_file(path)
    manifest, where = parcel.manifest, path.name
    with refusals_logged(desk, OPENING, manifest.serial):
        sender = check_sender(home, parcel)
        recipient = check_recipient(home, parcel)
        check_purpose(parcel, desk.purpose)
    found = agreement_of(desk, parcel)
    resource = route_of(manifest, sender, own, recipient)
    with allowed(desk, OPENING, resource, found) as act, home.locked():
        if isinstance(found, ParcelRefusedError):
            raise found
        release = release_for(home, manifest) if manifest.locked else None
        keys = groups_open(home, manifest, release)
        columns, all_columns = manifest.columns_for(home.name, keys), manifest.columns_for(home.name)
        locked = tuple(each for each in all_columns if each not in columns)
        begun_before = check_serial(home, parcel, locked=bool(locked))
        check_released(home, manifest, release, columns, where)
        parcel.check_body()
        rows = ParcelRows(
            act=act,
            manifest=manifest,
            note=parcel.note,
            contents=recipient.contents,
            columns=columns,
            locked=locked,
            release=release,
            retention_class=found.agreement.retention_class,
            begun_before=begun_before,
            _batches=read_body(parcel, columns, _keys(home, manifest, keys, where)),
        )
        _register(home, parcel, done=False)
        act.note(begun_before=begun_before)
        if release is not None:
            act.note(protocol=release.protocol, protocol_sha256=release.protocol_sha256)
        try:
            yield rows
        finally:
            act.note(rows_given=rows.rows_given or 0)
        if rows.rows_given is not None:
            _register(home, parcel, done=True, in_part=bool(locked))
        act.note(
            sender=manifest.sender.name,
            rows=manifest.body.rows,
            columns=len(columns),
            body_sha256=manifest.body.sha256,
            agreement=found.agreement.id,
            agreement_sha256=found.sha256,
        )


def purpose_of(path: Path) -> str:
    """Return the purpose for which a parcel says it was sent, for choosing the desk at which to open it.

    A file that is no parcel has none; a desk of any purpose is then as good, and will refuse it and log that.
    """
    try:
        return read_parcel_file(path).manifest.purpose.value
    except ParcelRefusedError:
        return Purpose.IDENTIFY_AND_SUPPORT.value


def agreement_of(desk: Desk, parcel: ParcelFile) -> AgreementText | ParcelRefusedError:
    """Return the home's agreement that covers a parcel for all its recipients, or why none does."""
    manifest = parcel.manifest
    return find_agreed(
        desk.home,
        manifest.agreement.id,
        quoted_sha256=manifest.agreement.sha256,
        sender=manifest.sender.organisation,
        purpose=manifest.purpose,
        shares=[
            Share(
                each.organisation,
                each.contents,
                each.file,
                tuple(column.name for column in manifest.columns_for(each.name)),
            )
            for each in manifest.recipients
        ],
        on=desk.today,
        where=parcel.path.name,
    )


def route_of(manifest: Manifest, sender: Identity, own: Identity, recipient: Recipient) -> Resource:
    """Return a parcel on its way here as the policy sees it, by what this home knows of the sender."""
    return parcel_resource(
        manifest.serial,
        sender_zone=sender.zone,
        recipient_zone=own.zone,
        recipient_kind=own.organisation_kind,
        contents=recipient.contents,
    )


def check_serial(home: Home, parcel: ParcelFile, *, locked: bool) -> bool:
    """Refuse a parcel that was opened here; say whether an opening of it was begun before.

    ``locked`` says whether columns of it are locked still: one that was opened without them is opened again
    once they are not.

    Raises
    ------
    ParcelRefusedError
        SERIAL.
    """
    before = Register.read(home).openings.get(parcel.manifest.serial)
    if before is None:
        return False
    if before.manifest_sha256 != parcel.manifest_sha256:
        raise distrusted(
            Reason.SERIAL, "Another parcel with the serial of this one came here before", parcel.path.name
        )
    if before.done and (locked or not before.in_part):
        raise ParcelRefusedError(
            Reason.SERIAL,
            "This parcel was opened here already, under this name or another",
            where=parcel.path.name,
            fix="Nothing was opened. If its rows are wanted again, ask the sender for a new parcel.",
        )
    return True


def check_released(
    home: Home, manifest: Manifest, release: Release | None, columns: Sequence[Column], where: str
) -> None:
    """Refuse a parcel of which this home has no ``columns`` yet, or locked ones for a protocol that changed.

    Raises
    ------
    ParcelRefusedError
        LOCKED or PROTOCOL.
    """
    if not columns:
        raise not_released(manifest.serial, str(manifest.locked[0].released_by), where)
    if release is not None:
        check_protocol(home, release)


def _keys(home: Home, manifest: Manifest, groups: Mapping[str, str], where: str) -> dict[str, bytes]:
    """Return the keys of the footer and of the groups that this home opens, of which the sealed keys come."""
    identity = receiver_of(home)
    found = {}
    for group, key in ({FOOTER: manifest.footer_key} | dict(groups)).items():
        opened = opened_key(key, manifest.serial, group, identity)
        if opened is None:
            raise distrusted(
                Reason.KEY, "A key in this parcel is not for this home, or belongs to another parcel", where
            )
        found[group] = opened
    return found


def _register(home: Home, parcel: ParcelFile, *, done: bool, in_part: bool = False) -> None:
    serial, digest = parcel.manifest.serial, parcel.manifest_sha256
    Register.read(home).with_opening(serial, digest, done=done, in_part=in_part).write(home)
