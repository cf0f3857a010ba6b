"""``families-first study``: split owners' records, link them, release outcomes for a sealed protocol."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, counted, emit

if TYPE_CHECKING:
    from families_first.governance.parcels import SealedParcel
    from families_first.governance.study import Split

app = App(name="study", help="Split, link and release records for a study, each in its own zone.")

# The linkage and research zones' commands stand in modules of their own: name, module:function, what it does.
_ELSEWHERE: tuple[tuple[str, str, str], ...] = (
    ("link", "linking:link", "Link a study's identifiers into a spine of pseudonyms (linkage zone)."),
    ("sample", "linking:sample", "Draw pairs for people to decide, to judge links by (linkage zone)."),
    ("seal-spine", "linking:seal_spine", "Seal the spine and its quality sheet for research (linkage zone)."),
    (
        "destroy-identifiers",
        "linking:destroy_identifiers",
        "Destroy a study's identifiers, its spine and the keys to them (linkage zone).",
    ),
    ("extract", "extracting:extract", "Open what came, build a sealed protocol's extract (research zone)."),
    ("ask", "extracting:ask", "Ask an extract for counts and means of groups (research zone)."),
    ("run", "study_run:run", "Go the whole way of a study over homes on one machine."),
)
for _name, _place, _help in _ELSEWHERE:
    app.command(f"families_first.cli.{_place}", name=_name, help=_help)

_RESEARCH = "research"

AgreementOption = Annotated[str, Parameter(help="The id of the agreement that covers it.")]


@app.command
def split(
    files: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    agreement: AgreementOption,
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Make identifiers for the linker and payload for the researchers, under one random row key.

    People who objected are left out and counted. What happened from the agreement's day on is sealed locked.

    Parameters
    ----------
    files
        The file of the people, called people.csv or people.parquet, and one file for each payload section of
        the agreement, called as the section is.
    """
    from families_first.cli.progress import progress
    from families_first.governance.study import split_for_study

    desk = desk_at(home, as_, _RESEARCH)
    with progress("Splitting") as steps:
        made = split_for_study(desk, files, agreement, said=steps.describe)
    emit(
        {
            "split": made.id,
            "project": made.project,
            "owner": made.owner,
            "agreement": made.agreement,
            "people": made.people,
            "objected": made.objected,
            "people_without_payload": made.people_without_payload,
            "identifiers": _parcel(made.identifiers),
            "sections": [
                {
                    "section": each.name,
                    "rows": each.rows,
                    "open": _parcel(each.open),
                    "locked": _parcel(each.locked) if each.locked else None,
                    "objected": each.objected,
                    "undated": each.undated,
                    "without_identifiers": each.without_identifiers,
                    "references_without_identifiers": each.references_without_identifiers,
                }
                for each in made.sections
            ],
            "left_out": made.left_out,
        },
        json=json,
        show=[
            f"Split {counted(made.people, 'person', 'people')} of {made.owner} for {made.project}; "
            f"{counted(made.objected, 'person', 'people')} who objected were left out.",
            _sheet_of(made),
            *_told_of_rows(made),
            *(
                f"Left out of {file}, because the agreement does not list them: {', '.join(columns)}."
                for file, columns in made.left_out.items()
                if columns
            ),
            f"Nothing tells of {counted(made.people_without_payload, 'person', 'people')}: they are sent to "
            "the linker alone.",
            f"All {len(made.parcels)} parcels are of split {made.id}. Send them together: parts of two "
            "splits never join.",
        ],
    )


@app.command(name="object")
def object_(file: Path, /, *, home: HomeOption = HERE, as_: AsOption = "", json: JsonOption = False) -> None:
    """Note people who object to research on their records; every split from then on leaves them out.

    Parameters
    ----------
    file
        A CSV or Parquet file with a column `reference`: their references, as the files to be split have them.
    """
    from families_first.governance.study import record_objections

    found = record_objections(desk_at(home, as_, "protect-data"), file)
    emit(
        {"new": found.new, "known_before": found.known_before, "kept": found.kept},
        json=json,
        show=[
            f"Noted {counted(found.new, 'objection')}; {found.known_before:,} of the file were known. "
            f"{counted(found.kept, 'person', 'people')} will be left out of every split.",
            "Parcels that were sent before are not changed by it: tell the linker and the researchers.",
        ],
    )


@app.command(name="request-release")
def request_release_(
    protocol: str,
    files: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    agreement: AgreementOption,
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Ask the publisher to release outcomes for a protocol that was sealed here.

    Parameters
    ----------
    protocol
        The id of the sealed protocol.
    files
        The locked parcels, as the owners sent them. Their keys alone go to the publisher.
    """
    from families_first.governance.study import request_release

    sealed = request_release(desk_at(home, as_, _RESEARCH), protocol, agreement, files)
    emit(
        _parcel(sealed),
        json=json,
        show=[
            f"Asked for the release of {counted(sealed.manifest.body.rows, 'locked group')}, with the proof "
            f"that the protocol '{protocol}' was sealed: {sealed.path.name} in the outbox, for "
            f"{sealed.manifest.recipients[0].name}.",
        ],
    )


@app.command
def release(
    file: Path,
    /,
    *,
    agreement: AgreementOption,
    protocol_sha256: Annotated[
        str,
        Parameter(
            help="The protocol's SHA-256 as the researchers made it known; nothing is released for another."
        ),
    ] = "",
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Check a request of the researchers and unlock the outcomes that it asks for, for that protocol alone.

    Parameters
    ----------
    file
        The parcel with the request.
    """
    from families_first.governance.study import release_outcomes

    desk = desk_at(home, as_, _RESEARCH)
    done = release_outcomes(desk, file, agreement, expected_sha256=protocol_sha256)
    emit(
        {
            "protocol": done.protocol,
            "protocol_sha256": done.protocol_sha256,
            "serials": done.serials,
            "parcel": _parcel(done.parcel),
        },
        json=json,
        show=[
            f"Released {counted(len(done.serials), 'parcel')} for the protocol '{done.protocol}': "
            f"{done.parcel.path.name} in the outbox.",
            f"The protocol was sealed with SHA-256 {done.protocol_sha256}; its text is in protocols/. These "
            "parcels are released for no other.",
        ],
    )


@app.command(name="accept-release")
def accept_release_(
    file: Path, /, *, home: HomeOption = HERE, as_: AsOption = "", json: JsonOption = False
) -> None:
    """Take a release in: the parcels that it names open from then on, while the protocol is as it was sealed.

    Parameters
    ----------
    file
        The parcel with the release.
    """
    from families_first.governance.study import accept_release

    found = accept_release(desk_at(home, as_, _RESEARCH), file)
    emit(
        {"protocol": found.protocol, "protocol_sha256": found.protocol_sha256, "serials": found.serials},
        json=json,
        show=[
            f"{counted(len(found.serials), 'parcel')} can be opened now, for the protocol '{found.protocol}' "
            f"as it was sealed (SHA-256 {found.protocol_sha256}).",
        ],
    )


def _parcel(sealed: "SealedParcel") -> dict[str, object]:
    return {
        "serial": sealed.serial,
        "file": sealed.path.name,
        "rows": sealed.manifest.body.rows,
        "bytes": sealed.bytes,
        "recipient": sealed.manifest.recipients[0].name,
        "locked": bool(sealed.manifest.locked),
    }


def _sheet_of(made: "Split") -> Sheet:
    rows: list[list[object]] = [_line("identifiers", made.identifiers)]
    for each in made.sections:
        rows += [_line(each.name, parcel) for parcel in (each.open, each.locked) if parcel]
    return Sheet(["Holds", "Rows", "For", "Locked until released by", "Parcel"], rows)


def _line(holds: str, sealed: "SealedParcel") -> list[object]:
    by = next((group.released_by for group in sealed.manifest.locked), None)
    manifest = sealed.manifest
    return [holds, manifest.body.rows, manifest.recipients[0].name, by, sealed.path.name]


def _told_of_rows(made: "Split") -> list[str]:
    told = []
    for each in made.sections:
        if each.without_identifiers:
            references = counted(each.references_without_identifiers, "reference")
            told.append(
                f"Left out of {each.name}: {counted(each.without_identifiers, 'row')} of {references} that "
                "nobody among the people has."
            )
        if each.objected:
            told.append(f"Left out of {each.name}: {counted(each.objected, 'row')} of people who objected.")
        if each.undated:
            told.append(f"Left out of {each.name}: {counted(each.undated, 'row')} without a date.")
    return told
