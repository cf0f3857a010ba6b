"""Sealing: rows that stream in become one signed and encrypted file in the outbox, or nothing at all."""

import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pydantic import ValidationError

from families_first.governance.agreements import Contents
from families_first.governance.desk import Act, Desk
from families_first.governance.durable import PART_SUFFIX, disk_refusals, flush_folder, make_private_folder
from families_first.governance.faults import faults_in_words
from families_first.governance.identity import Identity, ensure_identity, partners_of, signer_of
from families_first.governance.keys import new_key
from families_first.governance.notes import sign_note
from families_first.governance.parcels.agreed import AgreementText, Share, find_agreed
from families_first.governance.parcels.body import write_body
from families_first.governance.parcels.column_keys import FOOTER, locked_key, sealed_key
from families_first.governance.parcels.container import PARCEL_SUFFIX, ending
from families_first.governance.parcels.manifest import (
    AgreementQuoted,
    Body,
    Group,
    Manifest,
    Recipient,
    Sender,
    group_faults,
    lock_faults,
)
from families_first.governance.parcels.refusals import ParcelRefusedError, Reason
from families_first.governance.parcels.register import take_number
from families_first.governance.parcels.routes import allowed, parcel_resource, refusals_logged
from families_first.governance.parcels.schemas import check_carried, columns_of
from families_first.governance.vault.table_file import HashedFile

SEALING = "seal-parcel"
Batches = Iterable[pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Addressee:
    """A partner who gets the parcel, and what it gets.

    ``file`` names the part of the agreement, ``[files.FILE.columns]``, that
    lists the columns (the contents' own name when empty).
    """

    partner: str
    contents: Contents
    file: str = ""


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """Columns under one key, and the partners who hold it. ``name`` has small letters, digits and hyphens.

    ``released_by`` names a partner who must release the group before anybody opens it; None where nobody.
    """

    name: str
    columns: tuple[str, ...]
    partners: tuple[str, ...]
    released_by: str | None = None


@dataclass(frozen=True, slots=True)
class SealedParcel:
    """A parcel in the outbox: its serial, file, manifest, and the size of the file in bytes."""

    serial: str
    path: Path
    manifest: Manifest
    bytes: int


def seal_parcel(
    desk: Desk,
    batches: Batches | Callable[[Act], Batches],
    *,
    schema: pa.Schema,
    agreement: str,
    to: Sequence[Addressee],
    groups: Sequence[ColumnGroup] = (),
    splits: Sequence[str] = (),
) -> SealedParcel:
    """Seal rows for one or more partners; a file appears in the outbox when it is whole, and none before.

    Parameters
    ----------
    desk
        Who seals, for the purpose that the parcel is sent for.
    batches
        The rows, taken one batch after another and never held together; or what gives them from the act, for
        rows that come out of the vault.
    schema
        The columns of every batch.
    agreement
        The id of the agreement that covers it.
    to
        Who gets it. The policy is asked for each.
    groups
        Which columns go under which key. With none, all columns go under one key to everybody; otherwise each
        column must be in one group.
    splits
        In a study: the splits (32 hexadecimal digits) that the rows are part of, or were made from.

    Raises
    ------
    UserError
        PARCEL, when a partner is not known or columns and groups do not fit; REFUSED, when the policy
        shuts the way; AGREEMENT, when no agreement covers it; RESOURCE, when the disk is full or another
        command holds the home. Nothing is then in the outbox.
    """
    home = desk.home
    own = ensure_identity(home)
    # The key id keeps homes apart, the random digits a home that was restored to an earlier number.
    serial = f"{own.verifier.key_id.hex()}-{take_number(home):06d}-{secrets.token_hex(6)}"
    split = tuple(groups) or (ColumnGroup("all", tuple(schema.names), tuple(each.partner for each in to)),)
    with refusals_logged(desk, SEALING, serial):
        check_carried(schema, where=serial)
        _check_groups(own.name, schema, to, split, where=serial)
        partners = _partners(desk, [each.partner for each in to], where=serial)
        releasing = _partners(desk, [each.released_by for each in split if each.released_by], where=serial)
        recipients = _recipients(to, partners, where=serial)
    found = find_agreed(
        home,
        agreement,
        sender=home.organisation,
        purpose=desk.purpose,
        shares=[
            Share(
                each.organisation,
                each.contents,
                each.file,
                tuple(name for group in split if each.name in group.partners for name in group.columns),
            )
            for each in recipients
        ],
        on=desk.today,
        where=serial,
    )
    with contextlib.ExitStack() as stack:
        acts = [
            stack.enter_context(
                allowed(
                    desk,
                    SEALING,
                    parcel_resource(
                        serial,
                        sender_zone=own.zone,
                        recipient_zone=partners[each.name].zone,
                        recipient_kind=partners[each.name].organisation_kind,
                        contents=each.contents,
                    ),
                    found,
                )
            )
            for each in recipients
        ]
        if isinstance(found, ParcelRefusedError):
            raise found
        rows = batches(acts[0]) if callable(batches) else batches
        order = _Order(serial, schema, recipients, split, partners, releasing, found, tuple(splits) or None)
        sealed = _write(desk, order, rows)
        for act in acts:
            act.note(
                rows=sealed.manifest.body.rows,
                body_sha256=sealed.manifest.body.sha256,
                agreement=agreement,
                agreement_sha256=found.sha256,
            )
    return sealed


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be sealed for whom; ``releasing`` are those who release its locked groups."""

    serial: str
    schema: pa.Schema
    recipients: tuple[Recipient, ...]
    groups: tuple[ColumnGroup, ...]
    partners: Mapping[str, Identity]
    releasing: Mapping[str, Identity]
    agreed: AgreementText
    splits: tuple[str, ...] | None


def _write(desk: Desk, order: _Order, batches: Batches) -> SealedParcel:
    home, serial, groups = desk.home, order.serial, order.groups
    path = home.outbox / f"{serial}{PARCEL_SUFFIX}"
    part = path.with_name(f".{path.name}{PART_SUFFIX}")
    keys = {each.name: new_key() for each in groups} | {FOOTER: new_key()}

    def for_holders(group: str, holders: Iterable[str]) -> str:
        return sealed_key(keys[group], serial, group, [order.partners[name].receiving for name in holders])

    def key_of(group: ColumnGroup) -> str:
        sealed = for_holders(group.name, group.partners)
        if group.released_by is None:
            return sealed
        return locked_key(sealed, serial, group.name, order.releasing[group.released_by].receiving)

    with home.locked(), disk_refusals(path.name), contextlib.ExitStack() as stack:
        make_private_folder(home.outbox)
        for left_over in home.outbox.glob(f".*{PARCEL_SUFFIX}{PART_SUFFIX}"):
            left_over.unlink(missing_ok=True)  # of a sealing that was cut short
        stack.callback(part.unlink, missing_ok=True)
        file = HashedFile(part)
        stack.callback(file.discard)
        rows = write_body(
            file,
            batches,
            order.schema,
            serial=serial,
            keys=keys,
            columns={each.name: list(each.columns) for each in groups},
        )
        manifest = Manifest(
            serial=serial,
            sender=Sender(name=home.name, organisation=home.organisation),
            made_at=desk.clock(),
            purpose=desk.purpose,
            agreement=AgreementQuoted(id=order.agreed.agreement.id, sha256=order.agreed.sha256),
            body=Body(rows=rows, bytes=file.size, sha256=file.sha256()),
            columns=columns_of(order.schema),
            recipients=order.recipients,
            footer_key=for_holders(FOOTER, order.partners),
            groups=tuple(
                Group(
                    name=each.name,
                    columns=each.columns,
                    recipients=each.partners,
                    key=key_of(each),
                    released_by=each.released_by,
                )
                for each in groups
            ),
            splits=order.splits,
        )
        file.write(ending(sign_note(manifest.text(), signer_of(home))))
        file.sync_and_close()
        part.replace(path)
        flush_folder(home.outbox)
    return SealedParcel(serial, path, manifest, file.size)


def _check_groups(
    sender: str, schema: pa.Schema, to: Sequence[Addressee], groups: Sequence[ColumnGroup], *, where: str
) -> None:
    recipients = [each.partner for each in to]
    faults = group_faults(
        schema.names, recipients, [(each.name, each.columns, each.partners) for each in groups]
    )
    faults += lock_faults(sender, recipients, [(each.name, each.released_by) for each in groups])
    if not to:
        faults.append("it is for nobody")
    if faults:
        raise _not_put_together(
            faults, where, "Put each column into one group and no more, and name who may open each group."
        )


def _partners(desk: Desk, names: Sequence[str], *, where: str) -> dict[str, Identity]:
    known = partners_of(desk.home)
    unknown = [each for each in names if each not in known]
    if unknown:
        raise ParcelRefusedError(
            Reason.RECIPIENT,
            f"This home knows no partner {', '.join(unknown)}",
            where=where,
            fix="Add the partner with `families-first parcel add-partner`; "
            f"known are: {', '.join(known) or 'none'}.",
        )
    return {each: known[each] for each in names}


def _recipients(
    to: Sequence[Addressee], partners: Mapping[str, Identity], *, where: str
) -> tuple[Recipient, ...]:
    try:
        return tuple(
            Recipient(
                name=each.partner,
                organisation=partners[each.partner].organisation,
                contents=each.contents,
                file=each.file or each.contents,
            )
            for each in to
        )
    except ValidationError as fault:
        faults = faults_in_words(fault)
    raise _not_put_together(faults, where, "Correct the agreement, or what is known of the partner.")


def _not_put_together(faults: list[str], where: str, fix: str) -> ParcelRefusedError:
    what = f"This parcel cannot be put together: {'; '.join(faults)}"
    return ParcelRefusedError(Reason.FORM, what, where=where, fix=fix)
