"""``families-first mapping``: propose, check and hand round the mapping of a source's files."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from families_first.cli.deliveries import AgreementOption, find_agreement
from families_first.cli.options import HERE, HomeOption, JsonOption, OnOption, day_or_today
from families_first.cli.output import Sheet, emit
from families_first.errors import UserError

if TYPE_CHECKING:
    from families_first.council.deliveries import SourceMapping

app = App(name="mapping", help="Suggest, check and export the mapping of a source's files.")


@app.command
def suggest(file: Path, /, *, json: JsonOption = False) -> None:
    """Propose a mapping from a file's headers and contents, for a person to correct.

    The proposal is TOML on standard output. Of the file it holds the headers and short lists of codes, and no
    other value; what only a person can settle is marked CHECK.

    Parameters
    ----------
    file
        A file as the agency sent it.
    """
    from families_first.council.deliveries import suggest_mapping

    proposal = suggest_mapping(file)
    emit({"file": file.name, "mapping": proposal}, json=json, show=[proposal.rstrip()])


@app.command
def check(*files: Path, home: HomeOption = HERE, on: OnOption = None, json: JsonOption = False) -> int:
    """Check mappings, and whether the agreement that each quotes allows what it reads.

    Parameters
    ----------
    files
        The mappings to check; all of the home's when none is named.
    """
    from families_first.council.deliveries import load_mapping, load_mappings
    from families_first.governance.home import Home

    if files:
        found = [load_mapping(path) for path in files]
    else:
        found = list(load_mappings(Home.open(home).mappings).values())
    refusals = {mapping.content.id: _refusal(mapping, home, on=on) for mapping in found}
    emit(
        {"mappings": [{**_summary(each), "refusal": _told(refusals[each.content.id])} for each in found]},
        json=json,
        show=[
            Sheet(
                ["Mapping", "Source", "Files", "Columns read", "Becomes", "Agreement allows it"],
                [
                    [
                        each.content.id,
                        each.content.source,
                        ", ".join(each.content.mapping.files),
                        len(each.content.read_columns),
                        ", ".join(each.content.tables),
                        refusals[each.content.id] is None,
                    ]
                    for each in found
                ],
            )
            if found
            else "There is no mapping here.",
            *(f"{name}: {refusal}" for name, refusal in refusals.items() if refusal is not None),
        ],
    )
    return next((int(refusal.code) for refusal in refusals.values() if refusal is not None), 0)


@app.command
def export(
    file: Path, /, *, agreement: AgreementOption = "", home: HomeOption = HERE, json: JsonOption = False
) -> None:
    """Write a mapping as an Open Data Contract Standard document, for the sender to read and agree.

    Parameters
    ----------
    file
        The mapping.
    """
    from families_first.council.deliveries import load_mapping
    from families_first.council.deliveries.contract import export_contract

    mapping = load_mapping(file)
    agreed = find_agreement(agreement or mapping.content.mapping.agreement, home)
    contract = export_contract(mapping.content, agreed)
    emit({"mapping": mapping.content.id, "contract": contract}, json=json, show=[contract.rstrip()])


def _refusal(mapping: "SourceMapping", home: Path, *, on: OnOption) -> UserError | None:
    from families_first.governance.agreements import check_read

    content = mapping.content
    try:
        check_read(
            find_agreement(content.mapping.agreement, home),
            sender=content.mapping.sender,
            purpose=content.mapping.purpose,
            mapping_id=content.id,
            columns=content.headers,
            used=content.read_columns,
            on=day_or_today(on),
        )
    except UserError as refusal:
        return refusal
    return None


def _summary(mapping: "SourceMapping") -> dict[str, object]:
    content = mapping.content
    return {
        "id": content.id,
        "source": content.source,
        "files": list(content.mapping.files),
        "agreement": content.mapping.agreement,
        "columns_read": list(content.read_columns),
        "tables": [str(table) for table in content.tables],
    }


def _told(refusal: UserError | None) -> dict[str, str | int] | None:
    return None if refusal is None else refusal.as_dict()
