"""``families-first parcel``: seal, inspect and open what passes between homes, and say who partners are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, counted, emit

if TYPE_CHECKING:
    from families_first.governance.parcels import Addressee, ColumnGroup

app = App(name="parcel", help="Seal, inspect and open what passes between homes.")

ContentsName = Literal["identifiers", "payload", "spine", "outputs", "records"]
PurposeOption = Annotated[
    Literal["identify-and-support", "research"], Parameter(name="--purpose", help="What it is sent for.")
]


@app.command
def seal(
    file: Path,
    /,
    *,
    agreement: Annotated[str, Parameter(help="The id of the agreement that covers it.")],
    contents: Annotated[ContentsName, Parameter(help="What the parcel holds.")],
    to: Annotated[
        list[str],
        Parameter(
            help="A partner who gets it; may be given again. PARTNER=CONTENTS where a partner gets something "
            "else than --contents says.",
            negative="",
        ),
    ],
    group: Annotated[
        list[str] | None,
        Parameter(
            help="Columns under a key of their own, as NAME=column,column:PARTNER,PARTNER; "
            "may be given again. Each column must then be in one group.",
            negative="",
        ),
    ] = None,
    agreed_as: Annotated[
        str,
        Parameter(name="--file", help="Which [files.FILE] of the agreement lists them; --contents' own."),
    ] = "",
    purpose: PurposeOption = "identify-and-support",
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Seal a table for partners: signed, encrypted to them, and put into the outbox.

    Parameters
    ----------
    file
        A Parquet file, or a CSV file in UTF-8 with a heading, of which every value is taken as text.
    """
    from families_first.governance.parcels import seal_parcel
    from families_first.governance.parcels.table_files import batches_of

    desk = desk_at(home, as_, purpose)
    schema, batches = batches_of(file)
    sealed = seal_parcel(
        desk,
        batches,
        schema=schema,
        agreement=agreement,
        to=[_addressee(each, contents, agreed_as) for each in to],
        groups=[_column_group(each) for each in group or ()],
    )
    body = sealed.manifest.body
    emit(
        {
            "serial": sealed.serial,
            "file": sealed.path.name,
            "bytes": sealed.bytes,
            "rows": body.rows,
            "body_sha256": body.sha256,
            "agreement": sealed.manifest.agreement.model_dump(),
            "recipients": [each.model_dump(mode="json") for each in sealed.manifest.recipients],
            "groups": {each.name: list(each.columns) for each in sealed.manifest.groups},
        },
        json=json,
        show=[
            f"Sealed {counted(body.rows, 'row')} for {', '.join(to)}: outbox/{sealed.path.name}",
            "Send that file by any way you like; only they can open it. Nothing else needs to go with it.",
        ],
    )


@app.command
def inspect(
    file: Path,
    /,
    *,
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Show what a parcel says of itself; in a home, also whether it holds and could be opened there.

    Parameters
    ----------
    file
        The parcel.
    """
    from families_first.governance.parcels import inspect_parcel
    from families_first.governance.parcels.opening import purpose_of
    from families_first.governance.zone_file import ZONE_FILE

    in_a_home = (home / ZONE_FILE).is_file()
    found = inspect_parcel(file, desk_at(home, as_, purpose_of(file)) if in_a_home else None)
    manifest = found.manifest
    holders = {column: group for group in manifest.groups for column in group.columns}
    judged = {
        None: "not asked: no home was named, so the signature was not checked either",
        "": f"yes; it would get {', '.join(each.name for each in found.columns)}",
    }
    emit(
        {
            "manifest": manifest.model_dump(mode="json", exclude_none=True),
            "signed_by": found.signed_by,
            "signature_holds": found.signature_holds,
            "could_open": None if found.why_not is None else not found.why_not,
            "why_not": found.why_not or None,
        },
        json=json,
        show=[
            f"Parcel     {manifest.serial}, made {manifest.made_at:%Y-%m-%d %H:%M} UTC",
            f"From       {manifest.sender.name} ({manifest.sender.organisation})",
            f"Signed by  {found.signed_by}: {_signature_in_words(found.signature_holds)}",
            *(
                f"For        {each.name} ({each.organisation}), which gets {each.contents}"
                for each in manifest.recipients
            ),
            f"Purpose    {manifest.purpose}",
            f"Agreement  {manifest.agreement.id}, SHA-256 {manifest.agreement.sha256}",
            f"Rows       {manifest.body.rows:,}, encrypted body of {counted(manifest.body.bytes, 'byte')}",
            *(
                f"Locked     {', '.join(each.columns)}: until {each.released_by} releases it"
                for each in manifest.locked
            ),
            *(f"Split      {each}" for each in manifest.splits or ()),
            f"Open here  {judged.get(found.why_not, f'no. {found.why_not}')}",
            Sheet(
                ["Column", "Type", "Group", "Who can read it"],
                [
                    [each.name, each.type, holders[each.name].name, ", ".join(holders[each.name].recipients)]
                    for each in manifest.columns
                ],
            ),
        ],
    )


@app.command(name="open")
def open_(file: Path, /, *, home: HomeOption = HERE, as_: AsOption = "", json: JsonOption = False) -> None:
    """Check a parcel and put its rows into the vault. A parcel is opened once.

    What researchers get of a study is not opened here: `families-first study extract` drops row keys and rows
    of everybody outside the study as it opens them, and both would stay in the vault otherwise.

    Parameters
    ----------
    file
        The parcel, under any name.
    """
    from families_first.governance.parcels import open_parcel
    from families_first.governance.parcels.opening import purpose_of

    _check_not_of_a_study(file, home)
    opened = open_parcel(desk_at(home, as_, purpose_of(file)), file)
    emit(
        {
            "serial": opened.serial,
            "sender": opened.manifest.sender.name,
            "contents": opened.contents,
            "rows": opened.rows,
            "columns": [each.name for each in opened.columns],
            "agreement": opened.manifest.agreement.model_dump(),
        },
        json=json,
        show=[
            f"Opened {counted(opened.rows, 'row')} of {opened.contents} from {opened.manifest.sender.name}: "
            f"dataset parcel {opened.serial} in the vault.",
            "The file can be deleted now: it opens nowhere else, and no second time here.",
        ],
    )


@app.command
def identity(*, home: HomeOption = HERE, json: JsonOption = False) -> None:
    """Print who this home is, for its partners to keep, and the fingerprint to read out to them."""
    from families_first.governance.home import Home
    from families_first.governance.identity import IDENTITY_FILE, ensure_identity
    from families_first.governance.parcels import fingerprint_of

    place = Home.open(home)
    own = ensure_identity(place)
    emit(
        {"identity": own.model_dump(mode="json"), "fingerprint": fingerprint_of(own)},
        json=json,
        show=[
            (place.root / IDENTITY_FILE).read_text(encoding="utf-8").rstrip(),
            f"# Fingerprint, to be read out by telephone: {fingerprint_of(own)}",
        ],
    )


@app.command(name="add-partner")
def add_partner_(
    file: Path,
    /,
    *,
    compared: Annotated[
        str,
        Parameter(help="The fingerprint as the partner read it out, in quotes; nothing is added without."),
    ] = "",
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Trust a partner's keys, after comparing their fingerprint with the partner by telephone or in person.

    Parameters
    ----------
    file
        The partner's identity.toml.
    """
    from families_first.governance.identity import read_identity
    from families_first.governance.parcels import add_partner, fingerprint_of

    if compared:
        partner = add_partner(desk_at(home, as_, "protect-data"), file, compared=compared)
        said = [f"Added {partner.name} ({partner.organisation}). Parcels may now go to it and come from it."]
    else:
        partner = read_identity(file)
        said = [
            f"This file says: {partner.name}, {partner.title}, of {partner.organisation} "
            f"({partner.organisation_kind}), zone {partner.zone}.",
            f"Its fingerprint: {fingerprint_of(partner)}",
            "Nothing was added. Ring the partner by a number that you know, have them run `families-first "
            "parcel identity` and read out the fingerprint, and give that with --compared.",
        ]
    emit(
        {
            "partner": partner.model_dump(mode="json"),
            "fingerprint": fingerprint_of(partner),
            "added": bool(compared),
        },
        json=json,
        show=said,
    )


def _check_not_of_a_study(file: Path, home: Path) -> None:
    """Refuse the spine or the payload of a study, which would be used up and kept with its row keys."""
    from families_first.governance.agreements import Contents
    from families_first.governance.home import Home
    from families_first.governance.parcels.container import read_parcel_file
    from families_first.governance.parcels.refusals import ParcelRefusedError, Reason

    try:
        manifest = read_parcel_file(file).manifest
    except ParcelRefusedError:
        return  # the opening says why, and logs it
    mine = manifest.recipient(Home.open(home).name)
    if manifest.splits is None or mine is None or mine.contents not in (Contents.SPINE, Contents.PAYLOAD):
        return
    raise ParcelRefusedError(
        Reason.FORM,
        "This parcel is part of a study, which is taken in as a whole",
        where=file.name,
        fix="Nothing was opened. Use `families-first study extract`, with the parcels of all owners and the "
        "linker's spine.",
    )


def _addressee(text: str, contents: str, agreed_as: str) -> "Addressee":
    from families_first.governance.parcels import Addressee, Contents

    partner, _, other = text.partition("=")
    if other and other not in set(Contents):
        raise _unclear(f"'{other}' is no contents of a parcel", f"Use one of: {', '.join(Contents)}.")
    return Addressee(partner, Contents(other or contents), "" if other else agreed_as)


def _column_group(text: str) -> "ColumnGroup":
    from families_first.governance.parcels import ColumnGroup

    name, equals, rest = text.partition("=")
    columns, colon, partners = rest.rpartition(":")
    if not (name and equals and columns and colon and partners):
        raise _unclear("This is not a group of columns", "Write it as NAME=column,column:PARTNER,PARTNER.")
    return ColumnGroup(name, tuple(columns.split(",")), tuple(partners.split(",")))


def _unclear(what: str, fix: str) -> Exception:
    from families_first.errors import ExitCode, UserError

    return UserError(what, where="families-first parcel seal", fix=fix, code=ExitCode.USAGE)


def _signature_in_words(holds: bool | None) -> str:
    return {
        None: "not checked",
        True: "a partner of this home, and the signature holds",
        False: "do not rely on it",
    }[holds]
